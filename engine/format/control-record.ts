/**
 * The record in a control batch: the marker that ends a transaction in a partition (Kafka's
 * ControlRecordType and EndTransactionMarker). Big-endian.
 *
 *   key    0  version            int16   0
 *          2  type               int16   0 abort, 1 commit; others are not markers and are passed over
 *   value  0  version            int16   0
 *          2  coordinator epoch  int32
 *
 * Any thread; pure. docs/format.md, section "Control batch".
 */

import { MillraceError } from '../base/errors.ts';
import { buildBatch } from './batch-builder.ts';

export const ControlType = { ABORT: 0, COMMIT: 1 } as const;
export type ControlType = (typeof ControlType)[keyof typeof ControlType];

const KEY_BYTES = 4;
const VALUE_BYTES = 6;

export interface EndTransactionMarker {
  type: ControlType;
  coordinatorEpoch: number;
}

/** The marker in a control record, or null when it is of another type. Throws 'corrupt' when it is too short. */
export function parseEndTransactionMarker(
  key: Uint8Array | null,
  value: Uint8Array | null,
): EndTransactionMarker | null {
  if (key === null || key.length < KEY_BYTES) throw corrupt('key');
  const type = new DataView(key.buffer, key.byteOffset).getInt16(2);
  if (type !== ControlType.ABORT && type !== ControlType.COMMIT) return null;
  if (value === null || value.length < VALUE_BYTES) throw corrupt('value');
  const coordinatorEpoch = new DataView(value.buffer, value.byteOffset).getInt32(2);
  return { type, coordinatorEpoch };
}

/** A whole control batch that ends a producer's transaction. */
export function buildEndTransactionBatch(
  marker: EndTransactionMarker & {
    baseOffset?: number;
    leaderEpoch?: number;
    producerId: number;
    producerEpoch: number;
    timestampMs: number;
  },
): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  new DataView(key.buffer).setInt16(2, marker.type);
  const value = new Uint8Array(VALUE_BYTES);
  new DataView(value.buffer).setInt32(2, marker.coordinatorEpoch);
  return buildBatch({
    ...marker,
    isTransactional: true,
    isControl: true,
    records: [{ key, value, timestamp: marker.timestampMs }],
  });
}

function corrupt(part: string): MillraceError<'corrupt', null> {
  return new MillraceError('corrupt', `control record is corrupt: its ${part} is too short`, null);
}

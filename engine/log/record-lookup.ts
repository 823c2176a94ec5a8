/**
 * Looks for a record of one batch by its timestamp, inside the batch. A batch that unfolds to more than is worth looking
 * through, or not at all, is answered for as a whole: with its largest timestamp.
 *
 * Any thread; synchronous: the memory serves all lookups of a thread, and is let go behind one of unusual size.
 */

import { isMillraceError } from '../base/errors.ts';
import { LOOKUP_KEPT_BYTES, LOOKUP_UNFOLDED_BYTES_MAX } from '../base/limits.ts';
import {
  batchBaseOffset,
  batchLastOffset,
  batchLeaderEpoch,
  batchMaxTimestamp,
} from '../format/batch.ts';
import { RecordCursor } from '../format/records.ts';
import type { SegmentView } from './segment-view.ts';

export interface TimestampLookup {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export type IsWanted = (timestamp: number, offset: number) => boolean;

const records = new RecordCursor();
const NOTHING = new Uint8Array(0);
let batchBytes = Buffer.alloc(0);

/** The first record of the batch at `position` that `isWanted`. */
export function firstRecordIn(
  view: SegmentView,
  position: number,
  size: number,
  isWanted: IsWanted,
): TimestampLookup | null {
  for (const record of recordsIn(view, position, size)) {
    if (isWanted(record.timestamp, record.offset)) return record;
  }
  return null;
}

/** The first of the records with the largest timestamp, of those from `startOffset` on. */
export function latestRecordIn(
  view: SegmentView,
  position: number,
  size: number,
  startOffset: number,
): TimestampLookup | null {
  let latest: TimestampLookup | null = null;
  for (const record of recordsIn(view, position, size)) {
    if (record.offset < startOffset || record.timestamp <= (latest?.timestamp ?? -1)) continue;
    latest = record;
  }
  return latest;
}

/** The records of the batch; behind those that can be read, if not all can, the ends of the batch. */
function* recordsIn(view: SegmentView, position: number, size: number): Iterable<TimestampLookup> {
  if (batchBytes.length < size) batchBytes = Buffer.allocUnsafeSlow(size);
  view.read(batchBytes, 0, size, position);
  const bytes = batchBytes.subarray(0, size);
  const header = new DataView(bytes.buffer, bytes.byteOffset, size);
  const leaderEpoch = batchLeaderEpoch(header, 0);
  try {
    records.reset(bytes, header, 0, LOOKUP_UNFOLDED_BYTES_MAX);
    while (records.next()) {
      const { offset, timestamp } = records;
      yield { offset, timestamp, leaderEpoch };
    }
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    const timestamp = batchMaxTimestamp(header, 0);
    yield { offset: batchBaseOffset(header, 0), timestamp, leaderEpoch };
    yield { offset: batchLastOffset(header, 0), timestamp, leaderEpoch };
  } finally {
    records.bytes = NOTHING;
    if (batchBytes.length > LOOKUP_KEPT_BYTES) batchBytes = Buffer.alloc(0);
  }
}

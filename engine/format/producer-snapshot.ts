/**
 * Kafka's producer snapshot file, `<offset>.snapshot` (ProducerStateManager): what the log knew of every
 * idempotent producer when its end was at that offset, so that recovery replays only the tail. Big-endian.
 *
 *    0  version                    int16   1
 *    2  crc                        uint32  CRC-32C of everything behind this field
 *    6  producer count             int32
 *   10  per producer, 46 bytes:
 *        0  producer id            int64
 *        8  producer epoch         int16
 *       10  last sequence          int32   -1: none
 *       14  last offset            int64   -1: none
 *       22  offset delta           int32   last offset - first offset of its last batch
 *       26  timestamp              int64   of its last batch
 *       34  coordinator epoch      int32   -1: none
 *       38  current txn offset     int64   first offset of its open transaction, -1: none
 *
 * Any thread; pure. docs/format.md, section "Producer snapshot".
 */

import { crc32c } from '../base/crc32c.ts';
import { MillraceError } from '../base/errors.ts';
import { getInt64, setInt64 } from '../base/int64.ts';

const SNAPSHOT_VERSION = 1;
export const SNAPSHOT_VERSION_AT = 0;
export const SNAPSHOT_CRC_AT = 2;
export const SNAPSHOT_COUNT_AT = 6;
export const SNAPSHOT_HEADER_BYTES = 10;
export const SNAPSHOT_ENTRY_BYTES = 46;

/** One producer's last batch and transaction. */
export interface ProducerSnapshotEntry {
  producerId: number;
  producerEpoch: number;
  lastSequence: number;
  lastOffset: number;
  offsetDelta: number;
  timestamp: number;
  coordinatorEpoch: number;
  currentTxnFirstOffset: number;
}

/** The file's bytes. */
export function formatProducerSnapshot(entries: readonly ProducerSnapshotEntry[]): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES + entries.length * SNAPSHOT_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt16(SNAPSHOT_VERSION_AT, SNAPSHOT_VERSION);
  view.setInt32(SNAPSHOT_COUNT_AT, entries.length);
  let at = SNAPSHOT_HEADER_BYTES;
  for (const entry of entries) {
    setInt64(view, at, entry.producerId);
    view.setInt16(at + 8, entry.producerEpoch);
    view.setInt32(at + 10, entry.lastSequence);
    setInt64(view, at + 14, entry.lastOffset);
    view.setInt32(at + 22, entry.offsetDelta);
    setInt64(view, at + 26, entry.timestamp);
    view.setInt32(at + 34, entry.coordinatorEpoch);
    setInt64(view, at + 38, entry.currentTxnFirstOffset);
    at += SNAPSHOT_ENTRY_BYTES;
  }
  view.setUint32(SNAPSHOT_CRC_AT, crc32c(bytes, SNAPSHOT_COUNT_AT, bytes.length));
  return bytes;
}

/**
 * The producers in a snapshot file. Throws `MillraceError` 'corrupt' when it is not a whole, valid one. Bytes behind
 * them are covered by the checksum and left alone, as Kafka does: an engine may keep more there.
 */
export function parseProducerSnapshot(bytes: Uint8Array): ProducerSnapshotEntry[] {
  if (bytes.length < SNAPSHOT_HEADER_BYTES) throw corrupt('it is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getInt16(SNAPSHOT_VERSION_AT);
  if (version !== SNAPSHOT_VERSION) throw corrupt(`unknown version ${version}`);
  if (view.getUint32(SNAPSHOT_CRC_AT) !== crc32c(bytes, SNAPSHOT_COUNT_AT, bytes.length)) {
    throw corrupt('the checksum differs');
  }
  const count = view.getInt32(SNAPSHOT_COUNT_AT);
  const end = SNAPSHOT_HEADER_BYTES + count * SNAPSHOT_ENTRY_BYTES;
  if (count < 0 || end > bytes.length) {
    throw corrupt(`${count} producers do not fit ${bytes.length} bytes`);
  }
  const entries: ProducerSnapshotEntry[] = [];
  for (let at = SNAPSHOT_HEADER_BYTES; at < end; at += SNAPSHOT_ENTRY_BYTES) {
    entries.push({
      producerId: getInt64(view, at),
      producerEpoch: view.getInt16(at + 8),
      lastSequence: view.getInt32(at + 10),
      lastOffset: getInt64(view, at + 14),
      offsetDelta: view.getInt32(at + 22),
      timestamp: getInt64(view, at + 26),
      coordinatorEpoch: view.getInt32(at + 34),
      currentTxnFirstOffset: getInt64(view, at + 38),
    });
  }
  return entries;
}

function corrupt(why: string): MillraceError<'corrupt', null> {
  return new MillraceError('corrupt', `producer snapshot is corrupt: ${why}`, null);
}

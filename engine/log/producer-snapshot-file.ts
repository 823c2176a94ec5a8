/**
 * Producer state as a file, `<offset>.snapshot`: Kafka's layout with the last batch of each producer, and behind
 * it, where Kafka does not look, the up to four earlier batches that it forgets at a restart. The checksum in
 * Kafka's header covers the file to its end, so ours too.
 *
 *   behind Kafka's part   int32   0x4d524531: our part follows
 *   per producer, in the order of Kafka's entries:
 *      count              int8    earlier batches, 0 to 4, oldest first, each
 *        last sequence    int32
 *        last offset      int64
 *        offset delta     int32
 *        timestamp        int64
 *
 * Any thread; pure but for the file. docs/format.md, section "Producer snapshot".
 */

import { crc32c } from '../base/crc32c.ts';
import { MillraceError } from '../base/errors.ts';
import { getInt64, setInt64 } from '../base/int64.ts';
import {
  formatProducerSnapshot,
  parseProducerSnapshot,
  SNAPSHOT_COUNT_AT,
  SNAPSHOT_CRC_AT,
  SNAPSHOT_ENTRY_BYTES,
  SNAPSHOT_HEADER_BYTES,
} from '../format/producer-snapshot.ts';
import {
  BATCH_NUMBERS,
  BATCHES_REMEMBERED,
  ProducerEntry,
  type ProducerState,
} from './producer-state.ts';

const EARLIER_BATCHES_MARK = 0x4d524531;
const EARLIER_BATCH_BYTES = 24;

/** The snapshot file's bytes. */
export function formatSnapshot(state: ProducerState): Uint8Array {
  const entries = state.entries();
  const kafka = formatProducerSnapshot(
    entries.map((entry) => {
      const last = entry.batches.length - BATCH_NUMBERS;
      const isEmpty = last < 0;
      return {
        producerId: entry.producerId,
        producerEpoch: entry.producerEpoch,
        lastSequence: isEmpty ? -1 : entry.batches[last]!,
        lastOffset: isEmpty ? -1 : entry.batches[last + 1]!,
        offsetDelta: isEmpty ? 0 : entry.batches[last + 2]!,
        timestamp: isEmpty ? entry.lastTimestamp : entry.batches[last + 3]!,
        coordinatorEpoch: entry.coordinatorEpoch,
        currentTxnFirstOffset: entry.currentTxnFirstOffset,
      };
    }),
  );
  const earlier = entries.map((entry) => Math.max(0, entry.batches.length / BATCH_NUMBERS - 1));
  const earlierCount = earlier.reduce((sum, count) => sum + count, 0);
  if (earlierCount === 0) return kafka;
  const bytes = new Uint8Array(
    kafka.length + 4 + entries.length + earlierCount * EARLIER_BATCH_BYTES,
  );
  bytes.set(kafka);
  const view = new DataView(bytes.buffer);
  view.setInt32(kafka.length, EARLIER_BATCHES_MARK);
  let at = kafka.length + 4;
  entries.forEach(({ batches }, index) => {
    view.setInt8(at++, earlier[index]!);
    for (let batch = 0; batch < earlier[index]! * BATCH_NUMBERS; batch += BATCH_NUMBERS) {
      view.setInt32(at, batches[batch]!);
      setInt64(view, at + 4, batches[batch + 1]!);
      view.setInt32(at + 12, batches[batch + 2]!);
      setInt64(view, at + 16, batches[batch + 3]!);
      at += EARLIER_BATCH_BYTES;
    }
  });
  setCrc(bytes, view);
  return bytes;
}

/** Loads a snapshot file into an empty state; false when it is damaged, and then the state stays empty. */
export function loadSnapshot(bytes: Uint8Array, state: ProducerState, nowMs: number): boolean {
  try {
    for (const entry of parseSnapshot(bytes, nowMs)) state.load(entry);
    return true;
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'corrupt') throw error;
    return false;
  }
}

function parseSnapshot(bytes: Uint8Array, nowMs: number): ProducerEntry[] {
  const entries: ProducerEntry[] = [];
  for (const each of parseProducerSnapshot(bytes)) {
    const entry = new ProducerEntry(each.producerId, nowMs);
    entry.producerEpoch = each.producerEpoch;
    entry.coordinatorEpoch = each.coordinatorEpoch;
    entry.currentTxnFirstOffset = each.currentTxnFirstOffset;
    entry.lastTimestamp = each.timestamp;
    if (each.lastSequence >= 0) {
      entry.remember(each.lastSequence, each.lastOffset, each.offsetDelta, each.timestamp);
    }
    entries.push(entry);
  }
  const kafkaBytes = SNAPSHOT_HEADER_BYTES + entries.length * SNAPSHOT_ENTRY_BYTES;
  if (bytes.length > kafkaBytes) addEarlierBatches(bytes, kafkaBytes, entries);
  return entries;
}

function setCrc(bytes: Uint8Array, view: DataView): void {
  view.setUint32(SNAPSHOT_CRC_AT, crc32c(bytes, SNAPSHOT_COUNT_AT, bytes.length));
}

/** Puts the earlier batches in front of the last ones. The checksum has vouched for the bytes. */
function addEarlierBatches(bytes: Uint8Array, from: number, entries: ProducerEntry[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = from;
  // Something else than ours may follow in a Kafka of the future: it is not needed.
  if (at + 4 > bytes.length || view.getInt32(at) !== EARLIER_BATCHES_MARK) return;
  at += 4;
  for (const entry of entries) {
    const count = at < bytes.length ? view.getInt8(at++) : -1;
    const isBelievable = count >= 0 && count < BATCHES_REMEMBERED;
    if (!isBelievable || at + count * EARLIER_BATCH_BYTES > bytes.length) return;
    const earlier: number[] = [];
    for (let batch = 0; batch < count; batch++) {
      earlier.push(view.getInt32(at), getInt64(view, at + 4));
      earlier.push(view.getInt32(at + 12), getInt64(view, at + 16));
      at += EARLIER_BATCH_BYTES;
    }
    entry.batches = [...earlier, ...entry.batches];
  }
}

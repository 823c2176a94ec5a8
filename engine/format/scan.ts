/**
 * Walks batches that lie back to back in memory. Recovery's scan is a pure function over bytes: it returns
 * the valid prefix and why it stopped there, and never throws, whatever the bytes are.
 *
 * Laws (tested): the scan of any prefix of valid batches yields exactly the whole batches in it; a zero length
 * ends it; damage anywhere under the checksum stops it before that batch; `validBytes` always ends a batch.
 *
 * Any thread; pure. docs/format.md, section "Recovery".
 */

import { crc32c } from '../base/crc32c.ts';
import { BATCH_BYTES_MAX } from '../base/limits.ts';
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  BATCH_OVERHEAD_BYTES,
  batchBaseOffset,
  batchCrc,
  batchLastOffsetDelta,
  batchLeaderEpoch,
  batchMagic,
  batchMaxTimestamp,
  batchRecordCount,
  batchSize,
  MAGIC_V2,
} from './batch.ts';

/**
 * Why a scan stopped:
 *   end           the range ends with a whole batch
 *   zeros         a zero length: preallocated space that was never written
 *   partial       the range ends inside a batch; `neededBytes` says how large it claims to be
 *   bad-length    a length no batch has
 *   bad-magic     not a batch of version 2
 *   bad-header    fields that contradict each other: a negative count or offset
 *   bad-offset    an offset that does not lie above those before
 *   bad-crc       the checksum differs
 */
export type StopReason =
  | 'end'
  | 'zeros'
  | 'partial'
  | 'bad-length'
  | 'bad-magic'
  | 'bad-header'
  | 'bad-offset'
  | 'bad-crc';

export interface ScanOptions {
  /** Verify each batch's checksum; without it only headers are looked at. Default true. */
  checkCrc?: boolean;
  /** Offsets must lie above this one. Default -1. */
  offsetAbove?: number;
  /** A longer batch stops the scan. Default BATCH_BYTES_MAX. */
  batchBytesMax?: number;
  /** Called for every valid batch, in order, with its byte position and size. */
  onBatch?: (at: number, size: number) => void;
}

export interface ScanResult {
  /** Bytes from the start of the range to the end of the last valid batch. */
  validBytes: number;
  stopReason: StopReason;
  batchCount: number;
  recordCount: number;
  /** First and last offset of the valid batches; -1 when there is none. */
  firstOffset: number;
  lastOffset: number;
  /** The largest timestamp, and the last offset of the first batch that has it; -1 when there is none. */
  maxTimestamp: number;
  maxTimestampOffset: number;
  /** Size of the largest valid batch. */
  maxBatchBytes: number;
  /** Leader epoch of the last valid batch; -1 when there is none. */
  lastLeaderEpoch: number;
  /** When 'partial': bytes that must be readable from the end of the valid ones to look at the next batch. */
  neededBytes: number;
}

/**
 * Scans [from, to) and says how far it holds whole, valid batches with rising offsets. `view` is a view over
 * the same memory as `bytes`.
 */
export function scanBatches(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  to: number,
  options: ScanOptions = {},
): ScanResult {
  const checkCrc = options.checkCrc ?? true;
  const batchBytesMax = options.batchBytesMax ?? BATCH_BYTES_MAX;
  const result: ScanResult = {
    validBytes: 0,
    stopReason: 'end',
    batchCount: 0,
    recordCount: 0,
    firstOffset: -1,
    lastOffset: -1,
    maxTimestamp: -1,
    maxTimestampOffset: -1,
    maxBatchBytes: 0,
    lastLeaderEpoch: -1,
    neededBytes: 0,
  };
  let offsetAbove = options.offsetAbove ?? -1;
  let at = from;
  while (at < to) {
    const reason = stopAt(view, at, to, batchBytesMax, offsetAbove, result);
    if (reason !== null) {
      result.stopReason = reason;
      break;
    }
    const size = batchSize(view, at);
    if (checkCrc && batchCrc(view, at) !== crc32c(bytes, at + ATTRIBUTES_AT, at + size)) {
      result.stopReason = 'bad-crc';
      break;
    }
    offsetAbove = addBatch(view, at, size, result);
    at += size;
    result.validBytes = at - from;
    options.onBatch?.(at - size, size);
  }
  return result;
}

/** Why there is no valid header at `at`, the first bytes of which exist; null when there is one. */
function stopAt(
  view: DataView,
  at: number,
  to: number,
  batchBytesMax: number,
  offsetAbove: number,
  result: ScanResult,
): StopReason | null {
  const available = to - at;
  if (available < BATCH_OVERHEAD_BYTES) {
    // Too short to know: the rest of preallocated space is as likely as half a batch.
    for (let byte = at; byte < to; byte++) {
      if (view.getUint8(byte) !== 0) return partial(result, BATCH_OVERHEAD_BYTES);
    }
    return 'zeros';
  }
  const length = view.getInt32(at + BATCH_LENGTH_AT);
  if (length === 0) return 'zeros';
  const size = length + BATCH_OVERHEAD_BYTES;
  if (size < BATCH_HEADER_BYTES || size > batchBytesMax) return 'bad-length';
  if (available < BATCH_HEADER_BYTES) return partial(result, size);
  if (batchMagic(view, at) !== MAGIC_V2) return 'bad-magic';
  const lastOffsetDelta = batchLastOffsetDelta(view, at);
  if (lastOffsetDelta < 0 || batchRecordCount(view, at) < 0) return 'bad-header';
  if (batchBaseOffset(view, at) <= offsetAbove) return 'bad-offset';
  return size > available ? partial(result, size) : null;
}

function partial(result: ScanResult, neededBytes: number): 'partial' {
  result.neededBytes = neededBytes;
  return 'partial';
}

/** Counts the valid batch in and returns its last offset. */
function addBatch(view: DataView, at: number, size: number, result: ScanResult): number {
  const baseOffset = batchBaseOffset(view, at);
  const lastOffset = baseOffset + batchLastOffsetDelta(view, at);
  const maxTimestamp = batchMaxTimestamp(view, at);
  if (result.batchCount === 0) result.firstOffset = baseOffset;
  result.batchCount++;
  result.recordCount += batchRecordCount(view, at);
  result.lastOffset = lastOffset;
  result.lastLeaderEpoch = batchLeaderEpoch(view, at);
  if (size > result.maxBatchBytes) result.maxBatchBytes = size;
  if (maxTimestamp > result.maxTimestamp) {
    result.maxTimestamp = maxTimestamp;
    result.maxTimestampOffset = lastOffset;
  }
  return lastOffset;
}

/**
 * The size of the batch at `at` if the header in [at, to) is believable, whole or not; else 0. For readers
 * that step over batches of a file they trust: nothing but length and magic is looked at.
 */
export function believableSize(view: DataView, at: number, to: number): number {
  if (to - at < BATCH_HEADER_BYTES) return 0;
  const size = batchSize(view, at);
  if (size < BATCH_HEADER_BYTES || size > BATCH_BYTES_MAX) return 0;
  return batchMagic(view, at) === MAGIC_V2 ? size : 0;
}

/**
 * Walks batches that lie back to back in memory. Recovery's scan is a pure function over bytes: it returns
 * the valid prefix and why it stopped, and never throws, whatever the bytes are.
 *
 * Any thread; pure.
 */

export type StopReason =
  | 'end'
  | 'zeros'
  | 'truncated'
  | 'bad-length'
  | 'bad-magic'
  | 'bad-crc'
  | 'bad-header'
  | 'offset-order';

export interface ScanOptions {
  /** Verify each batch's checksum; without it only headers are looked at. Default true. */
  checkCrc?: boolean;
  /** The largest offset that may not occur: offsets must rise above it. Default -1. */
  offsetAbove?: number;
  /** The largest believable batch; a longer one stops the scan as corrupt. Default BATCH_BYTES_MAX. */
  batchBytesMax?: number;
  /** Called for every valid batch with its position. */
  onBatch?: (at: number, size: number) => void;
}

export interface ScanResult {
  /** Bytes from `from` to the end of the last valid batch. */
  validBytes: number;
  stopReason: StopReason;
  batchCount: number;
  recordCount: number;
  /** -1 when there is no batch. */
  firstOffset: number;
  lastOffset: number;
  maxTimestamp: number;
  /** Offset of the last record of the batch that holds the maximum timestamp. */
  maxTimestampOffset: number;
  maxBatchBytes: number;
  lastLeaderEpoch: number;
  /** Size that the batch at the stop claims, where it could be read: how much more to read for it; else 0. */
  neededBytes: number;
}

/** Scans [from, to) and says how far it holds whole, valid batches in rising offset order. */
export function scanBatches(
  _bytes: Uint8Array,
  _view: DataView,
  _from: number,
  _to: number,
  _options: ScanOptions = {},
): ScanResult {
  throw new Error('unfinished');
}

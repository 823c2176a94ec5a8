/**
 * What a log changes inside a batch before it stores it: timestamps (LogAppendTime, or a maximum that the
 * producer stated wrongly) in place, and the codec, which makes a new batch. Both change bytes under the
 * checksum, so both compute it anew.
 *
 * Any thread; pure. The bytes belong to the caller before and after.
 */

import { crc32c } from '../base/crc32c.ts';
import { MillraceError } from '../base/errors.ts';
import { setInt64 } from '../base/int64.ts';
import { DECOMPRESSED_BYTES_MAX } from '../base/limits.ts';
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  BATCH_OVERHEAD_BYTES,
  batchAttributes,
  batchRecordCount,
  CODEC_MASK,
  CRC_AT,
  LOG_APPEND_TIME_MASK,
  MAX_TIMESTAMP_AT,
  RECORDS_AT,
  type TimestampType,
} from './batch.ts';
import { compress, decompress } from './compression.ts';
import { recordsFault } from './record-faults.ts';
import { walkRecords } from './record-walk.ts';
import { type ByteSource, computeCrc } from './validate.ts';

/**
 * Sets timestamp type and maximum timestamp of the batch in [at, at + size) in place. With LogAppendTime the
 * maximum is the time of append, and becomes the timestamp of every record.
 */
export function stampTimestamp(
  source: ByteSource,
  at: number,
  size: number,
  timestampType: TimestampType,
  maxTimestamp: number,
): void {
  const { view } = source;
  const attributes = batchAttributes(view, at);
  view.setInt16(
    at + ATTRIBUTES_AT,
    timestampType === 'LogAppendTime'
      ? attributes | LOG_APPEND_TIME_MASK
      : attributes & ~LOG_APPEND_TIME_MASK,
  );
  setInt64(view, at + MAX_TIMESTAMP_AT, maxTimestamp);
  view.setUint32(at + CRC_AT, computeCrc(source, at, size));
}

/**
 * The batch in [at, at + size) with its records in another codec, everything else the same, in fresh bytes.
 * Throws `MillraceError` 'corrupt', 'too-large' or 'codec' when the records do not unfold, 'invalid-record' when
 * they are not as many, well-formed and numbered from 0 as a producer's batch must be.
 */
export function recompress(
  source: ByteSource,
  at: number,
  size: number,
  codec: number,
  level?: number,
  unfoldedBytesMax = DECOMPRESSED_BYTES_MAX,
): Uint8Array<ArrayBuffer> {
  const attributes = batchAttributes(source.view, at);
  const packed = source.bytes.subarray(at + RECORDS_AT, at + size);
  const records = decompress(attributes & CODEC_MASK, packed, unfoldedBytesMax);
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const recordCount = batchRecordCount(source.view, at);
  if (!walkRecords(records, view, 0, records.length, recordCount)) {
    const fault = recordsFault(records, 0, records.length, recordCount);
    throw new MillraceError('invalid-record', fault ?? 'Found invalid record structure', null);
  }
  const repacked = compress(codec, records, level);
  const batch = Buffer.allocUnsafeSlow(RECORDS_AT + repacked.length);
  batch.set(source.bytes.subarray(at, at + RECORDS_AT));
  batch.set(repacked, RECORDS_AT);
  const header = new DataView(batch.buffer);
  header.setInt32(BATCH_LENGTH_AT, batch.length - BATCH_OVERHEAD_BYTES);
  header.setInt16(ATTRIBUTES_AT, (attributes & ~CODEC_MASK) | codec);
  header.setUint32(CRC_AT, crc32c(batch, ATTRIBUTES_AT, batch.length));
  return batch;
}

/**
 * Builds record batches. `BatchBuilder` takes records one at a time straight into its own buffer, in the
 * form they have on the wire, so closing an uncompressed batch only fills in the header; it is reused by
 * `reset`. `buildBatch` makes one batch of a list.
 *
 * Any thread; each builder belongs to one. Kafka's MemoryRecordsBuilder is the model: same bytes for the
 * same records. docs/format.md, sections "Record batch" and "Record".
 */

import { assert } from '../base/assert.ts';
import { crc32c } from '../base/crc32c.ts';
import { setInt64 } from '../base/int64.ts';
import { BATCH_BYTES_MAX } from '../base/limits.ts';
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from '../base/varint.ts';
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  BATCH_OVERHEAD_BYTES,
  CONTROL_MASK,
  Codec,
  CRC_AT,
  DELETE_HORIZON_MASK,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LOG_APPEND_TIME_MASK,
  MAGIC_AT,
  MAGIC_V2,
  MAX_TIMESTAMP_AT,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
  TRANSACTIONAL_MASK,
} from './batch.ts';
import { compress } from './compression.ts';
import type { RecordHeader } from './records.ts';

/** The fields of a batch that its records do not determine. All have Kafka's "none" as default. */
export interface BatchFields {
  /** Default 0, as producers send. */
  baseOffset?: number;
  leaderEpoch?: number;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
  isTransactional?: boolean;
  isControl?: boolean;
  /** The time the log appended the batch: sets LogAppendTime and the maximum timestamp. */
  logAppendTimeMs?: number;
  /** Overrides the last offset, where compaction removed records behind the last one left. */
  lastOffset?: number;
  /** Default: none. */
  codec?: number;
  /** The codec's own scale; default: its default. */
  level?: number;
}

/** One record to be built in; absent key or value is null. */
export interface RecordInput {
  key?: Uint8Array | null;
  value?: Uint8Array | null;
  timestamp: number;
  headers?: readonly RecordHeader[];
  /** Absolute offset; default: one more than the record before. */
  offset?: number;
}

/** The most bytes of varints in a record besides its headers: length, both deltas, two lengths, a count. */
const RECORD_VARINT_BYTES_MAX = 5 + 1 + 10 + 5 + 5 + 5 + 5;

/** Sizes seen so far say how much a codec saves; until then, Kafka's own first guess. */
const RATIO_INITIAL = 1;
const RATIO_WEIGHT = 0.2;

export class BatchBuilder {
  /** Records appended since `reset`. */
  recordCount = 0;
  /** Bytes of the batch if it were closed now without compression. */
  size = RECORDS_AT;
  maxTimestamp = NO_TIMESTAMP;

  #bytes: Uint8Array;
  #view: DataView;
  #buffer: Buffer;
  #baseTimestamp = NO_TIMESTAMP;
  #hasDeleteHorizon = false;
  #lastOffsetDelta = -1;
  #ratio = RATIO_INITIAL;

  /** `initialBytes`: the size to start with; the buffer grows as needed. */
  constructor(initialBytes = 16 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(initialBytes, RECORDS_AT));
    this.#bytes = this.#buffer;
    this.#view = new DataView(this.#buffer.buffer);
  }

  /**
   * Forgets all records and keeps the buffer: bytes that `close` returned are overwritten from here on.
   * `deleteHorizonMs`, when given, is when the batch's tombstones may be dropped: compaction stores it in
   * place of the base timestamp, and the records' timestamps are relative to it.
   */
  reset(deleteHorizonMs: number | null = null): void {
    this.recordCount = 0;
    this.size = RECORDS_AT;
    this.maxTimestamp = NO_TIMESTAMP;
    this.#baseTimestamp = deleteHorizonMs ?? NO_TIMESTAMP;
    this.#hasDeleteHorizon = deleteHorizonMs !== null;
    this.#lastOffsetDelta = -1;
  }

  /** Bytes that the batch will probably have when closed with a codec, from what earlier batches saved. */
  estimatedSize(codec: number): number {
    if (codec === Codec.NONE) return this.size;
    return RECORDS_AT + Math.ceil((this.size - RECORDS_AT) * this.#ratio);
  }

  /** At most this many bytes would a record add. */
  static recordBytesMax(
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly RecordHeader[] = [],
  ): number {
    let size = RECORD_VARINT_BYTES_MAX + (key?.length ?? 0) + (value?.length ?? 0);
    for (const header of headers) {
      size += 10 + Buffer.byteLength(header.key) + (header.value?.length ?? 0);
    }
    return size;
  }

  /**
   * Appends a record; its bytes are copied. `offsetDelta` is the offset relative to the batch's base offset
   * and rises with each record; by default one more than the last.
   */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: readonly RecordHeader[] | null = null,
    offsetDelta: number = this.#lastOffsetDelta + 1,
  ): void {
    assert(offsetDelta > this.#lastOffsetDelta, 'batch builder: offsets must rise');
    if (this.recordCount === 0 && !this.#hasDeleteHorizon) this.#baseTimestamp = timestampMs;
    const timestampDelta = timestampMs - this.#baseTimestamp;
    const keyLength = key === null ? -1 : key.length;
    const valueLength = value === null ? -1 : value.length;
    const headersSize = headers === null || headers.length === 0 ? 1 : sizeOfHeaders(headers);
    const bodySize =
      1 +
      sizeOfVarlong(timestampDelta) +
      sizeOfVarint(offsetDelta) +
      sizeOfVarint(keyLength) +
      (key === null ? 0 : keyLength) +
      sizeOfVarint(valueLength) +
      (value === null ? 0 : valueLength) +
      headersSize;
    this.#reserve(bodySize + 5);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.size, bodySize);
    bytes[at++] = 0; // record attributes: unused
    at = writeVarlong(bytes, at, timestampDelta);
    at = writeVarint(bytes, at, offsetDelta);
    at = writeVarint(bytes, at, keyLength);
    if (key !== null) at = copyInto(bytes, at, key);
    at = writeVarint(bytes, at, valueLength);
    if (value !== null) at = copyInto(bytes, at, value);
    if (headers === null || headers.length === 0) bytes[at++] = 0;
    else at = this.#appendHeaders(at, headers);
    this.size = at;
    this.recordCount++;
    this.#lastOffsetDelta = offsetDelta;
    if (timestampMs > this.maxTimestamp) this.maxTimestamp = timestampMs;
  }

  /**
   * Appends a record without headers whose key and value are ranges of larger buffers (length -1: null), for
   * callers that cut lines out of chunks: no view per record. The bytes are copied.
   */
  appendRanges(
    keySource: Buffer,
    keyAt: number,
    keyLength: number,
    valueSource: Buffer,
    valueAt: number,
    valueLength: number,
    timestampMs: number,
  ): void {
    if (this.recordCount === 0 && !this.#hasDeleteHorizon) this.#baseTimestamp = timestampMs;
    const timestampDelta = timestampMs - this.#baseTimestamp;
    const offsetDelta = ++this.#lastOffsetDelta;
    const bodySize =
      2 +
      sizeOfVarlong(timestampDelta) +
      sizeOfVarint(offsetDelta) +
      sizeOfVarint(keyLength) +
      Math.max(keyLength, 0) +
      sizeOfVarint(valueLength) +
      Math.max(valueLength, 0);
    this.#reserve(bodySize + 5);
    const bytes = this.#buffer;
    let at = writeVarint(bytes, this.size, bodySize);
    bytes[at++] = 0; // record attributes: unused
    at = writeVarlong(bytes, at, timestampDelta);
    at = writeVarint(bytes, at, offsetDelta);
    at = writeVarint(bytes, at, keyLength);
    if (keyLength > 0) at += keySource.copy(bytes, at, keyAt, keyAt + keyLength);
    at = writeVarint(bytes, at, valueLength);
    if (valueLength > 0) at += valueSource.copy(bytes, at, valueAt, valueAt + valueLength);
    bytes[at++] = 0; // no headers
    this.size = at;
    this.recordCount++;
    if (timestampMs > this.maxTimestamp) this.maxTimestamp = timestampMs;
  }

  #appendHeaders(from: number, headers: readonly RecordHeader[]): number {
    const bytes = this.#bytes;
    let at = writeVarint(bytes, from, headers.length);
    for (const { key, value } of headers) {
      at = writeVarint(bytes, at, Buffer.byteLength(key));
      at += this.#buffer.write(key, at, 'utf8');
      at = writeVarint(bytes, at, value === null ? -1 : value.length);
      if (value !== null) at = copyInto(bytes, at, value);
    }
    return at;
  }

  #reserve(more: number): void {
    const needed = this.size + more;
    if (needed <= this.#bytes.length) return;
    assert(
      needed <= BATCH_BYTES_MAX,
      'batch builder: the batch would be larger than a batch may be',
    );
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.size));
    this.#buffer = grown;
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /**
   * Completes the batch and returns its bytes: without compression a view of the builder's buffer, which
   * holds until `reset`; with a codec fresh bytes. More records may be appended and the batch closed again.
   */
  close(fields: BatchFields = {}): Uint8Array {
    const codec = fields.codec ?? Codec.NONE;
    if (codec === Codec.NONE) {
      const size = this.size;
      this.#writeHeader(this.#bytes, this.#view, size, fields);
      return this.#bytes.subarray(0, size);
    }
    const records = this.#bytes.subarray(RECORDS_AT, this.size);
    const packed = compress(codec, records, fields.level);
    if (records.length > 0) {
      this.#ratio += (packed.length / records.length - this.#ratio) * RATIO_WEIGHT;
    }
    const size = RECORDS_AT + packed.length;
    const batch = Buffer.allocUnsafeSlow(size);
    batch.set(packed, RECORDS_AT);
    this.#writeHeader(batch, new DataView(batch.buffer), size, fields);
    return batch;
  }

  #writeHeader(bytes: Uint8Array, view: DataView, size: number, fields: BatchFields): void {
    const baseOffset = fields.baseOffset ?? 0;
    const { logAppendTimeMs } = fields;
    const lastOffsetDelta =
      fields.lastOffset === undefined ? this.#lastOffsetDelta : fields.lastOffset - baseOffset;
    assert(lastOffsetDelta >= this.#lastOffsetDelta, 'batch builder: the last offset is too small');
    let attributes = fields.codec ?? Codec.NONE;
    if (logAppendTimeMs !== undefined) attributes |= LOG_APPEND_TIME_MASK;
    if (fields.isTransactional === true) attributes |= TRANSACTIONAL_MASK;
    if (fields.isControl === true) attributes |= CONTROL_MASK;
    if (this.#hasDeleteHorizon) attributes |= DELETE_HORIZON_MASK;
    setInt64(view, BASE_OFFSET_AT, baseOffset);
    view.setInt32(BATCH_LENGTH_AT, size - BATCH_OVERHEAD_BYTES);
    view.setInt32(LEADER_EPOCH_AT, fields.leaderEpoch ?? NO_LEADER_EPOCH);
    view.setInt8(MAGIC_AT, MAGIC_V2);
    view.setInt16(ATTRIBUTES_AT, attributes);
    view.setInt32(LAST_OFFSET_DELTA_AT, lastOffsetDelta);
    setInt64(view, BASE_TIMESTAMP_AT, this.#baseTimestamp);
    setInt64(view, MAX_TIMESTAMP_AT, logAppendTimeMs ?? this.maxTimestamp);
    setInt64(view, PRODUCER_ID_AT, fields.producerId ?? NO_PRODUCER_ID);
    view.setInt16(PRODUCER_EPOCH_AT, fields.producerEpoch ?? NO_PRODUCER_EPOCH);
    view.setInt32(BASE_SEQUENCE_AT, fields.baseSequence ?? NO_SEQUENCE);
    view.setInt32(RECORD_COUNT_AT, this.recordCount);
    view.setUint32(CRC_AT, crc32c(bytes, ATTRIBUTES_AT, size));
  }
}

function sizeOfHeaders(headers: readonly RecordHeader[]): number {
  let size = sizeOfVarint(headers.length);
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key);
    size += sizeOfVarint(keyBytes) + keyBytes + sizeOfVarint(value === null ? -1 : value.length);
    if (value !== null) size += value.length;
  }
  return size;
}

/** Copies all of `source` to `at`; below 32 bytes a loop beats the call. Returns the position behind it. */
function copyInto(target: Uint8Array, at: number, source: Uint8Array): number {
  const length = source.length;
  if (length > 32) target.set(source, at);
  else for (let index = 0; index < length; index++) target[at + index] = source[index]!;
  return at + length;
}

/** One batch of `records`, in fresh bytes. Record offsets default to consecutive ones from the base offset. */
export function buildBatch(
  options: BatchFields & { records: readonly RecordInput[]; deleteHorizonMs?: number },
): Uint8Array {
  const builder = new BatchBuilder();
  builder.reset(options.deleteHorizonMs ?? null);
  const baseOffset = options.baseOffset ?? 0;
  let nextOffset = baseOffset;
  for (const { key, value, timestamp, headers, offset } of options.records) {
    const at = offset ?? nextOffset;
    builder.append(key ?? null, value ?? null, timestamp, headers ?? null, at - baseOffset);
    nextOffset = at + 1;
  }
  return builder.close(options);
}

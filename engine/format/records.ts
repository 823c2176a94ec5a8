/**
 * Reads the records inside a batch, whatever its codec. `RecordCursor` walks them without allocating: it
 * holds positions, and makes views of key, value and headers only when asked. `recordsOf` is the convenient
 * form, one object per record.
 *
 *   length varint | attributes int8 | timestamp delta varlong | offset delta varint
 *   key length varint (-1: null) | key | value length varint (-1: null) | value
 *   header count varint | per header: key length varint | key (UTF-8) | value length varint (-1: null) | value
 *
 * Any thread; each cursor belongs to one. Views point into the batch's bytes, or into the cursor's own
 * unfolded copy when it is compressed, and hold until `reset`. docs/format.md, section "Record".
 */

import { MillraceError } from '../base/errors.ts';
import { DECOMPRESSED_BYTES_MAX } from '../base/limits.ts';
import { readVarint, readVarlong, varint } from '../base/varint.ts';
import {
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchBaseTimestamp,
  batchMaxTimestamp,
  batchRecordCount,
  batchSize,
  CODEC_MASK,
  isLogAppendTime,
  RECORDS_AT,
} from './batch.ts';
import { decompress } from './compression.ts';

export interface RecordHeader {
  key: string;
  value: Uint8Array | null;
}

/** One record as a plain object. */
export interface BatchRecord {
  offset: number;
  timestamp: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: RecordHeader[];
}

const noHeaders: RecordHeader[] = [];

/** Walks the records of one batch after another without allocating per record. */
export class RecordCursor {
  /** Offset and effective timestamp of the record that `next` moved to. */
  offset = -1;
  timestamp = -1;
  /** Where key and value lie in `bytes`; length -1: null. */
  keyAt = 0;
  keyLength = -1;
  valueAt = 0;
  valueLength = -1;
  headerCount = 0;
  /** Records of the batch, and how many `next` has passed. */
  recordCount = 0;
  index = 0;
  /** The bytes that the records lie in. */
  bytes: Uint8Array = new Uint8Array(0);

  #at = 0;
  #end = 0;
  #headersAt = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  #appendTimestamp = 0;
  #isLogAppendTime = false;

  /**
   * Starts at the batch at byte `at` of `bytes`, decompressing it where needed (to at most `limitBytes`).
   * Throws `MillraceError` 'corrupt', 'too-large' or 'codec'. Neither CRC nor fixed fields are checked here.
   */
  reset(bytes: Uint8Array, view: DataView, at: number, limitBytes = DECOMPRESSED_BYTES_MAX): void {
    const available = bytes.length - at;
    const size = available >= BATCH_HEADER_BYTES ? batchSize(view, at) : 0;
    if (size < BATCH_HEADER_BYTES || size > available) throw corruptRecord('a batch ends early');
    const attributes = batchAttributes(view, at);
    this.#baseOffset = batchBaseOffset(view, at);
    this.#baseTimestamp = batchBaseTimestamp(view, at);
    this.#appendTimestamp = batchMaxTimestamp(view, at);
    this.#isLogAppendTime = isLogAppendTime(attributes);
    this.recordCount = batchRecordCount(view, at);
    this.index = 0;
    const codec = attributes & CODEC_MASK;
    if (codec === 0) {
      this.bytes = bytes;
      this.#at = at + RECORDS_AT;
      this.#end = at + size;
    } else {
      const packed = bytes.subarray(at + RECORDS_AT, at + size);
      // An empty batch (all records compacted away) has no compressed block either.
      this.bytes = packed.length === 0 ? packed : decompress(codec, packed, limitBytes);
      this.#at = 0;
      this.#end = this.bytes.length;
    }
  }

  /** Moves to the next record; false behind the last. Throws `MillraceError` 'corrupt' on malformed ones. */
  next(): boolean {
    if (this.index >= this.recordCount) {
      if (this.#at !== this.#end) throw corruptRecord('bytes remain behind the last record');
      return false;
    }
    if (!this.#readUsual()) this.#readAny();
    this.index++;
    return true;
  }

  /**
   * Reads a record of the usual kind: numbers of one or two bytes (lengths of values of three), no headers.
   * False, with nothing changed, when it is of another kind or malformed. Three times as fast as `#readAny`.
   */
  #readUsual(): boolean {
    const { bytes } = this;
    let at = this.#at;
    let byte = bytes[at++]!;
    let raw = byte;
    if (byte >= 0x80) {
      byte = bytes[at++]!;
      raw = (raw & 0x7f) | (byte << 7);
      if (byte >= 0x80) {
        byte = bytes[at++]!;
        raw = (raw & 0x3fff) | (byte << 14);
        if (byte >= 0x80) return false;
      }
    }
    const end = at + (raw >>> 1);
    if ((raw & 1) !== 0 || end > this.#end) return false;
    at++; // record attributes: unused
    byte = bytes[at++]!;
    raw = byte;
    if (byte >= 0x80) {
      byte = bytes[at++]!;
      raw = (raw & 0x7f) | (byte << 7);
      if (byte >= 0x80) return false;
    }
    const timestampDelta = (raw >>> 1) ^ -(raw & 1);
    byte = bytes[at++]!;
    raw = byte;
    if (byte >= 0x80) {
      byte = bytes[at++]!;
      raw = (raw & 0x7f) | (byte << 7);
      if (byte >= 0x80) return false;
    }
    const offsetDelta = (raw >>> 1) ^ -(raw & 1);
    byte = bytes[at++]!;
    if (byte >= 0x80) return false;
    const keyAt = at;
    const keyLength = (byte >>> 1) ^ -(byte & 1);
    if (keyLength > 0) at += keyLength;
    if (at >= end) return false;
    byte = bytes[at++]!;
    raw = byte;
    if (byte >= 0x80) {
      byte = bytes[at++]!;
      raw = (raw & 0x7f) | (byte << 7);
      if (byte >= 0x80) {
        byte = bytes[at++]!;
        raw = (raw & 0x3fff) | (byte << 14);
        if (byte >= 0x80) return false;
      }
    }
    const valueAt = at;
    const valueLength = (raw >>> 1) ^ -(raw & 1);
    if (valueLength > 0) at += valueLength;
    if (at !== end - 1 || bytes[at] !== 0) return false;
    this.offset = this.#baseOffset + offsetDelta;
    this.timestamp = this.#isLogAppendTime
      ? this.#appendTimestamp
      : this.#baseTimestamp + timestampDelta;
    this.keyAt = keyAt;
    this.keyLength = keyLength;
    this.valueAt = valueAt;
    this.valueLength = valueLength;
    this.headerCount = 0;
    this.#at = end;
    return true;
  }

  #readAny(): void {
    const { bytes } = this;
    const length = readVarint(bytes, this.#at, this.#end);
    let at = varint.end;
    if (at < 0 || length < 0 || length > this.#end - at) throw corruptRecord('a record ends early');
    const end = at + length;
    at += 1; // record attributes: unused
    const timestampDelta = readVarlong(bytes, at, end);
    at = checked(varint.end);
    const offsetDelta = readVarint(bytes, at, end);
    at = checked(varint.end);
    this.keyLength = readVarint(bytes, at, end);
    this.keyAt = checked(varint.end);
    at = this.keyAt + Math.max(this.keyLength, 0);
    this.valueLength = readVarint(bytes, at, end);
    this.valueAt = checked(varint.end);
    at = this.valueAt + Math.max(this.valueLength, 0);
    this.headerCount = readVarint(bytes, at, end);
    at = checked(varint.end);
    this.#headersAt = at;
    if (this.headerCount < 0) throw corruptRecord('a header count is negative');
    for (let header = 0; header < this.headerCount; header++) {
      const keyLength = readVarint(bytes, at, end);
      if (keyLength < 0) throw corruptRecord('a header key is null');
      at = checked(varint.end) + keyLength;
      const valueLength = readVarint(bytes, at, end);
      at = checked(varint.end) + Math.max(valueLength, 0);
    }
    if (at !== end) throw corruptRecord('a record has another length than it states');
    this.offset = this.#baseOffset + offsetDelta;
    this.timestamp = this.#isLogAppendTime
      ? this.#appendTimestamp
      : this.#baseTimestamp + timestampDelta;
    this.#at = end;
  }

  /** A view of the key, or null. */
  key(): Uint8Array | null {
    if (this.keyLength < 0) return null;
    return this.bytes.subarray(this.keyAt, this.keyAt + this.keyLength);
  }

  /** A view of the value, or null. */
  value(): Uint8Array | null {
    if (this.valueLength < 0) return null;
    return this.bytes.subarray(this.valueAt, this.valueAt + this.valueLength);
  }

  /** The headers, values as views. A record without any shares one empty array. */
  headers(): RecordHeader[] {
    if (this.headerCount === 0) return noHeaders;
    const { bytes } = this;
    const headers: RecordHeader[] = [];
    let at = this.#headersAt;
    for (let index = 0; index < this.headerCount; index++) {
      const keyLength = readVarint(bytes, at, this.#end);
      at = varint.end;
      const key = decodeUtf8(bytes, at, at + keyLength);
      const valueLength = readVarint(bytes, at + keyLength, this.#end);
      at = varint.end;
      const value = valueLength < 0 ? null : bytes.subarray(at, at + valueLength);
      at += Math.max(valueLength, 0);
      headers.push({ key, value });
    }
    return headers;
  }
}

function checked(position: number): number {
  if (position < 0) throw corruptRecord('a number does not fit');
  return position;
}

function corruptRecord(why: string): MillraceError<'corrupt', null> {
  return new MillraceError('corrupt', `records are corrupt: ${why}`, null);
}

function decodeUtf8(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
}

/** The records of the batch at byte `at`, one by one. Throws as `RecordCursor` does. */
export function* recordsOf(bytes: Uint8Array, at = 0): Generator<BatchRecord, void, undefined> {
  const cursor = new RecordCursor();
  cursor.reset(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at);
  while (cursor.next()) {
    yield {
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headers(),
    };
  }
}

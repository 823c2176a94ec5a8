/**
 * The walk over the uncompressed records of a batch at the price of a few nanoseconds each: are there exactly
 * as many as stated, does each end where it says, do the offsets count 0, 1, 2, ...? It answers yes or no and
 * what the whole tells (smallest and largest timestamp delta, whether a key is missing); why a batch is not
 * well-formed is found by a second, slow reading (record-faults.ts).
 *
 * Any thread; pure except for `recordWalk`, this thread's result. The fast walk loads four bytes at a time and
 * takes varints out of them: a load costs more in JavaScript than the shifts, and a third less in all than
 * byte by byte. It may load up to 16 bytes behind the records, so it runs only where memory goes on that far.
 */

import { readVarint, readVarlong, varint } from '../base/varint.ts';

/** What the last successful walk on this thread saw. Read it at once. */
export const recordWalk = { minTimestampDelta: 0, maxTimestampDelta: 0, hasNullKey: false };

/** How far behind the records the fast walk may load: attributes, three numbers and a word. */
const SLACK_BYTES = 16;

const INT32_MIN = -0x80000000;
const INT32_MAX = 0x7fffffff;

/**
 * Whether exactly `count` well-formed records with offset deltas 0 to count-1 fill [at, end). `view` is a view
 * over the same memory as `bytes`.
 */
export function walkRecords(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  count: number,
): boolean {
  return end + SLACK_BYTES <= bytes.length
    ? walkFast(bytes, view, at, end, count)
    : walkSlow(bytes, at, end, count);
}

/** The words below hold four bytes, the first lowest; these are the varints of one, two and three bytes in them. */
const VARINT_1_MASK = 0x7f;
const VARINT_2_MASK = 0x3f80;
const VARINT_3_MASK = 0x1fc000;

function walkFast(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  end: number,
  count: number,
): boolean {
  // `| 0` after each addition: int32 arithmetic needs no check for overflow, which is a seventh of the time.
  // Timestamp deltas of two bytes stay integers; the rare longer ones are collected as doubles.
  let minDelta = INT32_MAX;
  let maxDelta = INT32_MIN;
  let minLong = Number.POSITIVE_INFINITY;
  let maxLong = Number.NEGATIVE_INFINITY;
  let hasNullKey = false;
  let at = from | 0;
  for (let index = 0; index < count; index++) {
    if (at >= end) return false;

    // Length of the record: zigzag, so an even number is twice the length.
    let word = view.getInt32(at, true);
    let raw = word & VARINT_1_MASK;
    at = (at + 1) | 0;
    if ((word & 0x80) !== 0) {
      raw |= (word >>> 1) & VARINT_2_MASK;
      at = (at + 1) | 0;
      if ((word & 0x8000) !== 0) {
        raw |= (word >>> 2) & VARINT_3_MASK;
        at = (at + 1) | 0;
        if ((word & 0x800000) !== 0) {
          raw = zigzag(readVarint(bytes, at - 3, end));
          at = varint.end;
          if (at < 0) return false;
        }
      }
    }
    const recordEnd = (at + (raw >>> 1)) | 0;
    if ((raw & 1) !== 0 || recordEnd > end) return false;
    at = (at + 1) | 0; // record attributes: unused

    // Timestamp delta, then offset delta: both in one word unless one of them is long.
    word = view.getInt32(at, true);
    raw = word & VARINT_1_MASK;
    at = (at + 1) | 0;
    if ((word & 0x8080) === 0x8080) {
      const delta = readVarlong(bytes, at - 1, recordEnd);
      at = varint.end;
      if (at < 0) return false;
      if (delta < minLong) minLong = delta;
      if (delta > maxLong) maxLong = delta;
      word = view.getInt32(at, true);
    } else {
      if ((word & 0x80) !== 0) {
        raw |= (word >>> 1) & VARINT_2_MASK;
        word >>>= 8;
        at = (at + 1) | 0;
      }
      word >>>= 8;
      const delta = (raw >>> 1) ^ -(raw & 1);
      if (delta < minDelta) minDelta = delta;
      if (delta > maxDelta) maxDelta = delta;
    }
    raw = word & VARINT_1_MASK;
    at = (at + 1) | 0;
    if ((word & 0x80) !== 0) {
      raw |= (word >>> 1) & VARINT_2_MASK;
      at = (at + 1) | 0;
      if ((word & 0x8000) !== 0) {
        raw = zigzag(readVarint(bytes, at - 2, recordEnd));
        at = varint.end;
        if (at < 0) return false;
      }
    }
    if (raw !== index << 1) return false;

    // Key. The most frequent one is null: then the value's length is in the same word.
    word = view.getInt32(at, true);
    raw = word & 0xff;
    at = (at + 1) | 0;
    if (raw === 1) {
      hasNullKey = true;
      word >>>= 8;
    } else {
      if (raw >= 0x80) {
        raw = zigzag(readVarint(bytes, at - 1, recordEnd));
        at = varint.end;
        if (at < 0) return false;
      }
      if ((raw & 1) === 0) at = (at + (raw >>> 1)) | 0;
      else hasNullKey = true;
      if (at >= recordEnd) return false;
      word = view.getInt32(at, true);
    }

    // Value.
    raw = word & VARINT_1_MASK;
    at = (at + 1) | 0;
    if ((word & 0x80) !== 0) {
      raw |= (word >>> 1) & VARINT_2_MASK;
      at = (at + 1) | 0;
      if ((word & 0x8000) !== 0) {
        raw = zigzag(readVarint(bytes, at - 2, recordEnd));
        at = varint.end;
        if (at < 0) return false;
      }
    }
    if ((raw & 1) === 0) at = (at + (raw >>> 1)) | 0;
    if (at >= recordEnd) return false;

    // Headers.
    if (bytes[at] === 0) at = (at + 1) | 0;
    else at = walkHeaders(bytes, at, recordEnd);
    if (at !== recordEnd) return false;
  }
  const sawShort = minDelta <= maxDelta;
  recordWalk.minTimestampDelta = sawShort ? Math.min(minDelta, minLong) : minLong;
  recordWalk.maxTimestampDelta = sawShort ? Math.max(maxDelta, maxLong) : maxLong;
  recordWalk.hasNullKey = hasNullKey;
  return at === end;
}

function walkSlow(bytes: Uint8Array, from: number, end: number, count: number): boolean {
  let minDelta = Number.POSITIVE_INFINITY;
  let maxDelta = Number.NEGATIVE_INFINITY;
  let hasNullKey = false;
  let at = from;
  for (let index = 0; index < count; index++) {
    const length = readVarint(bytes, at, end);
    at = varint.end;
    if (at < 0 || length <= 0 || length > end - at) return false;
    const recordEnd = at + length;
    const delta = readVarlong(bytes, at + 1, recordEnd); // behind the attributes
    if (varint.end < 0) return false;
    if (delta < minDelta) minDelta = delta;
    if (delta > maxDelta) maxDelta = delta;
    if (readVarint(bytes, varint.end, recordEnd) !== index || varint.end < 0) return false;
    const keyLength = readVarint(bytes, varint.end, recordEnd);
    at = varint.end;
    if (at < 0 || keyLength > recordEnd - at) return false;
    if (keyLength < 0) hasNullKey = true;
    else at += keyLength;
    const valueLength = readVarint(bytes, at, recordEnd);
    at = varint.end;
    if (at < 0 || valueLength > recordEnd - at) return false;
    if (valueLength > 0) at += valueLength;
    if (walkHeaders(bytes, at, recordEnd) !== recordEnd) return false;
    at = recordEnd;
  }
  recordWalk.minTimestampDelta = minDelta;
  recordWalk.maxTimestampDelta = maxDelta;
  recordWalk.hasNullKey = hasNullKey;
  return at === end;
}

/** The position behind the headers that start at `at`, or -1. */
function walkHeaders(bytes: Uint8Array, at: number, end: number): number {
  const count = readVarint(bytes, at, end);
  let position = varint.end;
  if (position < 0 || count < 0) return -1;
  // Each header takes two bytes at least, so an absurd count ends at the record's end.
  for (let index = 0; index < count; index++) {
    const keyLength = readVarint(bytes, position, end);
    position = varint.end;
    if (position < 0 || keyLength < 0 || keyLength > end - position) return -1;
    position += keyLength;
    const valueLength = readVarint(bytes, position, end);
    position = varint.end;
    if (position < 0 || valueLength > end - position) return -1;
    if (valueLength > 0) position += valueLength;
  }
  return position;
}

/** Back to the raw form that the inlined readers compare: unsigned, the sign in the lowest bit. */
function zigzag(value: number): number {
  return (value << 1) ^ (value >> 31);
}

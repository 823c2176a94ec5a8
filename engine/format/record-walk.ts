/**
 * The walk over the uncompressed records of a batch at the price of a few nanoseconds each: are there exactly
 * as many as stated, does each end where it says, do the offsets count 0, 1, 2, ...? It answers yes or no and
 * what the whole tells (smallest and largest timestamp delta, whether a key is missing); why a batch is not
 * well-formed is found by a second, slow reading (record-faults.ts).
 *
 * Any thread; pure except for `recordWalk`, this thread's result. Varints are inlined for the lengths that
 * occur (three bytes: up to 1 MiB; four for timestamp deltas: 37 hours) and fall back to base/varint.ts.
 */

import { readVarint, readVarlong, varint } from '../base/varint.ts';

/** What the last successful walk on this thread saw. Read it at once. */
export const recordWalk = { minTimestampDelta: 0, maxTimestampDelta: 0, hasNullKey: false };

/** Whether exactly `count` well-formed records with offset deltas 0 to count-1 fill [at, end). */
export function walkRecords(bytes: Uint8Array, at: number, end: number, count: number): boolean {
  let minDelta = Number.POSITIVE_INFINITY;
  let maxDelta = Number.NEGATIVE_INFINITY;
  let hasNullKey = false;
  for (let index = 0; index < count; index++) {
    if (at >= end) return false;

    // Length of the record.
    let byte = bytes[at]!;
    let raw = byte;
    if (byte < 0x80) at += 1;
    else {
      byte = bytes[at + 1]!;
      raw = (raw & 0x7f) | ((byte & 0x7f) << 7);
      if (byte < 0x80) at += 2;
      else {
        byte = bytes[at + 2]!;
        raw |= byte << 14;
        if (byte < 0x80) at += 3;
        else {
          raw = zigzag(readVarint(bytes, at, end));
          at = varint.end;
          if (at < 0) return false;
        }
      }
    }
    if ((raw & 1) !== 0) return false;
    const recordEnd = at + (raw >>> 1);
    // From here reads may run past a short record, never far: the position is compared at the end.
    if (recordEnd > end || recordEnd === at) return false;
    at += 1; // record attributes: unused

    // Timestamp delta.
    byte = bytes[at]!;
    raw = byte;
    let delta: number;
    if (byte < 0x80) {
      at += 1;
      delta = (raw >>> 1) ^ -(raw & 1);
    } else {
      byte = bytes[at + 1]!;
      raw = (raw & 0x7f) | ((byte & 0x7f) << 7);
      if (byte < 0x80) {
        at += 2;
        delta = (raw >>> 1) ^ -(raw & 1);
      } else {
        delta = readVarlong(bytes, at, recordEnd);
        at = varint.end;
        if (at < 0) return false;
      }
    }
    if (delta < minDelta) minDelta = delta;
    if (delta > maxDelta) maxDelta = delta;

    // Offset delta: must be the index.
    byte = bytes[at]!;
    raw = byte;
    if (byte < 0x80) at += 1;
    else {
      byte = bytes[at + 1]!;
      raw = (raw & 0x7f) | ((byte & 0x7f) << 7);
      if (byte < 0x80) at += 2;
      else {
        byte = bytes[at + 2]!;
        raw |= byte << 14;
        if (byte < 0x80) at += 3;
        else {
          raw = zigzag(readVarint(bytes, at, recordEnd));
          at = varint.end;
          if (at < 0) return false;
        }
      }
    }
    if (raw !== index << 1) return false;

    // Key.
    byte = bytes[at]!;
    raw = byte;
    if (byte < 0x80) at += 1;
    else {
      byte = bytes[at + 1]!;
      raw = (raw & 0x7f) | ((byte & 0x7f) << 7);
      if (byte < 0x80) at += 2;
      else {
        raw = zigzag(readVarint(bytes, at, recordEnd));
        at = varint.end;
        if (at < 0) return false;
      }
    }
    if ((raw & 1) === 0) at += raw >>> 1;
    else hasNullKey = true;
    if (at >= recordEnd) return false;

    // Value.
    byte = bytes[at]!;
    raw = byte;
    if (byte < 0x80) at += 1;
    else {
      byte = bytes[at + 1]!;
      raw = (raw & 0x7f) | ((byte & 0x7f) << 7);
      if (byte < 0x80) at += 2;
      else {
        byte = bytes[at + 2]!;
        raw |= byte << 14;
        if (byte < 0x80) at += 3;
        else {
          raw = zigzag(readVarint(bytes, at, recordEnd));
          at = varint.end;
          if (at < 0) return false;
        }
      }
    }
    if ((raw & 1) === 0) at += raw >>> 1;
    if (at >= recordEnd) return false;

    // Headers.
    if (bytes[at] === 0) at += 1;
    else at = walkHeaders(bytes, at, recordEnd);
    if (at !== recordEnd) return false;
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

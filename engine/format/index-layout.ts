/**
 * Layouts of the two sparse indexes beside a segment, byte for byte Kafka's (OffsetIndex, TimeIndex). Both
 * are arrays of fixed entries in rising order; offsets are relative to the segment's base offset.
 *
 *   .index       0  relative offset  int32     offset of the last record of the batch
 *                4  position         int32     byte position of that batch in the .log file
 *
 *   .timeindex   0  timestamp        int64     largest timestamp up to this entry
 *                8  relative offset  int32     offset of the record (or batch end) that has it
 *
 * Any thread; pure. Both are derived from the log and can be rebuilt. docs/format.md, section "Indexes".
 */

import { getInt64, setInt64 } from '../base/int64.ts';

export const OFFSET_ENTRY_BYTES = 8;
export const OFFSET_ENTRY_OFFSET_AT = 0;
export const OFFSET_ENTRY_POSITION_AT = 4;

export const TIME_ENTRY_BYTES = 12;
export const TIME_ENTRY_TIMESTAMP_AT = 0;
export const TIME_ENTRY_OFFSET_AT = 8;

/** Digits of the base offset in the name of a segment's files. */
const BASE_OFFSET_DIGITS = 20;

export const LOG_SUFFIX = '.log';
export const OFFSET_INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const TRANSACTION_INDEX_SUFFIX = '.txnindex';
export const SNAPSHOT_SUFFIX = '.snapshot';

/** The name of a segment's file: its base offset in 20 digits and the suffix. */
export function segmentFileName(baseOffset: number, suffix: string): string {
  return baseOffset.toString().padStart(BASE_OFFSET_DIGITS, '0') + suffix;
}

/** The base offset in the name of a segment's file with that suffix, or -1 when it is not one. */
export function baseOffsetOfFileName(name: string, suffix: string): number {
  if (name.length !== BASE_OFFSET_DIGITS + suffix.length || !name.endsWith(suffix)) return -1;
  const digits = name.slice(0, BASE_OFFSET_DIGITS);
  if (!/^\d+$/.test(digits)) return -1;
  const baseOffset = Number(digits);
  return Number.isSafeInteger(baseOffset) ? baseOffset : -1;
}

/** Entry `index` of an offset index that starts at byte `at`: the offset relative to the segment. */
export function offsetEntryOffset(view: DataView, at: number, index: number): number {
  return view.getInt32(at + index * OFFSET_ENTRY_BYTES + OFFSET_ENTRY_OFFSET_AT);
}

export function offsetEntryPosition(view: DataView, at: number, index: number): number {
  return view.getInt32(at + index * OFFSET_ENTRY_BYTES + OFFSET_ENTRY_POSITION_AT);
}

/** Writes an offset index entry at byte `at` and returns the position behind it. */
export function putOffsetEntry(
  view: DataView,
  at: number,
  entry: { relativeOffset: number; position: number },
): number {
  view.setInt32(at + OFFSET_ENTRY_OFFSET_AT, entry.relativeOffset);
  view.setInt32(at + OFFSET_ENTRY_POSITION_AT, entry.position);
  return at + OFFSET_ENTRY_BYTES;
}

/** Entry `index` of a time index that starts at byte `at`. */
export function timeEntryTimestamp(view: DataView, at: number, index: number): number {
  return getInt64(view, at + index * TIME_ENTRY_BYTES + TIME_ENTRY_TIMESTAMP_AT);
}

export function timeEntryOffset(view: DataView, at: number, index: number): number {
  return view.getInt32(at + index * TIME_ENTRY_BYTES + TIME_ENTRY_OFFSET_AT);
}

/** Writes a time index entry at byte `at` and returns the position behind it. */
export function putTimeEntry(
  view: DataView,
  at: number,
  entry: { timestamp: number; relativeOffset: number },
): number {
  setInt64(view, at + TIME_ENTRY_TIMESTAMP_AT, entry.timestamp);
  view.setInt32(at + TIME_ENTRY_OFFSET_AT, entry.relativeOffset);
  return at + TIME_ENTRY_BYTES;
}

/**
 * Looks up a sparse index file with positional reads: no index lies in memory. A binary search over single
 * entries narrows the range to one block, which is read at once: about ten reads of a microsecond for 1 GB.
 *
 * An index is a hint. It may lag behind the log, or (while its writer is at work, or after a power failure) hold
 * entries that are not true; so whoever uses a result looks at the batch header there and falls back to the
 * segment's start. Any thread; synchronous, so one scratch buffer per thread serves all.
 */

import {
  OFFSET_ENTRY_BYTES,
  offsetEntryOffset,
  offsetEntryPosition,
  TIME_ENTRY_BYTES,
  timeEntryOffset,
  timeEntryTimestamp,
} from '../format/index-layout.ts';
import type { FileSystem } from '../io/file-system.ts';

const BLOCK_BYTES = 4096;
const scratch = Buffer.alloc(BLOCK_BYTES);
const view = new DataView(scratch.buffer, scratch.byteOffset, BLOCK_BYTES);

/** What a lookup found, overwritten by the next one. */
export const found = {
  /** Entry number; -1: none is small enough. */
  entry: -1,
  /** Offset relative to the segment's base offset. */
  relativeOffset: 0,
  position: 0,
  timestamp: -1,
};

type KeyOf = (view: DataView, at: number, index: number) => number;

/** Finds the last of `count` entries whose key is not above `target`; leaves its block in `scratch`. */
function search(
  fs: FileSystem,
  fd: number,
  count: number,
  entryBytes: number,
  keyOf: KeyOf,
  target: number,
): number {
  const perBlock = Math.floor(BLOCK_BYTES / entryBytes);
  let low = 0;
  let high = count;
  while (high - low > perBlock) {
    const middle = (low + high) >>> 1;
    if (fs.pread(fd, scratch, 0, entryBytes, middle * entryBytes) < entryBytes) {
      high = middle;
    } else if (keyOf(view, 0, 0) <= target) low = middle;
    else high = middle;
  }
  const bytes = fs.pread(fd, scratch, 0, (high - low) * entryBytes, low * entryBytes);
  const available = Math.floor(bytes / entryBytes);
  let last = -1;
  for (let entry = 0; entry < available && keyOf(view, 0, entry) <= target; entry++) last = entry;
  found.entry = last < 0 ? -1 : low + last;
  return last;
}

/** Finds the last offset index entry with an offset not above `relativeOffset`; without one position is 0. */
export function searchOffset(
  fs: FileSystem,
  fd: number,
  count: number,
  relativeOffset: number,
): boolean {
  const last = search(fs, fd, count, OFFSET_ENTRY_BYTES, offsetEntryOffset, relativeOffset);
  found.relativeOffset = last < 0 ? 0 : offsetEntryOffset(view, 0, last);
  found.position = last < 0 ? 0 : offsetEntryPosition(view, 0, last);
  return last >= 0;
}

/** Finds the last offset index entry with a position not above `position`. */
export function searchPosition(
  fs: FileSystem,
  fd: number,
  count: number,
  position: number,
): boolean {
  const last = search(fs, fd, count, OFFSET_ENTRY_BYTES, offsetEntryPosition, position);
  found.relativeOffset = last < 0 ? 0 : offsetEntryOffset(view, 0, last);
  found.position = last < 0 ? 0 : offsetEntryPosition(view, 0, last);
  return last >= 0;
}

/** Finds the last time index entry with a timestamp not above `timestamp`. */
export function searchTimestamp(
  fs: FileSystem,
  fd: number,
  count: number,
  timestamp: number,
): boolean {
  return foundTime(search(fs, fd, count, TIME_ENTRY_BYTES, timeEntryTimestamp, timestamp));
}

/** Finds the last time index entry with an offset not above `relativeOffset`. */
export function searchTimeOffset(
  fs: FileSystem,
  fd: number,
  count: number,
  relativeOffset: number,
): boolean {
  return foundTime(search(fs, fd, count, TIME_ENTRY_BYTES, timeEntryOffset, relativeOffset));
}

function foundTime(last: number): boolean {
  found.timestamp = last < 0 ? -1 : timeEntryTimestamp(view, 0, last);
  found.relativeOffset = last < 0 ? 0 : timeEntryOffset(view, 0, last);
  return last >= 0;
}

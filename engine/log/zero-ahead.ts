/**
 * Zeros ahead of a log's end, where the active segment is preallocated and reads as zeros anyway. Batches begin and end
 * anywhere, so that what they write reaches the page cache in pieces of few pages, and the kernel's bookkeeping for each of
 * them costs more than the copy. One aligned write of zeros makes a single large folio, into which the batches that follow
 * are only copied.
 *
 * Invariants. Whoever appends to the log (its thread, or who holds its shard's lock) calls this before the write, so nobody
 * writes at the same time. Zeros go to [ahead, next), both multiples of ZERO_AHEAD_BYTES, with ahead at or behind the log
 * end: never over a batch. AHEAD_POSITION says where to look next and nothing about the bytes: when it is out of date some
 * zeros are missing or written twice.
 *
 *   positions      log end = where the write goes          end of the write
 *                        |                                     |
 *   ...batches...........|           ahead (256 KiB aligned)   |                       next
 *                        |             |zeros..................|.........................|
 */

import { ZERO_AHEAD_BYTES, ZERO_AHEAD_MS_MAX, ZERO_AHEAD_WRITE_BYTES_MAX } from '../base/limits.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';
import { Cursor } from './cursor.ts';

/** Made by the first fast log of this thread; never changed. */
let zeros: Uint8Array | null = null;

/** The active `.log`, open for writing. */
interface ActiveFile {
  readonly fs: FileSystem;
  readonly fd: number;
  readonly cursor: Float64Array;
  /** Its preallocated size. */
  readonly size: number;
}

/** Whether `zeroAhead` has to be called before a write that ends at `end`. */
export function isAheadOver(cursor: Float64Array, end: number): boolean {
  return end > cursor[Cursor.AHEAD_POSITION]!;
}

/** Before a write to [position, end): zeros where it is worth it. */
export function zeroAhead(file: ActiveFile, position: number, end: number, nowMs: number): void {
  const { cursor } = file;
  const ahead = cursor[Cursor.AHEAD_POSITION]!;
  const isFast = nowMs - cursor[Cursor.AHEAD_AT_MS]! <= ZERO_AHEAD_MS_MAX;
  const next = Math.ceil(end / ZERO_AHEAD_BYTES) * ZERO_AHEAD_BYTES;
  cursor[Cursor.AHEAD_POSITION] = next;
  cursor[Cursor.AHEAD_AT_MS] = nowMs;
  // After a start or a truncation nothing is known of what lies between.
  if (ahead < position || next > file.size) return;
  if (isFast && end - position < ZERO_AHEAD_WRITE_BYTES_MAX) writeZeros(file, ahead, next);
}

function writeZeros({ fs, fd }: ActiveFile, from: number, to: number): void {
  zeros ??= new Uint8Array(ZERO_AHEAD_BYTES);
  try {
    for (let at = from; at < to; at += ZERO_AHEAD_BYTES)
      fs.pwrite(fd, zeros, 0, ZERO_AHEAD_BYTES, at);
  } catch (error) {
    // The records may still find room; when they do not, their own write says so.
    if (!isFileError(error)) throw error;
  }
}

/**
 * Files that are out of use. A log renames them (`.deleted` behind the name, or a whole directory) and hands
 * their paths over; they are unlinked after file.delete.delay.ms, so that a reader that opened one by name just
 * before still finds it. A crash in between is mended at the next start, which unlinks every `.deleted` file.
 *
 * Unlinking a large file frees its extents and takes milliseconds, so a thread with other things to do hands
 * the paths on; `DeletionQueue` does it with asynchronous calls where an event loop runs.
 */

import { type FileSystem, isFileError } from '../io/file-system.ts';

export interface DeletionSink {
  /** `path` is a file, or a directory to be removed with its files, when the clock shows `dueMs`. */
  add(path: string, dueMs: number): void;
}

export class UnlinkAtOnce implements DeletionSink {
  readonly #fs: FileSystem;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  add(path: string): void {
    removeNow(this.#fs, path);
  }
}

export class DeletionQueue implements DeletionSink {
  readonly #fs: FileSystem;
  #waiting: { path: string; dueMs: number }[] = [];

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** When the next one is due; Infinity when there is none. */
  get nextDueMs(): number {
    return this.#waiting.reduce((next, { dueMs }) => Math.min(next, dueMs), Infinity);
  }

  add(path: string, dueMs: number): void {
    this.#waiting.push({ path, dueMs });
  }

  /** Removes what is due. Throws the first FileError after trying all; those are tried again at the next start. */
  async run(nowMs: number): Promise<void> {
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > nowMs);
    let failure: unknown = null;
    for (const { path } of due) {
      try {
        await removeLater(this.#fs, path);
      } catch (error) {
        if (!isFileError(error)) throw error;
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
  }
}

/** Names in the directory, or null when `path` is a file or not there. */
function namesIn(fs: FileSystem, path: string): string[] | null {
  try {
    return fs.readdir(path);
  } catch (error) {
    if (isFileError(error, 'not-found') || isFileError(error, 'not-directory')) return null;
    throw error;
  }
}

function removeNow(fs: FileSystem, path: string): void {
  const names = namesIn(fs, path);
  if (names === null) {
    if (fs.exists(path)) fs.unlink(path);
    return;
  }
  for (const name of names) removeNow(fs, `${path}/${name}`);
  fs.rmdir(path);
}

async function removeLater(fs: FileSystem, path: string): Promise<void> {
  const names = namesIn(fs, path);
  if (names === null) {
    if (fs.exists(path)) await fs.unlinkAsync(path);
    return;
  }
  for (const name of names) await removeLater(fs, `${path}/${name}`);
  await fs.rmdirAsync(path);
}

/**
 * Removes files and directories that are out of use once their delay is over, off the hot path: one timer for all of them,
 * each removal on the thread pool, since freeing a large file takes milliseconds and a directory, on a disk that is told of
 * every freed block, a third of one. On the opening thread.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';

interface Item {
  readonly path: string;
  readonly dueMs: number;
}

const TIMER_MS_MAX = 0x7fffffff;

export class Remover {
  readonly #fs: FileSystem;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  #items: Item[] = [];
  #timer: NodeJS.Timeout | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();

  constructor(fs: FileSystem, clock: Clock, log: (line: string) => void) {
    this.#fs = fs;
    this.#clock = clock;
    this.#log = log;
  }

  /** `path` is a file, or a directory to be removed with what is in it. */
  add(path: string, dueMs: number): void {
    this.#items.push({ path, dueMs });
    if (dueMs < this.#timerDueMs) this.#arm(dueMs);
  }

  /** Removes everything now, due or not. */
  async finish(): Promise<void> {
    this.#disarm();
    this.#collect(Number.POSITIVE_INFINITY);
    await this.#running;
  }

  #arm(dueMs: number): void {
    this.#disarm();
    this.#timerDueMs = dueMs;
    const delayMs = Math.min(Math.max(0, dueMs - this.#clock.now()), TIMER_MS_MAX);
    this.#timer = setTimeout(() => {
      this.#disarm();
      this.#collect(this.#clock.now());
    }, delayMs);
    this.#timer.unref();
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #collect(nowMs: number): void {
    const due = this.#items.filter((item) => item.dueMs <= nowMs);
    this.#items = this.#items.filter((item) => item.dueMs > nowMs);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const item of this.#items) nextMs = Math.min(nextMs, item.dueMs);
    if (nextMs < Number.POSITIVE_INFINITY) this.#arm(nextMs);
    if (due.length === 0) return;
    this.#running = this.#running.then(async () => {
      for (const item of due) await this.#remove(item.path);
    });
  }

  async #remove(path: string): Promise<void> {
    try {
      let names: string[];
      try {
        names = this.#fs.readdir(path);
      } catch (error) {
        // A file. Whether there is anything at all, unlink will tell.
        if (!isFileError(error, 'not-directory') && !isFileError(error, 'not-found')) throw error;
        await this.#fs.unlinkAsync(path);
        return;
      }
      for (const name of names) await this.#fs.unlinkAsync(`${path}/${name}`);
      await this.#fs.rmdirAsync(path);
    } catch (error) {
      if (!isFileError(error, 'not-found')) this.#log(`cannot remove ${path}: ${messageOf(error)}`);
    }
  }
}

/**
 * Brings files to the disk in the background, for shards that must not wait: a few at a time on the process's thread pool,
 * each on a descriptor of its own, opened by path. What a write through another descriptor put into the page cache is synced
 * as well: fdatasync speaks of the file, not of the descriptor.
 *
 * On the opening thread.
 */

import { messageOf } from '../base/errors.ts';
import { FLUSHES_AT_ONCE } from '../base/limits.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';
import type { FlushFailure } from './messages.ts';

export interface FlushOrder {
  readonly paths: readonly string[];
  /** Synced last, when a file is new in it. */
  readonly directory: string | null;
  /** Called once; null when everything is on the disk. */
  readonly onDone: (failure: FlushFailure | null) => void;
}

export class Flusher {
  readonly #fs: FileSystem;
  /** Orders under way at once. */
  atOnce = FLUSHES_AT_ONCE;
  readonly #queue: FlushOrder[] = [];
  #underWay = 0;
  #onIdle: (() => void) | null = null;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  add(order: FlushOrder): void {
    this.#queue.push(order);
    this.#next();
  }

  /** Resolves when nothing is under way or waits. */
  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #next(): void {
    while (this.#underWay < this.atOnce) {
      const order = this.#queue.shift();
      if (order === undefined) break;
      this.#underWay++;
      this.#run(order).then((failure) => {
        this.#underWay--;
        order.onDone(failure);
        this.#next();
        if (this.#underWay === 0) this.#onIdle?.();
      });
    }
  }

  async #run(order: FlushOrder): Promise<FlushFailure | null> {
    const all = order.directory === null ? order.paths : [...order.paths, order.directory];
    for (const path of all) {
      let fd: number;
      try {
        fd = this.#fs.open(path, 'read');
      } catch (error) {
        // Retention or a deletion was faster: then nobody needs the bytes.
        if (isFileError(error, 'not-found')) continue;
        return { message: messageOf(error), isInDoubt: false };
      }
      try {
        await this.#fs.syncAsync(fd);
      } catch (error) {
        return { message: messageOf(error), isInDoubt: true };
      } finally {
        this.#fs.close(fd);
      }
    }
    return null;
  }
}

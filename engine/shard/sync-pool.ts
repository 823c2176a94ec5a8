/**
 * Brings several files to the disk at once, for a shard that must not answer before they are there. A journaling file system
 * serves a handful of fdatasyncs at a time in little more time than one: four at once take a quarter of the time of four in
 * turn. The calls block, so a few helper threads make them; the shard works off its share itself.
 *
 *   word 0  ROUND   + 1 when jobs are posted; helpers sleep on it
 *        1  LEFT    jobs not yet taken, may fall below 0
 *        2  OPEN    jobs not yet finished; the shard sleeps on it
 *        3  READY   helpers that are up
 *       16  the jobs: file descriptors, which the shard keeps open meanwhile
 *        +  JOBS_MAX words of outcomes: 0 synced, 1 failed
 *
 * A helper that comes late and takes a job of the next round does no harm: jobs are written before LEFT is set (store and
 * subtraction on the same word), and no round is posted before every job taken from the last one is finished.
 */

import type { FileSystem } from '../io/file-system.ts';

const ROUND = 0;
const LEFT = 1;
const OPEN = 2;
const READY = 3;
const JOBS_AT = 16;

/** More files than this are synced in several rounds. */
export const SYNC_JOBS_MAX = 256;

const SYNC_WORDS = JOBS_AT + 2 * SYNC_JOBS_MAX;

export interface SyncThreads {
  /** Starts a helper thread that runs `helpSyncing` on this memory. */
  start(shared: SharedArrayBuffer): void;
  readonly count: number;
}

export class SyncPool {
  readonly #fs: FileSystem;
  readonly #threads: SyncThreads;
  #words: Int32Array | null = null;

  constructor(fs: FileSystem, threads: SyncThreads) {
    this.#fs = fs;
    this.#threads = threads;
  }

  /** Syncs `fds`, at most SYNC_JOBS_MAX; returns for each whether it failed. Helpers are started with the first call. */
  sync(fds: readonly number[]): Int32Array {
    this.#words ??= this.#start();
    const words = this.#words;
    const count = fds.length;
    for (let i = 0; i < count; i++) words[JOBS_AT + i] = fds[i]!;
    Atomics.store(words, OPEN, count);
    // Release: the jobs are written. Partner: the subtraction in work().
    Atomics.store(words, LEFT, count);
    Atomics.add(words, ROUND, 1);
    Atomics.notify(words, ROUND, Math.min(count - 1, Atomics.load(words, READY)));
    work(words, this.#fs);
    for (let open = Atomics.load(words, OPEN); open > 0; open = Atomics.load(words, OPEN)) {
      Atomics.wait(words, OPEN, open);
    }
    return words.subarray(JOBS_AT + SYNC_JOBS_MAX, JOBS_AT + SYNC_JOBS_MAX + count);
  }

  #start(): Int32Array {
    const shared = new SharedArrayBuffer(SYNC_WORDS * 4);
    for (let i = 0; i < this.#threads.count; i++) this.#threads.start(shared);
    return new Int32Array(shared);
  }
}

/** The life of a helper thread; it ends with its shard's thread. */
export function helpSyncing(shared: SharedArrayBuffer, fs: FileSystem): never {
  const words = new Int32Array(shared);
  Atomics.add(words, READY, 1);
  for (;;) {
    const round = Atomics.load(words, ROUND);
    work(words, fs);
    // Jobs posted since `round` was read have moved it, and then this does not wait.
    Atomics.wait(words, ROUND, round);
  }
}

/** Takes jobs until there are none. */
function work(words: Int32Array, fs: FileSystem): void {
  for (;;) {
    if (Atomics.load(words, LEFT) <= 0) return;
    const job = Atomics.sub(words, LEFT, 1) - 1;
    if (job < 0) return;
    words[JOBS_AT + SYNC_JOBS_MAX + job] = isSynced(fs, words[JOBS_AT + job]!) ? 0 : 1;
    // Release: the outcome is written. Partner: the load of OPEN that finds 0.
    if (Atomics.sub(words, OPEN, 1) === 1) Atomics.notify(words, OPEN);
  }
}

function isSynced(fs: FileSystem, fd: number): boolean {
  try {
    fs.sync(fd);
    return true;
  } catch {
    // Whatever it was, the shard takes the log offline and says so.
    return false;
  }
}

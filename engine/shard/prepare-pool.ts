/**
 * Prepares batches on threads that do nothing else, for shards that must not wait. The threads are started by the first order
 * and end when there was none for a while; most brokers never need them. They yield to those who serve clients, where the
 * system knows priorities of threads.
 *
 * On the opening thread.
 */

import type { Piscina } from 'piscina';
import type { PreparedBatch } from '../format/prepare.ts';
import type { PreparationOrder } from './prepare-task.ts';
import { workerEntry, workerEnvironment } from './worker-entry.ts';

const IDLE_MS = 10_000;
const NICE = 10;

export class PreparePool {
  readonly #threads: number;
  #pool: Promise<Piscina> | null = null;
  #isClosed = false;

  constructor(threads: number) {
    this.#threads = threads;
  }

  /** Takes the order's bytes over. Null: closed meanwhile. */
  async run(order: PreparationOrder): Promise<PreparedBatch[] | null> {
    this.#pool ??= this.#start();
    try {
      const pool = await this.#pool;
      if (this.#isClosed) return null;
      // The package derives the list's type from the wrong overload of postMessage.
      const transferList = [order.batches] as never;
      return (await pool.run(order, { transferList })) as PreparedBatch[];
    } catch (error) {
      if (this.#isClosed) return null;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#pool)?.destroy();
  }

  /** Loaded when it is needed: it would make every start longer. */
  async #start(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    return new Piscina({
      filename: workerEntry('./prepare-task', import.meta.url).href,
      minThreads: 0,
      maxThreads: this.#threads,
      idleTimeout: IDLE_MS,
      niceIncrement: NICE,
      // Threads that wait for tasks in Atomics.wait give nothing back of what native codecs allocated: that takes event loop turns.
      atomics: 'disabled',
      env: workerEnvironment(),
      trackUnmanagedFds: false,
      recordTiming: false,
    });
  }
}

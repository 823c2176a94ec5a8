/**
 * The lock of one shard: who holds it may change the logs of the shard's partitions. The shard thread takes it around each
 * pass, so it is free exactly while the shard sleeps; a client thread may try it, never waits for it.
 *
 *   0  free      1  held      2  held, and the shard thread waits for it
 *
 * Every value of the protected state written before `release` is visible after the `acquire` or `tryAcquire` that follows it:
 * both are sequentially consistent operations on the same word.
 */

const FREE = 0;
const HELD = 1;
const HELD_WITH_WAITER = 2;

export class ShardLock {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Client thread: takes the lock if it is free. */
  tryAcquire(): boolean {
    return Atomics.compareExchange(this.#words, this.#at, FREE, HELD) === FREE;
  }

  /** Shard thread: takes the lock, waiting while a client finishes its append. */
  acquire(): void {
    if (Atomics.compareExchange(this.#words, this.#at, FREE, HELD) === FREE) return;
    // From here on the word says that somebody waits, even when it turns out that nobody else does: release then rings once
    // too often, which is harmless, while the opposite would be a lost wake-up.
    while (Atomics.exchange(this.#words, this.#at, HELD_WITH_WAITER) !== FREE) {
      Atomics.wait(this.#words, this.#at, HELD_WITH_WAITER);
    }
  }

  release(): void {
    if (Atomics.exchange(this.#words, this.#at, FREE) === HELD_WITH_WAITER) {
      Atomics.notify(this.#words, this.#at, 1);
    }
  }
}

/**
 * The doorbell: puts a consumer to sleep when all its rings are empty and wakes it with the smallest number of wake-ups.
 *
 *   word 0  SLEEP     1 while the consumer sleeps or is about to
 *        1  WAKE_UPS  how often a producer really woke it: a statistic, wraps
 *
 * No wake-up is lost, by Dekker's argument over sequentially consistent atomics:
 *
 *   consumer                          producer
 *   c1  SLEEP := 1                    p1  TAIL := t          (RingWriter.commit)
 *   c2  look at every ring's TAIL     p2  look at SLEEP
 *   c3  wait while SLEEP = 1          p3  if 1: exchange it for 0, and the one who got the 1 notifies
 *
 * If c2 misses p1, then c1 came before p2 in the one order that all threads agree on, so p2 sees the 1. The wait compares:
 * a p3 between c2 and c3 makes it return at once. Of several producers exactly one wins the exchange, and none does while the
 * consumer is awake: ringing costs a load then.
 */

export const DOORBELL_WORDS = 2;
const WAKE_UPS = 1;
const AWAKE = 0;
const ASLEEP = 1;

export class Doorbell {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Producer, after its commit: wakes the consumer if it sleeps. True when it did. */
  ring(): boolean {
    // p2: ordered after the producer's commit. Partner: lieDown's store.
    if (Atomics.load(this.#words, this.#at) === AWAKE) return false;
    if (Atomics.exchange(this.#words, this.#at, AWAKE) === AWAKE) return false;
    Atomics.add(this.#words, this.#at + WAKE_UPS, 1);
    Atomics.notify(this.#words, this.#at, 1);
    return true;
  }

  /** Consumer: announces sleep. It must look at all its rings once more before it waits, and `getUp` if it finds something. */
  lieDown(): void {
    // c1: ordered before the loads of TAIL that follow. Partner: ring's first load.
    Atomics.store(this.#words, this.#at, ASLEEP);
  }

  /** Consumer: takes the announcement back without having waited. */
  getUp(): void {
    Atomics.store(this.#words, this.#at, AWAKE);
  }

  /** Consumer, after `lieDown` and the second look: blocks the thread until somebody rings or the time is over. */
  wait(timeoutMs: number): void {
    Atomics.wait(this.#words, this.#at, ASLEEP, timeoutMs);
    // After a time-out the flag still says asleep.
    Atomics.store(this.#words, this.#at, AWAKE);
  }

  /** The same for an event loop: null when somebody has rung already, else a promise that resolves when somebody does. */
  waitAsync(): Promise<unknown> | null {
    const result = Atomics.waitAsync(this.#words, this.#at, ASLEEP);
    return result.async ? result.value : null;
  }

  get isAsleep(): boolean {
    return Atomics.load(this.#words, this.#at) === ASLEEP;
  }

  get wakeUps(): number {
    return Atomics.load(this.#words, this.#at + WAKE_UPS);
  }
}

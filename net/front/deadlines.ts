/**
 * Deadlines of many waiting things behind one timer: a binary heap, and one `setTimeout` for the earliest. Fires to the
 * millisecond and never before the deadline, although Node's own timers count from a clock that may lag by a turn.
 *
 * Thread of the front.
 */

/** Something that waits. `heapIndex` is the queue's own: -1 while not in it. */
export interface Waiting {
  deadlineMs: number;
  heapIndex: number;
}

/** Finer than a millisecond nothing fires; within this distance a deadline counts as reached. */
const GRAIN_MS = 0.25;

export class Deadlines<T extends Waiting> {
  readonly #heap: T[] = [];
  readonly #now: () => number;
  readonly #expire: (waiting: T) => void;
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  readonly #onTimer = () => this.#fire();

  /** `now`: a monotonic clock in milliseconds, the one that deadlines are given in. */
  constructor(now: () => number, expire: (waiting: T) => void) {
    this.#now = now;
    this.#expire = expire;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** `waiting.deadlineMs` is set before. */
  add(waiting: T): void {
    waiting.heapIndex = this.#heap.length;
    this.#heap.push(waiting);
    this.#siftUp(waiting.heapIndex);
    this.#arm();
  }

  /** No harm when it is not in the queue. The timer stays: an early look costs less than arming anew each time. */
  remove(waiting: T): void {
    const index = waiting.heapIndex;
    if (index < 0) return;
    waiting.heapIndex = -1;
    const last = this.#heap.pop()!;
    if (last === waiting) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#siftUp(index);
    this.#siftDown(last.heapIndex);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const waiting of this.#heap) waiting.heapIndex = -1;
    this.#heap.length = 0;
  }

  #fire(): void {
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const now = this.#now();
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.deadlineMs - now > GRAIN_MS) break;
      this.remove(first);
      this.#expire(first);
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.deadlineMs >= this.#timerAtMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAtMs = first.deadlineMs;
    const delayMs = Math.max(1, Math.ceil(first.deadlineMs - this.#now()));
    this.#timer = setTimeout(this.#onTimer, delayMs);
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    const item = heap[from]!;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above]!;
      if (parent.deadlineMs <= item.deadlineMs) break;
      heap[index] = parent;
      parent.heapIndex = index;
      index = above;
    }
    heap[index] = item;
    item.heapIndex = index;
  }

  #siftDown(from: number): void {
    const heap = this.#heap;
    const item = heap[from]!;
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.deadlineMs < heap[below]!.deadlineMs) below++;
      const child = heap[below]!;
      if (child.deadlineMs >= item.deadlineMs) break;
      heap[index] = child;
      child.heapIndex = index;
      index = below;
    }
    heap[index] = item;
    item.heapIndex = index;
  }
}

/**
 * The producing side of a ring: `tryClaim`, fill in the record, `commit`. Several claims may be committed at once, which
 * publishes them with one store; `abort` takes back all claims since the last commit. Full is a sentinel, not an exception.
 *
 * One thread per writer. Between claim and commit the record belongs to it, afterwards to the reader.
 */

import {
  assertRingPlace,
  HEAD_WORD,
  RECORDS_WORD,
  type RingPlace,
  TAIL_WORD,
} from './ring-layout.ts';

/** What `tryClaim` returns when the consumer is a whole ring behind. */
export const RING_FULL = -1;

export class RingWriter {
  readonly words: Int32Array;
  readonly capacity: number;
  readonly #head: number;
  readonly #tail: number;
  readonly #records: number;
  readonly #mask: number;
  #committed: number;
  #claimed: number;
  // The consumer's progress as last seen: its cache line is fetched again only when the ring looks full.
  #seenHead: number;

  constructor(place: RingPlace) {
    assertRingPlace(place);
    this.words = place.words;
    this.capacity = place.capacity;
    this.#head = place.base + HEAD_WORD;
    this.#tail = place.base + TAIL_WORD;
    this.#records = place.base + RECORDS_WORD;
    this.#mask = place.capacity - 1;
    this.#committed = Atomics.load(this.words, this.#tail);
    this.#claimed = this.#committed;
    this.#seenHead = Atomics.load(this.words, this.#head);
  }

  /** Index in `words` of a free record of `RECORD_WORDS` words, or RING_FULL. */
  tryClaim(): number {
    if (((this.#claimed - this.#seenHead) | 0) >= this.capacity) {
      // Acquire: the consumer has read the record's old content before it moved HEAD. Partner: RingReader.read's store.
      this.#seenHead = Atomics.load(this.words, this.#head);
      if (((this.#claimed - this.#seenHead) | 0) >= this.capacity) return RING_FULL;
    }
    const at = this.#records + ((this.#claimed & this.#mask) << 3);
    this.#claimed = (this.#claimed + 1) | 0;
    return at;
  }

  /** Publishes every record claimed since the last commit, in the order of the claims. */
  commit(): void {
    if (this.#committed === this.#claimed) return;
    this.#committed = this.#claimed;
    // Release: the records' words are visible to whoever loads this TAIL. Partner: RingReader's load of TAIL. Being
    // sequentially consistent it is also ordered before the load in Doorbell.ring, on which the doorbell relies.
    Atomics.store(this.words, this.#tail, this.#committed);
  }

  /** Takes back the claims since the last commit. */
  abort(): void {
    this.#claimed = this.#committed;
  }

  /** Records committed or claimed that the consumer has not taken out; fetches the consumer's cache line. */
  used(): number {
    this.#seenHead = Atomics.load(this.words, this.#head);
    return (this.#claimed - this.#seenHead) | 0;
  }
}

/**
 * The consuming side of a ring: `read(handler, limit)` calls the handler with each record in order.
 *
 * One thread per reader. A record belongs to the handler during its call only: the space is given back in one store when
 * `read` ends, so a handler copies out what it keeps.
 */

import {
  assertRingPlace,
  HEAD_WORD,
  RECORDS_WORD,
  type RingPlace,
  TAIL_WORD,
} from './ring-layout.ts';

/** Called with the region and the index of the record's first word in it. */
export type RecordHandler = (words: Int32Array, at: number) => void;

export class RingReader {
  readonly words: Int32Array;
  readonly capacity: number;
  readonly #head: number;
  readonly #tail: number;
  readonly #records: number;
  readonly #mask: number;
  #taken: number;
  // The producer's progress as last seen: its cache line is fetched again only when everything seen is taken.
  #seenTail: number;

  constructor(place: RingPlace) {
    assertRingPlace(place);
    this.words = place.words;
    this.capacity = place.capacity;
    this.#head = place.base + HEAD_WORD;
    this.#tail = place.base + TAIL_WORD;
    this.#records = place.base + RECORDS_WORD;
    this.#mask = place.capacity - 1;
    this.#taken = Atomics.load(this.words, this.#head);
    this.#seenTail = this.#taken;
  }

  /** Hands out at most `limit` records; returns how many. What the producer adds meanwhile waits for the next call. */
  read(handler: RecordHandler, limit: number): number {
    const count = Math.min(this.#available(), limit);
    if (count <= 0) return 0;
    const { words } = this;
    for (let i = 0; i < count; i++) {
      handler(words, this.#records + (((this.#taken + i) & this.#mask) << 3));
    }
    this.#taken = (this.#taken + count) | 0;
    // Release: the handler's reads are done before the space is free. Partner: RingWriter.tryClaim's load of HEAD.
    Atomics.store(words, this.#head, this.#taken);
    return count;
  }

  /** Whether records wait. Looks at the producer's line whenever it has seen nothing, so a sleeper may rely on it. */
  hasRecords(): boolean {
    return this.#available() > 0;
  }

  #available(): number {
    const seen = (this.#seenTail - this.#taken) | 0;
    if (seen > 0) return seen;
    // Acquire: every record before this TAIL is whole. Partner: RingWriter.commit's store. Sequentially consistent, so it
    // is ordered after the store of the sleep flag when a consumer looks once more before it waits (Doorbell).
    this.#seenTail = Atomics.load(this.words, this.#tail);
    return (this.#seenTail - this.#taken) | 0;
  }
}

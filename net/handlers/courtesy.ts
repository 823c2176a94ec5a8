/**
 * Whether a reader from the disk is to be answered with care. Who produces a few records and waits for the word that they are
 * stored feels each piece of a large answer to somebody else three times: it is read by another thread, sent by the front,
 * and taken by its reader, on cores that the producer may need. So while small Produce requests come in, pieces are small,
 * and a client on the same machine gets less at a time. Who produces in large batches waits longer for those than for any
 * piece.
 *
 * Thread of the front.
 */
import { SMALL_PRODUCE_BYTES_MAX, SMALL_PRODUCE_MS_MAX } from '../../engine/base/limits.ts';

export class Courtesy {
  #lastSmallMs = Number.NEGATIVE_INFINITY;

  /** A Produce request of so many bytes has come. */
  noteProduce(bytes: number, nowMs: number): void {
    if (bytes <= SMALL_PRODUCE_BYTES_MAX) this.#lastSmallMs = nowMs;
  }

  isDue(nowMs: number): boolean {
    return nowMs - this.#lastSmallMs <= SMALL_PRODUCE_MS_MAX;
  }
}

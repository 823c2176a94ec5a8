/**
 * Whether what a connection fetches has been coming out of the page cache. Nobody can ask the kernel, so reads behind the hot
 * end of a log go to the thread pool, until they prove so fast that they may as well be done on the front's own thread,
 * without two hops between threads. One for all partitions of a connection: who has read one of them from memory will most
 * likely find the others there as well, and a slow disk is slow for all.
 */

import { GIB, KIB, MIB } from '../../engine/base/limits.ts';

/** A read beyond the hot end of a log that took longer came from the disk; about ten times what the page cache takes. */
const DISK_READ_MS = 1;
/**
 * So much in a row out of the page cache makes a reader trust it. The kernel reads some megabytes ahead, and what lies there
 * comes fast from a slow disk, too: it is much more than that.
 */
const WARM_BYTES = 32 * MIB;
/** So much in a row is no accident: who reads at leisure is fast where the kernel reads ahead in time, too. */
const PROOF_BYTES = GIB;
/** What a small read counts: who reads little at a time is to get there as well. */
const READ_BYTES_MIN = 64 * KIB;
/**
 * After a read that made everybody wait it takes so much more, and each further time several times as much: what is read
 * ahead by the kernel comes fast, too, up to where it has not yet read.
 */
const DISTRUST_BYTES = 32 * MIB;
const DISTRUST_GROWTH = 8;
const DISTRUST_BYTES_MAX = 32 * GIB;
/** So much read fast on this thread in a row, and the distrust begins anew. */
const FORGIVEN_BYTES = 2 * GIB;

export class ReadTrust {
  #fastBytes = 0;
  /** The last read was near the end of a log. */
  #isHot = true;
  #distrust = DISTRUST_BYTES;

  get isWarm(): boolean {
    return this.#fastBytes >= WARM_BYTES;
  }

  /** Whether what is read now may well come from the disk, even if it is fast. */
  get mayBeCold(): boolean {
    return !this.#isHot && this.#fastBytes < PROOF_BYTES;
  }

  /** A read near the end of a log. */
  noteHot(): void {
    this.#isHot = true;
  }

  /** A read of so many bytes off this thread, or one on it that was risked, took so long. */
  noteRead(bytes: number, tookMs: number): void {
    this.#isHot = false;
    if (tookMs <= DISK_READ_MS) {
      this.#fastBytes = Math.min(FORGIVEN_BYTES, this.#fastBytes + Math.max(READ_BYTES_MIN, bytes));
      if (this.#fastBytes === FORGIVEN_BYTES) this.#distrust = DISTRUST_BYTES;
    } else if (this.isWarm) {
      this.#fastBytes = -this.#distrust;
      this.#distrust = Math.min(DISTRUST_BYTES_MAX, this.#distrust * DISTRUST_GROWTH);
    } else {
      this.#fastBytes = Math.min(0, this.#fastBytes);
    }
  }
}

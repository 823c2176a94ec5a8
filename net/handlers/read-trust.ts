/**
 * Whether what a connection fetches has been coming out of the page cache. Nobody can ask the kernel, so reads behind the hot
 * end of a log go to the thread pool, until they prove so fast that they may as well be done on the front's own thread,
 * without two hops between threads. One for all partitions of a connection: who has read one of them from memory will most
 * likely find the others there as well, and a slow disk is slow for all.
 */

/** A read beyond the hot end of a log that took longer came from the disk; about ten times what the page cache takes. */
const DISK_READ_MS = 1;
/**
 * So many reads in a row out of the page cache make a reader trust it. The kernel reads some megabytes ahead, and what lies
 * there comes fast from a slow disk, too: they are many more than that.
 */
const WARM_READS = 64;
/**
 * After a read that made everybody wait it takes so many more, and each further time several times as many: what is read
 * ahead by the kernel comes fast, too, up to where it has not yet read.
 */
const DISTRUST_READS = 60;
const DISTRUST_GROWTH = 8;
const DISTRUST_READS_MAX = 1 << 16;
/** So many fast reads on this thread in a row, and the distrust begins anew. */
const FORGIVEN_READS = 4096;

export class ReadTrust {
  #fastReads = 0;
  #distrust = DISTRUST_READS;

  get isWarm(): boolean {
    return this.#fastReads >= WARM_READS;
  }

  /** A read off this thread, or one on it that was risked, took so long. */
  noteRead(tookMs: number): void {
    if (tookMs <= DISK_READ_MS) {
      this.#fastReads = Math.min(FORGIVEN_READS, this.#fastReads + 1);
      if (this.#fastReads === FORGIVEN_READS) this.#distrust = DISTRUST_READS;
    } else if (this.isWarm) {
      this.#fastReads = -this.#distrust;
      this.#distrust = Math.min(DISTRUST_READS_MAX, this.#distrust * DISTRUST_GROWTH);
    } else {
      this.#fastReads = Math.min(0, this.#fastReads);
    }
  }
}

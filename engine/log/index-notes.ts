/**
 * Index entries that came due in appends by other threads (direct-append.ts), kept for the thread that owns the indexes: it
 * takes them in before it does anything else. A few doubles that may lie in shared memory; whoever touches them holds the
 * lock under which the logs are changed, so they are in the order of the appends.
 *
 *   0        number of notes
 *   1 + 5 n  key of the log, last offset, position, max timestamp, its offset
 */

const NOTE_LENGTH = 5;

export class IndexNotes {
  readonly #floats: Float64Array;
  readonly #capacity: number;

  constructor(floats: Float64Array) {
    this.#floats = floats;
    this.#capacity = Math.floor((floats.length - 1) / NOTE_LENGTH);
  }

  static length(capacity: number): number {
    return 1 + capacity * NOTE_LENGTH;
  }

  get isFull(): boolean {
    return this.#floats[0]! >= this.#capacity;
  }

  /** There is room. */
  add(
    key: number,
    lastOffset: number,
    position: number,
    maxTimestamp: number,
    maxTimestampOffset: number,
  ): void {
    const floats = this.#floats;
    const count = floats[0]!;
    const at = 1 + count * NOTE_LENGTH;
    floats[at] = key;
    floats[at + 1] = lastOffset;
    floats[at + 2] = position;
    floats[at + 3] = maxTimestamp;
    floats[at + 4] = maxTimestampOffset;
    floats[0] = count + 1;
  }

  /** Hands all notes over, oldest first, and forgets them. */
  drain(
    take: (
      key: number,
      lastOffset: number,
      position: number,
      maxTimestamp: number,
      maxTimestampOffset: number,
    ) => void,
  ): void {
    const floats = this.#floats;
    const count = floats[0]!;
    if (count === 0) return;
    floats[0] = 0;
    for (let at = 1; at < 1 + count * NOTE_LENGTH; at += NOTE_LENGTH) {
      take(floats[at]!, floats[at + 1]!, floats[at + 2]!, floats[at + 3]!, floats[at + 4]!);
    }
  }
}

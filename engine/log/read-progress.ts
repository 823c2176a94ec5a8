/**
 * How far planned bytes have been read, and where the next fetch goes on behind them. Whoever reads a plan in pieces notes
 * each of them here, in order; only the headers of batches are looked at, and not even those when the plan knows its end.
 * A header that lies in two pieces is gathered from both.
 *
 * One thread, that of the reader.
 */
import { assert } from '../base/assert.ts';
import { BATCH_HEADER_BYTES, batchLastOffset, batchSize } from '../format/batch.ts';
import { ReadPlan } from './reader.ts';

/** Where the last fetch of a consumer ended: a fetch that continues there needs no lookup. The caller keeps it. */
export class ReadCursor {
  offset = -1;
  baseOffset = -1;
  position = 0;
  /** Size of the batch at `position`, when its header came with the last bytes of that fetch; else -1. */
  nextBatchBytes = -1;
  truncations = -1;
  incarnation = -1;
}

export class ReadProgress {
  /** Of the planned bytes those that were noted, from the first on. */
  done = 0;
  #plan = new ReadPlan();
  /** Behind the whole batches so far, from the first planned byte; and the offset behind the last of them, or -1. */
  #wholeBytes = 0;
  #endOffset = -1;
  #nextBatchBytes = -1;
  #isWalked = false;
  readonly #header = new DataView(new ArrayBuffer(BATCH_HEADER_BYTES));
  #headerBytes = 0;

  /** From the first byte of the plan, which stays as it is until `leave`. */
  begin(plan: ReadPlan): void {
    this.#plan = plan;
    this.done = 0;
    this.#wholeBytes = 0;
    this.#endOffset = -1;
    this.#nextBatchBytes = -1;
    this.#isWalked = plan.endOffset >= 0;
    this.#headerBytes = 0;
  }

  /** The next `size` planned bytes lie at `at`. */
  note(view: DataView, at: number, size: number): void {
    const before = this.done;
    this.done += size;
    while (!this.#isWalked && this.#wholeBytes < this.done) {
      const headerAt = this.#wholeBytes - before;
      if (headerAt >= 0 && headerAt + BATCH_HEADER_BYTES <= size) this.#pass(view, at + headerAt);
      else if (!this.#gather(view, at, size, headerAt)) return;
    }
  }

  /** All planned bytes are noted. Leaves in `cursor` where the next fetch continues; returns the size of the whole batches. */
  leave(cursor: ReadCursor): number {
    const plan = this.#plan;
    assert(this.done === plan.size, 'read progress: left before the end of the plan');
    const isEndKnown = plan.endOffset >= 0;
    const wholeBytes = isEndKnown ? plan.size : this.#wholeBytes;
    cursor.offset = isEndKnown ? plan.endOffset : this.#endOffset;
    cursor.position = plan.position + wholeBytes;
    cursor.nextBatchBytes = this.#nextBatchBytes;
    cursor.baseOffset = plan.baseOffset;
    cursor.truncations = plan.truncations;
    cursor.incarnation = plan.incarnation;
    return wholeBytes;
  }

  /** Keeps what this piece has of a header that does not lie in it whole. False: the rest comes with a later piece. */
  #gather(view: DataView, at: number, size: number, headerAt: number): boolean {
    const header = this.#header;
    let next = headerAt + this.#headerBytes;
    while (next < size && this.#headerBytes < BATCH_HEADER_BYTES) {
      header.setUint8(this.#headerBytes++, view.getUint8(at + next++));
    }
    if (this.#headerBytes < BATCH_HEADER_BYTES) return false;
    this.#headerBytes = 0;
    this.#pass(header, 0);
    return true;
  }

  /** Goes on behind the batch whose header lies at `at`, unless its end is not among the planned bytes. */
  #pass(view: DataView, at: number): void {
    const size = batchSize(view, at);
    if (size < BATCH_HEADER_BYTES || this.#wholeBytes + size > this.#plan.size) {
      this.#isWalked = true;
      if (size >= BATCH_HEADER_BYTES) this.#nextBatchBytes = size;
      return;
    }
    this.#endOffset = batchLastOffset(view, at) + 1;
    this.#wholeBytes += size;
  }
}

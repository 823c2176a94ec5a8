/**
 * Memory for large responses, used again after it was given back: a fetcher at full speed would otherwise ask
 * the kernel for fresh pages for every response, which costs more than reading the bytes.
 *
 * One thread. Memory that is never given back is simply collected.
 */

import { MIB } from '../engine/base/limits.ts';

const IDLE_MAX = 4;

/** Sizes are rounded up to this, so that responses of about one size share their memory. */
const ROUNDING_BYTES = MIB;

export class FramePool {
  readonly #idle: ArrayBuffer[] = [];

  /** A buffer of exactly `size` bytes with arbitrary content. */
  take(size: number): Buffer {
    const index = this.#idle.findIndex((memory) => memory.byteLength >= size);
    const memory =
      index >= 0
        ? this.#idle.splice(index, 1)[0]!
        : new ArrayBuffer(Math.ceil(size / ROUNDING_BYTES) * ROUNDING_BYTES);
    return Buffer.from(memory, 0, size);
  }

  /** Takes back what `take` returned; nobody may look at it any more. */
  give(frame: Buffer): void {
    if (this.#idle.length < IDLE_MAX) this.#idle.push(frame.buffer as ArrayBuffer);
  }
}

/**
 * Pooled buffers that responses are encoded into and sent from. A buffer belongs to one connection from `take` until the
 * socket has passed its last byte to the kernel; once it is filled, others may hold it, too. Large ones are for records: their number is bounded, so many slow
 * readers cannot fill the memory; who finds none left works with small ones.
 *
 * Thread of the front.
 */
import { assert } from '../../engine/base/assert.ts';
import { KIB, RESPONSE_BUFFER_BYTES } from '../../engine/base/limits.ts';

const SMALL_BYTES = 16 * KIB;
const SMALL_KEPT_MAX = 64;
/** 32 MiB of responses on their way at most. */
const LARGE_MAX = 32;
/** Beside the records of one partition there is room for what stands around them. */
const LARGE_BYTES = RESPONSE_BUFFER_BYTES + 64 * KIB;
/** Large buffers kept while nobody needs them. */
const LARGE_KEPT_MAX = 4;

export class OutputBuffer {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Bytes filled, from 0. */
  size = 0;
  /** Who still needs it: nearly always one, more where several connections send the same records. */
  holders = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, capacity);
  }

  get room(): number {
    return this.bytes.length - this.size;
  }
}

export class OutputPool {
  readonly #small: OutputBuffer[] = [];
  readonly #large: OutputBuffer[] = [];
  #largeInUse = 0;

  /** A buffer for about `size` more bytes: at least the small size, at most the large one. */
  take(size: number): OutputBuffer {
    const buffer = this.#take(size);
    buffer.holders = 1;
    return buffer;
  }

  #take(size: number): OutputBuffer {
    if (size > SMALL_BYTES && this.#largeInUse < LARGE_MAX) {
      this.#largeInUse++;
      return this.#large.pop() ?? new OutputBuffer(LARGE_BYTES);
    }
    return this.#small.pop() ?? new OutputBuffer(SMALL_BYTES);
  }

  /** One more needs the buffer; nobody changes it from now on. */
  hold(buffer: OutputBuffer): void {
    buffer.holders++;
  }

  release(buffer: OutputBuffer): void {
    assert(buffer.holders > 0, 'output buffer released more often than held');
    buffer.holders--;
    if (buffer.holders > 0) return;
    buffer.size = 0;
    if (buffer.bytes.length === SMALL_BYTES) {
      if (this.#small.length < SMALL_KEPT_MAX) this.#small.push(buffer);
      return;
    }
    this.#largeInUse--;
    if (this.#large.length < LARGE_KEPT_MAX) this.#large.push(buffer);
  }
}

/** What `Response.fill` came to. */
export const Fill = {
  /** All of the response is in the buffer. */
  DONE: 0,
  /** The buffer is full; call again with an empty one. */
  MORE: 1,
  /** The next bytes are being read; `Connection.wake` is called when they are there. */
  WAIT: 2,
  /** The response cannot be finished: the connection must end. */
  FAILED: 3,
  /** The next bytes lie in a buffer that others hold as well: `takeShared` hands it out. */
  SHARED: 4,
} as const;
export type Fill = (typeof Fill)[keyof typeof Fill];

/** A finished answer on its way out: a whole frame with its size field. */
export interface Response {
  /** About how many bytes `fill` has to write: picks the buffer. */
  readonly sizeHint: number;
  /** A buffer that the response has begun by itself and that the connection takes over: it goes on with it. */
  takeStaged?(): OutputBuffer | null;
  /** After `Fill.SHARED`: the buffer to be sent as it is, already held for the caller. */
  takeShared?(): OutputBuffer;
  /** Appends to the buffer at `size`, moving `size` on. A part that must be in one piece is never larger than a small buffer. */
  fill(buffer: OutputBuffer): Fill;
  /** Sent, or given up because the connection ended. */
  dispose(): void;
}

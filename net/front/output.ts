/**
 * Pooled buffers that responses are encoded into and sent from. A buffer belongs to one connection from `take` until the
 * socket has passed its last byte to the kernel. The one given back last is taken first: as long as the kernel takes what
 * is sent at once, every piece goes through the same memory, and that stays in the L2 cache. All but the small ones are
 * bounded in number, so many slow readers cannot fill the memory; who finds none left works with small ones.
 *
 * Thread of the front.
 */
import { assert } from '../../engine/base/assert.ts';
import { KIB, MIB, SEND_PIECE_BYTES } from '../../engine/base/limits.ts';

/** What must be in one piece is never larger. */
export const SMALL_BUFFER_BYTES = 16 * KIB;
/** Room beside a piece of records, for what stands around them. */
export const HEADS_BYTES = 16 * KIB;

/** Pieces of responses on their way at most, beside small ones. */
const PIECES_BYTES_MAX = 32 * MIB;
/** Kept while nobody needs them. */
const SMALL_BYTES_KEPT = MIB;
const PIECES_BYTES_KEPT = 16 * MIB;

export class OutputBuffer {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Bytes filled, from 0. */
  size = 0;
  /** Between `take` and `release`. */
  isTaken = false;
  /** Where it goes when nobody needs it any more. */
  readonly stack: BufferStack;

  constructor(stack: BufferStack) {
    const { capacity } = stack;
    this.stack = stack;
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, capacity);
  }

  get room(): number {
    return this.bytes.length - this.size;
  }
}

/** Buffers of one size. */
class BufferStack {
  readonly capacity: number;
  readonly #countMax: number;
  readonly #keptMax: number;
  readonly #free: OutputBuffer[] = [];
  #inUse = 0;

  constructor(capacity: number, bytesMax: number, bytesKept: number) {
    this.capacity = capacity;
    this.#countMax = bytesMax / capacity;
    this.#keptMax = bytesKept / capacity;
  }

  /** Null: as many as may be are in use. */
  pop(): OutputBuffer | null {
    if (this.#inUse + 1 > this.#countMax) return null;
    this.#inUse++;
    return this.#free.pop() ?? new OutputBuffer(this);
  }

  push(buffer: OutputBuffer): void {
    this.#inUse--;
    buffer.size = 0;
    if (this.#free.length + 1 <= this.#keptMax) this.#free.push(buffer);
  }
}

export class OutputPool {
  /** The largest piece of records that a buffer has room for. */
  readonly pieceBytes: number;
  readonly #small = new BufferStack(SMALL_BUFFER_BYTES, Number.POSITIVE_INFINITY, SMALL_BYTES_KEPT);
  readonly #pieces: BufferStack;

  constructor(pieceBytes: number = SEND_PIECE_BYTES) {
    this.pieceBytes = pieceBytes;
    this.#pieces = new BufferStack(pieceBytes + HEADS_BYTES, PIECES_BYTES_MAX, PIECES_BYTES_KEPT);
  }

  /** A buffer for about `size` more bytes: a small one, or one for a piece of records and what stands around it. */
  take(size: number): OutputBuffer {
    const buffer = (size > SMALL_BUFFER_BYTES ? this.#pieces.pop() : null) ?? this.#small.pop()!;
    buffer.isTaken = true;
    return buffer;
  }

  release(buffer: OutputBuffer): void {
    assert(buffer.isTaken, 'output buffer released more often than taken');
    buffer.isTaken = false;
    buffer.stack.push(buffer);
  }
}

/** What `Response.fill` came to. */
export const Fill = {
  /** All of the response is in the buffer. */
  DONE: 0,
  /** The buffer is as full as it should be; call again with an empty one. */
  MORE: 1,
  /** The next bytes are being read; `Connection.wake` is called when they are there. */
  WAIT: 2,
  /** The response cannot be finished: the connection must end. */
  FAILED: 3,
} as const;
export type Fill = (typeof Fill)[keyof typeof Fill];

/** A finished answer on its way out: a whole frame with its size field. */
export interface Response {
  /**
   * About how many bytes are still to be sent, with those in a buffer of its own: picks the buffer, and a large rest waits
   * for its turn and until the socket has none.
   */
  readonly sizeHint: number;
  /** A buffer that the response has begun by itself and that the connection takes over: it goes on with it. */
  takeStaged?(): OutputBuffer | null;
  /** Appends to the buffer at `size`, moving `size` on. A part that must be in one piece is never larger than a small buffer. */
  fill(buffer: OutputBuffer): Fill;
  /** Sent, or given up because the connection ended. */
  dispose(): void;
}

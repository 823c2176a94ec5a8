/**
 * Cuts the byte stream of a connection into frames: a size (int32, big-endian) and that many bytes.
 *
 * The socket reads straight into what `target` returns, then `advance` says how many bytes came. Small
 * frames are copied out of one reused inbox. A frame larger than the inbox gets a buffer of exactly its size
 * and is read into its place by the kernel: bulk data is never copied here.
 *
 * One thread, one connection. A frame belongs to whoever `onFrame` handed it to.
 */

import { ClientError } from './client-error.ts';

const SIZE_BYTES = 4;
const INBOX_BYTES = 64 * 1024;

export interface FrameReceiverOptions {
  /** Called for each whole frame, without its size field. */
  readonly onFrame: (frame: Buffer) => void;
  /** A larger frame ends the connection: the peer is not what we think, or it is broken. */
  readonly frameBytesMax: number;
  /** Gives memory for a large frame; by default fresh memory. */
  readonly allocate?: (size: number) => Buffer;
}

export class FrameReceiver {
  readonly #onFrame: (frame: Buffer) => void;
  readonly #frameBytesMax: number;
  readonly #allocate: (size: number) => Buffer;
  readonly #inbox = Buffer.allocUnsafeSlow(INBOX_BYTES);
  #inboxFilled = 0;
  /** The large frame being read, null between large frames. */
  #frame: Buffer | null = null;
  #frameFilled = 0;

  constructor(options: FrameReceiverOptions) {
    this.#onFrame = options.onFrame;
    this.#frameBytesMax = options.frameBytesMax;
    this.#allocate = options.allocate ?? Buffer.allocUnsafeSlow;
  }

  /** Where the next bytes of the stream have to go; never empty. */
  target(): Uint8Array {
    if (this.#frame !== null) return this.#frame.subarray(this.#frameFilled);
    return this.#inboxFilled === 0 ? this.#inbox : this.#inbox.subarray(this.#inboxFilled);
  }

  /** `count` bytes have arrived in `target()`. Throws `ClientError` 'malformed' on an impossible size. */
  advance(count: number): void {
    if (this.#frame !== null) {
      this.#frameFilled += count;
      if (this.#frameFilled < this.#frame.length) return;
      const frame = this.#frame;
      this.#frame = null;
      this.#onFrame(frame);
      return;
    }
    this.#inboxFilled += count;
    this.#cutInbox();
  }

  #cutInbox(): void {
    const inbox = this.#inbox;
    let at = 0;
    while (this.#inboxFilled - at >= SIZE_BYTES) {
      const size = inbox.readInt32BE(at);
      if (size < SIZE_BYTES || size > this.#frameBytesMax) {
        throw new ClientError(
          'malformed',
          `the peer announced a frame of ${size} bytes (4 to ${this.#frameBytesMax} are possible): is it a Kafka broker?`,
        );
      }
      const from = at + SIZE_BYTES;
      const present = this.#inboxFilled - from;
      if (present >= size) {
        const frame = Buffer.allocUnsafe(size);
        inbox.copy(frame, 0, from, from + size);
        at = from + size;
        this.#onFrame(frame);
        continue;
      }
      if (size + SIZE_BYTES > inbox.length) {
        this.#frame = this.#allocate(size);
        this.#frameFilled = inbox.copy(this.#frame, 0, from, this.#inboxFilled);
        this.#inboxFilled = 0;
        return;
      }
      break;
    }
    if (at > 0) {
      inbox.copyWithin(0, at, this.#inboxFilled);
      this.#inboxFilled -= at;
    }
  }
}

/**
 * Bulk output to a file descriptor. Bytes are collected in large blocks; full blocks are written in the
 * background while the next are filled, and `drain` makes the caller wait when the other side is slower.
 *
 * Main thread. What is appended is copied.
 */

import { write } from 'node:fs';

const BLOCK_BYTES = 256 * 1024;

/** Full blocks that may wait before `isFull` says so. */
const WAITING_MAX = 8;

/** A descriptor that another process made non-blocking is tried again after this. */
const AGAIN_MS = 2;

/** Works on any bytes and makes no view of them, unlike `set`. */
const { copy } = Buffer.prototype;

/** The other side has closed the pipe, as `head` does: not an error, only a reason to end. */
export class OutputClosed extends Error {}

export class Output {
  readonly #fd: number;
  #block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #used = 0;
  readonly #waiting: { readonly block: Buffer; readonly size: number }[] = [];
  readonly #spare: Buffer[] = [];
  #writing: Promise<void> | null = null;
  #error: Error | null = null;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Whether so much waits that the caller should `drain` before it appends more. */
  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX;
  }

  /** Appends bytes [from, to) of `source`. */
  append(source: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      const count = Math.min(to - at, BLOCK_BYTES - this.#used);
      copy.call(source, this.#block, this.#used, at, at + count);
      this.#used += count;
      at += count;
      if (this.#used === BLOCK_BYTES) this.#seal();
    }
  }

  /** Appends text in UTF-8. */
  appendText(text: string): void {
    // Three bytes per UTF-16 unit is the most that UTF-8 takes.
    if (this.#used + text.length * 3 <= BLOCK_BYTES) {
      this.#used += this.#block.write(text, this.#used, 'utf8');
      return;
    }
    const bytes = Buffer.from(text);
    this.append(bytes, 0, bytes.length);
  }

  appendByte(byte: number): void {
    if (this.#used === BLOCK_BYTES) this.#seal();
    this.#block[this.#used++] = byte;
  }

  /** Waits until little waits. Throws `OutputClosed` when nobody reads any more. */
  async drain(): Promise<void> {
    while (this.#waiting.length > WAITING_MAX / 2 && this.#error === null) await this.#writing;
    if (this.#error !== null) throw this.#error;
  }

  /** Waits until everything is written. */
  async flush(): Promise<void> {
    if (this.#used > 0) this.#seal();
    while (this.#writing !== null && this.#error === null) await this.#writing;
    if (this.#error !== null) throw this.#error;
  }

  #seal(): void {
    this.#waiting.push({ block: this.#block, size: this.#used });
    this.#block = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#used = 0;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      for (;;) {
        const first = this.#waiting[0];
        if (first === undefined) break;
        for (let at = 0; at < first.size; )
          at += await this.#write(first.block, at, first.size - at);
        this.#waiting.shift();
        this.#spare.push(first.block);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#error =
        code === 'EPIPE' ? new OutputClosed('the reader of the output is gone') : (error as Error);
      this.#waiting.length = 0;
    }
    this.#writing = null;
  }

  async #write(block: Buffer, at: number, size: number): Promise<number> {
    for (;;) {
      try {
        return await new Promise<number>((resolve, reject) => {
          write(this.#fd, block, at, size, null, (error, count) =>
            error === null ? resolve(count) : reject(error),
          );
        });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }
}

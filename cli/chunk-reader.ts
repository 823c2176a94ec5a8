/**
 * Reads a file or stdin in large chunks for somebody who looks for lines in them. What the reader leaves of a
 * chunk (the beginning of a line that goes on) is put in front of the next one, so lines always lie in one
 * piece; the next chunk is read while the current one is worked on.
 *
 * Main thread. The bytes of a chunk are valid until the next call of `next`.
 */

import { read } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MillraceError } from '../engine/base/errors.ts';
import { MIB } from '../engine/base/limits.ts';

const CHUNK_BYTES = MIB;

/** Room in front of each chunk for what is left of the one before; longer lines take a copy. */
const CARRY_BYTES = 64 * 1024;

/** Stdin that another process made non-blocking is asked again after this. */
const AGAIN_MS = 10;

export class ChunkReader {
  /** The current chunk is [from, to) of `bytes`. */
  bytes: Buffer = Buffer.alloc(0);
  from = 0;
  to = 0;
  /** Whether nothing follows the current chunk. */
  isEnd = false;
  /** Bytes read so far. */
  bytesRead = 0;
  readonly #name: string;
  readonly #fd: number;
  readonly #handle: FileHandle | null;
  #spare: Buffer = Buffer.allocUnsafeSlow(CARRY_BYTES + CHUNK_BYTES);
  /** The read that runs; null before the first. */
  #reading: Promise<number> | null = null;

  /** Opens a file; `-` is stdin. Throws `MillraceError` 'file' with one clear line. */
  static async open(name: string): Promise<ChunkReader> {
    if (name === '-') return new ChunkReader('stdin', 0, null);
    try {
      const handle = await open(name, 'r');
      return new ChunkReader(name, handle.fd, handle);
    } catch (error) {
      throw fileError(name, error);
    }
  }

  private constructor(name: string, fd: number, handle: FileHandle | null) {
    this.#name = name;
    this.#fd = fd;
    this.#handle = handle;
  }

  /** Size of the file in bytes; null for stdin and whatever else has none. */
  async size(): Promise<number | null> {
    if (this.#handle === null) return null;
    const stat = await this.#handle.stat();
    return stat.isFile() ? stat.size : null;
  }

  /** Moves to the next chunk, which starts with the bytes from `keptFrom` on of this one. */
  async next(keptFrom: number): Promise<void> {
    const keptBytes = this.to - keptFrom;
    const count = await (this.#reading ?? this.#readInto(this.#spare));
    this.bytesRead += count;
    this.isEnd = count === 0;
    const previous = this.bytes;
    const next = this.#spare;
    if (keptBytes <= CARRY_BYTES) {
      previous.copy(next, CARRY_BYTES - keptBytes, keptFrom, this.to);
      this.bytes = next;
      this.from = CARRY_BYTES - keptBytes;
      this.to = CARRY_BYTES + count;
    } else {
      // A line longer than the room: it moves into a buffer of its own, which grows with it.
      const grown = Buffer.allocUnsafeSlow(keptBytes + count);
      previous.copy(grown, 0, keptFrom, this.to);
      next.copy(grown, keptBytes, CARRY_BYTES, CARRY_BYTES + count);
      this.bytes = grown;
      this.from = 0;
      this.to = grown.length;
    }
    if (this.isEnd) return;
    const isReusable = previous.length === CARRY_BYTES + CHUNK_BYTES && this.bytes === next;
    if (this.bytes === next) {
      this.#spare = isReusable ? previous : Buffer.allocUnsafeSlow(CARRY_BYTES + CHUNK_BYTES);
    }
    this.#reading = this.#readInto(this.#spare);
    // It is awaited by the next call; a failure until then must not count as unhandled.
    this.#reading.catch(() => {});
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }

  async #readInto(target: Buffer): Promise<number> {
    for (;;) {
      try {
        return await readOnce(this.#fd, target);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw fileError(this.#name, error);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }
}

function readOnce(fd: number, target: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, CARRY_BYTES, CHUNK_BYTES, null, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function fileError(name: string, cause: unknown): MillraceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
  };
  return new MillraceError(
    'file',
    `cannot read ${name}: ${reasons[code ?? ''] ?? message}`,
    { name },
    cause,
  );
}

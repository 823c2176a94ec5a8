/**
 * The one place that compresses and decompresses: gzip and zstd through node:zlib, snappy and lz4 through
 * their native modules, in the framings that Kafka's clients write and read. Everything is synchronous and
 * bounded: what unfolds to more than the caller's limit is an error, never memory.
 *
 * Any thread; pure. The native modules load on first use: most processes never need them, and each costs
 * 30 ms of start-up. Formats: docs/format.md, section "Compression".
 */

import { createRequire } from 'node:module';
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { MillraceError, messageOf } from '../base/errors.ts';
import { DECOMPRESSED_BYTES_MAX, SNAPPY_CHUNK_BYTES } from '../base/limits.ts';
import { Codec, codecName } from './batch.ts';
import { compressLz4Frame, decompressLz4Frame } from './lz4-frame.ts';

interface SnappyModule {
  compressSync(bytes: Uint8Array): Buffer;
  uncompressSync(bytes: Uint8Array): Buffer | string;
}

interface Lz4Module {
  /** A block behind its unfolded size as uint32 little-endian. */
  compressSync(bytes: Uint8Array): Buffer;
}

const require = createRequire(import.meta.url);
let snappyModule: SnappyModule | null = null;
let lz4Module: Lz4Module | null = null;

function snappy(): SnappyModule {
  snappyModule ??= load<SnappyModule>('snappy', Codec.SNAPPY);
  return snappyModule;
}

function lz4(): Lz4Module {
  lz4Module ??= load<Lz4Module>('lz4-napi', Codec.LZ4);
  return lz4Module;
}

function load<T>(name: string, codec: Codec): T {
  try {
    return require(name) as T;
  } catch (cause) {
    const message = `the ${codecName(codec)} codec needs the native module ${name}, which does not load here: ${messageOf(cause)}`;
    throw new MillraceError('codec', message, { codec }, cause);
  }
}

/**
 * Compresses `bytes`. `level` is the codec's own scale (gzip 1 to 9, zstd -131072 to 22); snappy and lz4 have
 * one level here and ignore it. The result is fresh, except that codec NONE returns `bytes` itself.
 */
export function compress(codec: number, bytes: Uint8Array, level?: number): Uint8Array {
  switch (codec) {
    case Codec.NONE:
      return bytes;
    case Codec.GZIP:
      return gzipSync(bytes, level === undefined ? {} : { level });
    case Codec.SNAPPY:
      return compressSnappy(bytes);
    case Codec.LZ4:
      return compressLz4Frame(bytes, lz4().compressSync);
    case Codec.ZSTD:
      return zstdCompressSync(bytes, {
        pledgedSrcSize: bytes.length,
        params: level === undefined ? {} : { [constants.ZSTD_c_compressionLevel]: level },
      });
    default:
      throw unknownCodec(codec);
  }
}

/**
 * Whether the codec's package is native. What it allocates comes back with turns of the event loop: on a thread that has none
 * it would pile up.
 */
export function isNativeCodec(codec: number): boolean {
  return codec === Codec.SNAPPY || codec === Codec.LZ4;
}

/**
 * Decompresses `bytes`. Throws `MillraceError`: 'corrupt' when they are not what `codec` writes, 'too-large'
 * when they unfold to more than `limitBytes`, 'codec' when the codec is unknown or its module is missing.
 * The result is fresh, except that codec NONE returns `bytes` itself.
 */
export function decompress(
  codec: number,
  bytes: Uint8Array,
  limitBytes: number = DECOMPRESSED_BYTES_MAX,
): Uint8Array {
  if (codec === Codec.NONE) return bytes;
  try {
    switch (codec) {
      case Codec.GZIP:
        return gunzipSync(bytes, { maxOutputLength: zlibLimit(limitBytes) });
      case Codec.SNAPPY:
        return decompressSnappy(bytes, limitBytes);
      case Codec.LZ4:
        return decompressLz4Frame(bytes, limitBytes);
      case Codec.ZSTD:
        return zstdDecompressSync(bytes, { maxOutputLength: zlibLimit(limitBytes) });
    }
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge(codec, limitBytes);
    }
    const message = `${codecName(codec)} data is corrupt: ${messageOf(cause)}`;
    throw new MillraceError('corrupt', message, { codec }, cause);
  }
  throw unknownCodec(codec);
}

/** zlib knows no limit of nothing. */
function zlibLimit(limitBytes: number): number {
  return Math.max(limitBytes, 1);
}

function unknownCodec(codec: number): MillraceError {
  return new MillraceError('codec', `unknown compression type id: ${codec}`, { codec });
}

function tooLarge(codec: number, limitBytes: number): MillraceError {
  const message = `${codecName(codec)} data unfolds to more than ${limitBytes} bytes`;
  return new MillraceError('too-large', message, { codec, limitBytes });
}

// Snappy in the framing of snappy-java (xerial), which Kafka's Java clients write:
//   8 bytes magic, int32 version 1, int32 compatible version 1, then chunks: int32 size, raw snappy block.
// librdkafka and others write one raw block without framing; readers must take both.

const XERIAL_HEADER = Uint8Array.of(
  0x82,
  0x53,
  0x4e,
  0x41,
  0x50,
  0x50,
  0x59,
  0,
  0,
  0,
  0,
  1,
  0,
  0,
  0,
  1,
);
const XERIAL_MAGIC_BYTES = 8;

function compressSnappy(bytes: Uint8Array): Uint8Array {
  const { compressSync } = snappy();
  const parts: Uint8Array[] = [XERIAL_HEADER];
  for (let at = 0; at < bytes.length; at += SNAPPY_CHUNK_BYTES) {
    const chunk = compressSync(bytes.subarray(at, at + SNAPPY_CHUNK_BYTES));
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(chunk.length);
    parts.push(size, chunk);
  }
  return Buffer.concat(parts);
}

function decompressSnappy(bytes: Uint8Array, limitBytes: number): Uint8Array {
  if (!isXerial(bytes)) return decompressSnappyBlock(bytes, limitBytes, 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let at = XERIAL_HEADER.length; at < bytes.length; ) {
    const size = at + 4 <= bytes.length ? view.getInt32(at) : -1;
    at += 4;
    if (size < 0 || size > bytes.length - at) throw corruptSnappy('a chunk ends early');
    const part = decompressSnappyBlock(bytes.subarray(at, at + size), limitBytes, total);
    total += part.length;
    parts.push(part);
    at += size;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total);
}

function isXerial(bytes: Uint8Array): boolean {
  if (bytes.length < XERIAL_HEADER.length) return false;
  for (let at = 0; at < XERIAL_MAGIC_BYTES; at++) {
    if (bytes[at] !== XERIAL_HEADER[at]) return false;
  }
  return true;
}

/** A raw block starts with its unfolded length, an unsigned varint: checked before memory is taken for it. */
function decompressSnappyBlock(
  bytes: Uint8Array,
  limitBytes: number,
  usedBytes: number,
): Uint8Array {
  let length = 0;
  let at = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++];
    if (byte === undefined || at > 5) throw corruptSnappy('the length is not a varint');
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  if (length > limitBytes - usedBytes) throw tooLarge(Codec.SNAPPY, limitBytes);
  // The format copies at most 64 bytes per 3 bytes of input; a larger claim would only allocate in vain.
  if (length > bytes.length * 64) throw corruptSnappy('the length is more than the data can hold');
  return snappy().uncompressSync(bytes) as Buffer;
}

function corruptSnappy(why: string): MillraceError {
  return new MillraceError('corrupt', `snappy data is corrupt: ${why}`, { codec: Codec.SNAPPY });
}

/**
 * LZ4 frames (format description 1.6). Reads what Kafka's clients write: independent or linked blocks, with
 * or without block checksums, content checksum and content size. The blocks are unfolded here, in plain
 * code, so that the output never grows beyond the caller's limit and a frame that stops early or points
 * outside its window is an error; the native module's frame reader knows no limit and is no faster. Writes
 * what Kafka's Java client writes: independent blocks of 64 KiB (it reads no linked ones, and takes a
 * buffer of the block size per reader).
 *
 *   magic 0x184d2204 LE | FLG | BD | [content size 8] | [dictionary id 4] | HC
 *   blocks: size uint32 LE (bit 31: stored) | data | [checksum 4]; size 0 ends | [content checksum 4]
 *
 * Any thread; pure. Checksums inside the frame are skipped: the batch's CRC-32C covers the same bytes.
 */

import { MillraceError } from '../base/errors.ts';

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const FLAG_DICTIONARY = 0x01;
const FLAG_CONTENT_CHECKSUM = 0x04;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_BLOCK_CHECKSUM = 0x10;
const STORED_BIT = 0x80000000;
const CODEC_LZ4 = 3;

function corrupt(why: string): MillraceError {
  return new MillraceError('corrupt', `lz4 data is corrupt: ${why}`, { codec: CODEC_LZ4 });
}

/** Magic, FLG (version 1, independent blocks), BD (64 KiB blocks) and the checksum of these two. */
const WRITTEN_HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82);
const WRITTEN_BLOCK_BYTES = 64 * 1024;

/**
 * Writes one frame. `compressBlock` returns a compressed block behind 4 bytes of its own, which are dropped.
 * The result is fresh.
 */
export function compressLz4Frame(
  bytes: Uint8Array,
  compressBlock: (block: Uint8Array) => Uint8Array,
): Uint8Array {
  const blocks: { bytes: Uint8Array; sizeWord: number }[] = [];
  let size = WRITTEN_HEADER.length + 4;
  for (let at = 0; at < bytes.length; at += WRITTEN_BLOCK_BYTES) {
    const raw = bytes.subarray(at, at + WRITTEN_BLOCK_BYTES);
    const block = compressBlock(raw).subarray(4);
    // Data that does not compress is stored: no block may be larger than the block size.
    const isStored = block.length >= raw.length;
    blocks.push(
      isStored
        ? { bytes: raw, sizeWord: raw.length + STORED_BIT }
        : { bytes: block, sizeWord: block.length },
    );
    size += 4 + (isStored ? raw.length : block.length);
  }
  const frame = Buffer.allocUnsafeSlow(size);
  frame.set(WRITTEN_HEADER);
  let to = WRITTEN_HEADER.length;
  for (const block of blocks) {
    to = frame.writeUInt32LE(block.sizeWord, to);
    frame.set(block.bytes, to);
    to += block.bytes.length;
  }
  frame.writeUInt32LE(0, to);
  return frame;
}

/** Output that doubles as it fills, up to the limit. */
class Output {
  bytes: Uint8Array;
  size = 0;
  readonly limitBytes: number;

  constructor(initialBytes: number, limitBytes: number) {
    this.limitBytes = limitBytes;
    this.bytes = Buffer.allocUnsafeSlow(Math.min(initialBytes, limitBytes));
  }

  /** Makes room for `more` bytes behind `size`. */
  reserve(more: number): void {
    const needed = this.size + more;
    if (needed <= this.bytes.length) return;
    if (needed > this.limitBytes) {
      const message = `lz4 data unfolds to more than ${this.limitBytes} bytes`;
      throw new MillraceError('too-large', message, {
        codec: CODEC_LZ4,
        limitBytes: this.limitBytes,
      });
    }
    const grown = Buffer.allocUnsafeSlow(
      Math.min(this.limitBytes, Math.max(needed, this.bytes.length * 2)),
    );
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }
}

/**
 * Unfolds the first frame in `bytes`; what follows it is ignored, as Kafka does. Throws `MillraceError`
 * 'corrupt' or 'too-large'. The result is fresh.
 */
export function decompressLz4Frame(bytes: Uint8Array, limitBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes.length;
  let at = 0;
  while (length - at >= 8 && (view.getUint32(at, true) & 0xfffffff0) === (SKIPPABLE_MAGIC | 0)) {
    at += 8 + view.getUint32(at + 4, true);
  }
  if (length - at < 7 || view.getUint32(at, true) !== MAGIC) throw corrupt('no frame magic');
  const flags = bytes[at + 4]!;
  const blockSizeId = (bytes[at + 5]! >> 4) & 7;
  if (flags >> 6 !== 1) throw corrupt(`unknown frame version ${flags >> 6}`);
  if (blockSizeId < 4) throw corrupt(`unknown block size ${blockSizeId}`);
  if ((flags & FLAG_DICTIONARY) !== 0) throw corrupt('it needs a dictionary');
  at += 6;
  let contentSize = -1;
  if ((flags & FLAG_CONTENT_SIZE) !== 0) {
    if (length - at < 9) throw corrupt('the frame header ends early');
    contentSize = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    at += 8;
  }
  at += 1; // header checksum
  const blockBytesMax = 1 << (8 + 2 * blockSizeId);
  const output = new Output(initialBytes(contentSize, length, blockBytesMax), limitBytes);
  for (;;) {
    if (length - at < 4) throw corrupt('it has no end mark');
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const size = word >= STORED_BIT ? word - STORED_BIT : word;
    if (size > length - at) throw corrupt('a block ends early');
    const start = output.size;
    if (word >= STORED_BIT) {
      output.reserve(size);
      output.bytes.set(bytes.subarray(at, at + size), output.size);
      output.size += size;
    } else {
      unfoldBlock(bytes, at, at + size, output, start + blockBytesMax);
    }
    if (output.size - start > blockBytesMax) throw corrupt('a block is larger than it may be');
    at += size + ((flags & FLAG_BLOCK_CHECKSUM) !== 0 ? 4 : 0);
  }
  if ((flags & FLAG_CONTENT_CHECKSUM) !== 0 && length - at < 4) throw corrupt('it ends early');
  if (contentSize >= 0 && contentSize !== output.size) throw corrupt('its size is not as stated');
  return output.bytes.subarray(0, output.size);
}

/** A first guess: the stated size where it is believable, else what text usually unfolds to. */
function initialBytes(contentSize: number, length: number, blockBytesMax: number): number {
  // A block unfolds at most 255-fold, so a larger statement is a lie.
  if (contentSize >= 0) return Math.min(contentSize, length * 255);
  return Math.min(Math.max(length * 4, 4096), Math.max(blockBytesMax, length * 2));
}

/** Unfolds one block at [at, end) behind what `output` holds; matches may reach back into earlier blocks. */
function unfoldBlock(
  bytes: Uint8Array,
  at: number,
  end: number,
  output: Output,
  sizeMax: number,
): void {
  let target = output.bytes;
  let size = output.size;
  while (at < end) {
    const token = bytes[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let byte: number;
      do {
        if (at >= end) throw corrupt('a literal length ends early');
        byte = bytes[at++]!;
        literals += byte;
      } while (byte === 255);
    }
    if (literals > end - at) throw corrupt('literals end early');
    let match = token & 15;
    // One check of room for literals and a short match; long matches check again.
    if (size + literals + 19 > target.length) {
      output.size = size;
      output.reserve(literals);
      target = output.bytes;
    }
    if (literals > 32) {
      target.set(bytes.subarray(at, at + literals), size);
      at += literals;
      size += literals;
    } else {
      for (const stop = at + literals; at < stop; ) target[size++] = bytes[at++]!;
    }
    if (at === end) break; // the last sequence has literals only
    if (end - at < 2) throw corrupt('a match ends early');
    const distance = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    if (distance === 0 || distance > size) throw corrupt('a match points outside');
    if (match === 15) {
      let byte: number;
      do {
        if (at >= end) throw corrupt('a match length ends early');
        byte = bytes[at++]!;
        match += byte;
      } while (byte === 255);
    }
    match += 4;
    if (size + match > sizeMax) throw corrupt('a block is larger than it may be');
    if (size + match > target.length) {
      output.size = size;
      output.reserve(match);
      target = output.bytes;
    }
    const from = size - distance;
    if (match > 64 && distance >= match) {
      target.copyWithin(size, from, from + match);
      size += match;
    } else if (match > 64 && distance === 1) {
      target.fill(target[from]!, size, size + match);
      size += match;
    } else {
      // Source and target may overlap: byte by byte is what the format means.
      for (let source = from, stop = size + match; size < stop; )
        target[size++] = target[source++]!;
    }
  }
  output.size = size;
}

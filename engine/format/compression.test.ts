/** Every codec both ways, its framings and its bounds. */

import { describe, expect, test } from 'vitest';
import { Codec, codecNames } from './batch.ts';
import { compress, decompress } from './compression.ts';

const text = Buffer.from(
  'the quick brown fox jumps over the lazy dog, again and again; '.repeat(3000),
);
const codecs = [Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD];
const packing = codecs.slice(1);

describe('compression', () => {
  test.each(codecs)('codec %i gives back what it was given, of any size', (codec) => {
    for (const size of [0, 1, 100, 65535, 65536, 65537, text.length]) {
      const bytes = text.subarray(0, size);
      const packed = compress(codec, bytes);
      expect(Buffer.from(decompress(codec, packed)).equals(bytes)).toBe(true);
    }
  });

  test.each(packing)('codec %i works on views of shared memory', (codec) => {
    const shared = new Uint8Array(new SharedArrayBuffer(text.length + 10)).subarray(10);
    shared.set(text);
    const packed = compress(codec, shared);
    const place = new Uint8Array(new SharedArrayBuffer(packed.length + 3)).subarray(3);
    place.set(packed);
    expect(Buffer.from(decompress(codec, place)).equals(text)).toBe(true);
  });

  test.each(packing)('codec %i refuses a bomb at the limit', (codec) => {
    const bomb = compress(codec, new Uint8Array(8 << 20));
    expect(() => decompress(codec, bomb, 1 << 20)).toThrow(
      `${codecNames[codec]} data unfolds to more than 1048576 bytes`,
    );
    expect(decompress(codec, bomb, 8 << 20)).toHaveLength(8 << 20);
  });

  test.each(packing)('codec %i calls other bytes corrupt', (codec) => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2, 3), Buffer.alloc(200, 0x55)]) {
      expect(() => decompress(codec, bytes)).toThrow(`${codecNames[codec]} data is corrupt`);
    }
    const cut = compress(codec, text);
    expect(() => decompress(codec, cut.subarray(0, cut.length >> 1))).toThrow('is corrupt');
  });

  test('snappy is written in frames of snappy-java and read with and without them', () => {
    const packed = Buffer.from(compress(Codec.SNAPPY, text));
    expect(packed.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001');
    const firstChunk = packed.subarray(20, 20 + packed.readInt32BE(16));
    expect(Buffer.from(decompress(Codec.SNAPPY, firstChunk)).equals(text.subarray(0, 65536))).toBe(
      true,
    );
    expect(Buffer.from(decompress(Codec.SNAPPY, packed)).equals(text)).toBe(true);
  });

  test("levels are the codec's own", () => {
    const sizeAt = (codec: number, level: number) => compress(codec, text, level).length;
    expect(sizeAt(Codec.GZIP, 9)).toBeLessThan(sizeAt(Codec.GZIP, 1));
    expect(sizeAt(Codec.ZSTD, 19)).toBeLessThanOrEqual(sizeAt(Codec.ZSTD, -5));
  });

  test('an unknown codec is named', () => {
    expect(() => compress(5, text)).toThrow('unknown compression type id: 5');
    expect(() => decompress(7, text)).toThrow('unknown compression type id: 7');
  });
});

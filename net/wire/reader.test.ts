import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WIRE_ELEMENTS_MAX } from '../../engine/base/limits.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

function readerOf(hex: string): Reader {
  return new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

function malformed(read: () => unknown): void {
  expect(read).toThrow(expect.objectContaining({ code: 'malformed' }));
}

describe('reader', () => {
  test('integers and floats are big-endian and of their width', () => {
    const reader = readerOf(
      'ff 80 ffff ffff 80000000 ffffffff 0020000000000000 3ff8000000000000 00 02',
    );
    expect(reader.int8()).toBe(-1);
    expect(reader.int8()).toBe(-128);
    expect(reader.int16()).toBe(-1);
    expect(reader.uint16()).toBe(65535);
    expect(reader.int32()).toBe(-(2 ** 31));
    expect(reader.uint32()).toBe(2 ** 32 - 1);
    expect(reader.int64()).toBe(2 ** 53);
    expect(reader.float64()).toBe(1.5);
    expect(reader.bool()).toBe(false);
    expect(reader.bool()).toBe(true);
    expect(reader.remaining).toBe(0);
  });

  test('every read beyond the end is malformed and leaves the position alone', () => {
    for (const read of [
      (reader: Reader) => reader.int8(),
      (reader: Reader) => reader.int16(),
      (reader: Reader) => reader.int32(),
      (reader: Reader) => reader.int64(),
      (reader: Reader) => reader.float64(),
      (reader: Reader) => reader.uuid(),
      (reader: Reader) => reader.bool(),
      (reader: Reader) => reader.unsignedVarint(),
      (reader: Reader) => reader.skip(1),
    ]) {
      const reader = new Reader(Buffer.alloc(40), 0, 0);
      malformed(() => read(reader));
      expect(reader.at).toBe(0);
    }
  });

  test('the range ends where it was said to, though the buffer goes on', () => {
    const reader = new Reader(Buffer.from('0000000100000002', 'hex'), 0, 4);
    expect(reader.int32()).toBe(1);
    malformed(() => reader.int8());
    malformed(() => reader.reset(Buffer.alloc(4), 0, 5));
    malformed(() => reader.reset(Buffer.alloc(4), 3, 2));
  });

  test('a varint has at most five bytes', () => {
    expect(readerOf('00').unsignedVarint()).toBe(0);
    expect(readerOf('ac02').unsignedVarint()).toBe(300);
    expect(readerOf('ffffffff0f').unsignedVarint()).toBe(2 ** 32 - 1);
    expect(readerOf('808000').unsignedVarint()).toBe(0);
    malformed(() => readerOf('ffffffffff01').unsignedVarint());
    malformed(() => readerOf('80').unsignedVarint());
  });

  test('a string length of -1 is null, any other negative one is malformed', () => {
    expect(readerOf('ffff').nullableString()).toBe(null);
    malformed(() => readerOf('ffff').string());
    malformed(() => readerOf('fffe').nullableString());
    expect(readerOf('00').compactNullableString()).toBe(null);
    malformed(() => readerOf('00').compactString());
    expect(readerOf('ffffffff').nullableBytes()).toBe(null);
    malformed(() => readerOf('fffffffe').nullableBytes());
    malformed(() => readerOf('ffffffff').bytes());
    malformed(() => readerOf('00').compactBytes());
  });

  test('a string that claims more bytes than there are, or than a string may have, is malformed', () => {
    malformed(() => readerOf('0003 6161').string());
    malformed(() => readerOf('04 6161').compactString());
    const long = new Writer();
    long.unsignedVarint(0x8000 + 1);
    long.raw(new Uint8Array(0x8000));
    malformed(() => new Reader(long.copy()).compactString());
  });

  test('bytes are a view into the input, or a copy when asked for', () => {
    const input = Buffer.from('00000002 0102'.replace(' ', ''), 'hex');
    const reader = new Reader(input);
    const view = reader.bytes();
    reader.reset(input);
    reader.isCopying = true;
    const copy = reader.bytes();
    input[4] = 9;
    expect([...view]).toEqual([9, 2]);
    expect([...copy]).toEqual([1, 2]);
    expect(copy.buffer).not.toBe(input.buffer);
  });

  test('shared memory is read like any other', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(64));
    const writer = new Writer();
    writer.string('ein längerer Text, der übersetzt wird');
    writer.string('ascii');
    writer.uuid('H3YNyRp_wEnATVIz9DsjxA');
    bytes.set(writer.copy());
    const reader = new Reader(bytes);
    expect(reader.string()).toBe('ein längerer Text, der übersetzt wird');
    expect(reader.string()).toBe('ascii');
    expect(reader.uuid()).toBe('H3YNyRp_wEnATVIz9DsjxA');
  });

  test('a count that the bytes left cannot hold is malformed before anything is allocated', () => {
    malformed(() => readerOf('7fffffff 0000').count(1));
    malformed(() => readerOf('00000003 0000').count(1));
    expect(readerOf('00000002 0000').count(1)).toBe(2);
    malformed(() => readerOf('fffffffe').count(1));
    expect(readerOf('ffffffff').count(1)).toBe(-1);
    expect(readerOf('00').compactCount(1)).toBe(-1);
    malformed(() => readerOf('ffffffff0f').compactCount(1));
    malformed(() => readerOf('05 0000').compactCount(1));
  });

  test('one message may hold so many elements and no more', () => {
    const reader = readerOf('00');
    reader.spend(WIRE_ELEMENTS_MAX);
    malformed(() => reader.spend(1));
    reader.reset(Buffer.alloc(1));
    reader.spend(1);
  });

  test('tagged fields are passed over by their sizes', () => {
    const reader = readerOf('02 00 03 010203 07 00 05');
    reader.skipTags();
    expect(reader.remaining).toBe(1);
    malformed(() => readerOf('01 00 7f 00').skipTags());
    malformed(() => readerOf('ffffffff0f').skipTags());
  });

  test('sizes for reading in place are checked like those for copying', () => {
    expect(readerOf('ffff').stringSize(false)).toBe(-1);
    expect(readerOf('00').stringSize(true)).toBe(-1);
    expect(readerOf('0001 61').stringSize(false)).toBe(1);
    malformed(() => readerOf('fffe').stringSize(false));
    malformed(() => readerOf('0002 61').stringSize(false));
    expect(readerOf('ffffffff').bytesSize(false)).toBe(-1);
    expect(readerOf('02 61').bytesSize(true)).toBe(1);
    malformed(() => readerOf('fffffffe').bytesSize(false));
    malformed(() => readerOf('03 61').bytesSize(true));
  });

  test('any text and any number that a writer wrote is read again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 4 }),
        fc.maxSafeInteger(),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (texts, int64, varint) => {
          const writer = new Writer(1);
          for (const text of texts) {
            writer.string(text);
            writer.compactString(text);
          }
          writer.int64(int64);
          writer.unsignedVarint(varint);
          const reader = new Reader(writer.copy());
          for (const text of texts) {
            expect(reader.string()).toBe(text.toWellFormed());
            expect(reader.compactString()).toBe(text.toWellFormed());
          }
          expect(reader.int64()).toBe(int64);
          expect(reader.unsignedVarint()).toBe(varint);
          expect(reader.remaining).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });
});

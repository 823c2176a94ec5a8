import { describe, expect, test } from 'vitest';
import { WRITER_KEPT_BYTES } from '../../engine/base/limits.ts';
import { Writer } from './writer.ts';

function hexOf(write: (writer: Writer) => void): string {
  const writer = new Writer(1);
  write(writer);
  return writer.copy().toString('hex');
}

describe('writer', () => {
  test('grows from any size, keeping what it holds', () => {
    const writer = new Writer(1);
    for (let index = 0; index < 1000; index++) writer.int32(index);
    expect(writer.size).toBe(4000);
    expect(writer.bytes.readInt32BE(3996)).toBe(999);
    expect(writer.bytes.readInt32BE(0)).toBe(0);
  });

  test('lets go of a large buffer at the reset, keeps a small one', () => {
    const writer = new Writer(16);
    writer.raw(new Uint8Array(100));
    const small = writer.bytes;
    writer.reset();
    expect(writer.bytes).toBe(small);
    writer.raw(new Uint8Array(WRITER_KEPT_BYTES + 1));
    writer.reset();
    expect(writer.bytes.length).toBe(16);
    expect(writer.size).toBe(0);
  });

  test('a copy does not change with the writer', () => {
    const writer = new Writer();
    writer.int8(1);
    const copy = writer.copy();
    writer.reset();
    writer.int8(2);
    expect([...copy]).toEqual([1]);
  });

  test('null and lengths have the forms of both kinds of versions', () => {
    expect(hexOf((writer) => writer.nullableString(null))).toBe('ffff');
    expect(hexOf((writer) => writer.compactNullableString(null))).toBe('00');
    expect(hexOf((writer) => writer.nullableString('é'))).toBe('0002c3a9');
    expect(hexOf((writer) => writer.compactNullableString('é'))).toBe('03c3a9');
    expect(hexOf((writer) => writer.nullableBytes(null))).toBe('ffffffff');
    expect(hexOf((writer) => writer.compactNullableBytes(null))).toBe('00');
    expect(hexOf((writer) => writer.nullableBytes(Uint8Array.of(7)))).toBe('0000000107');
    expect(hexOf((writer) => writer.compactNullableBytes(Uint8Array.of(7)))).toBe('0207');
    expect(hexOf((writer) => writer.count(-1))).toBe('ffffffff');
    expect(hexOf((writer) => writer.compactCount(-1))).toBe('00');
  });

  test('a compact length that takes two bytes moves the text behind it', () => {
    for (const text of ['x'.repeat(126), 'x'.repeat(127), 'é'.repeat(64), 'x'.repeat(20_000)]) {
      const size = Buffer.byteLength(text);
      const length = hexOf((writer) => writer.unsignedVarint(size + 1));
      expect(hexOf((writer) => writer.compactString(text))).toBe(
        length + Buffer.from(text).toString('hex'),
      );
    }
  });

  test('a size is filled in before what was written, whatever its width', () => {
    for (const size of [0, 1, 127, 128, 16_383, 16_384, 2 ** 21]) {
      const body = Buffer.alloc(size, 0xab);
      const actual = new Writer();
      const mark = actual.beginSized();
      actual.raw(body);
      actual.endSized(mark);
      actual.int8(1);
      const expected = new Writer();
      expected.unsignedVarint(size);
      expected.raw(body);
      expected.int8(1);
      expect(actual.copy().equals(expected.copy())).toBe(true);
    }
  });

  test('a string beyond 32767 bytes and a uuid of another form are refused', () => {
    const writer = new Writer();
    const invalid = expect.objectContaining({ code: 'invalid-value' });
    expect(() => writer.string('x'.repeat(0x8000))).toThrow(invalid);
    expect(() => writer.compactString('é'.repeat(0x4000))).toThrow(invalid);
    writer.string('x'.repeat(0x7fff));
    expect(() => writer.uuid('short')).toThrow(invalid);
    expect(() => writer.uuid('not base64url at all!!')).toThrow(invalid);
  });
});

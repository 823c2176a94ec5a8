/** The rules that a compiled codec keeps, on messages made up for it. */

import { describe, expect, test } from 'vitest';
import { type InferInput, type MessageCodec, message } from './message.ts';
import { Reader } from './reader.ts';
import {
  array,
  bytes,
  float64,
  INT64_MAX,
  int32,
  int64,
  string,
  struct,
  uint32,
  uuid,
} from './schema.ts';
import { Writer } from './writer.ts';

const sample = message({
  name: 'Sample',
  versions: [0, 3],
  flexible: 2,
  fields: {
    always: int32('0+'),
    since1: int32('1+', { default: -1 }),
    ignored: int32('1+', { default: 7, ignorable: true }),
    until1: string('0-1'),
    name: string('0+', { nullable: '1+' }),
    high: int64('2+', { tag: 3, default: INT64_MAX }),
    low: string('2+', { tag: 0, nullable: '2+', default: '' }),
    inner: struct('2+', { a: int32('2+', { default: -1 }), b: array('2+', 'int32') }, { tag: 1 }),
    list: array('0+', { id: uuid('0+'), raw: bytes('3+') }),
    size: uint32('3+', { tag: 9 }),
    ratio: float64('3+', { tag: 10, default: 0.5 }),
    maybe: struct('3+', { x: int32('3+') }, { nullable: '3+', default: null }),
  },
});

function encode<T, I>(codec: MessageCodec<T, I>, value: I, version: number): string {
  const writer = new Writer();
  codec.write(writer, value, version);
  return writer.copy().toString('hex');
}

function decode<T, I>(codec: MessageCodec<T, I>, hex: string, version: number): T {
  const reader = new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const value = codec.read(reader, version);
  expect(reader.remaining).toBe(0);
  return value;
}

const least: InferInput<typeof sample> = { always: 1, name: '', list: [] };

describe('message', () => {
  test('a version outside the range is unsupported', () => {
    for (const version of [-1, 4, 1.5, Number.NaN]) {
      expect(() => encode(sample, least, version)).toThrow(
        expect.objectContaining({
          code: 'unsupported-version',
          message: `Sample has versions 0 to 3, not ${version}`,
        }),
      );
    }
  });

  test('fields that a caller leaves out are written as their defaults', () => {
    expect(encode(sample, least, 1)).toBe(
      '00000001 ffffffff 00000007 0000 0000 00000000'.replaceAll(' ', ''),
    );
    expect(encode(sample, least, 3)).toBe(
      '00000001 ffffffff 00000007 01 01 ff 00'.replaceAll(' ', ''),
    );
  });

  test('fields that a version lacks are read as their defaults', () => {
    expect(decode(sample, '00000001 0000 0000 00000000', 0)).toEqual({
      always: 1,
      since1: -1,
      ignored: 7,
      until1: '',
      name: '',
      high: INT64_MAX,
      low: '',
      inner: { a: -1, b: [] },
      list: [],
      size: 0,
      ratio: 0.5,
      maybe: null,
    });
  });

  test('defaults that are arrays or structs are not shared between messages', () => {
    const first = decode(sample, '00000001 0000 0000 00000000', 0);
    first.inner.b.push(1);
    first.list.push({ id: '', raw: new Uint8Array() });
    expect(decode(sample, '00000001 0000 0000 00000000', 0).inner.b).toEqual([]);
  });

  test('a value for a field that the version lacks is an error, unless it is the default or ignorable', () => {
    encode(sample, { ...least, ignored: 8 }, 0);
    encode(sample, { ...least, since1: -1 }, 0);
    encode(sample, { ...least, inner: { b: [] } }, 0);
    const unsupported = expect.objectContaining({ code: 'unsupported-version' });
    expect(() => encode(sample, { ...least, since1: 0 }, 0)).toThrow(unsupported);
    expect(() => encode(sample, { ...least, inner: { b: [1] } }, 0)).toThrow(unsupported);
    expect(() => encode(sample, { ...least, inner: { a: 0, b: [] } }, 0)).toThrow(unsupported);
    expect(() => encode(sample, { ...least, high: 1 }, 0)).toThrow(unsupported);
    expect(() => encode(sample, { ...least, until1: 'x' }, 2)).toThrow(
      'Sample.until1 is set, and version 2 has no such field',
    );
    expect(() => encode(sample, { ...least, maybe: { x: 0 } }, 2)).toThrow(unsupported);
  });

  test('null is written where the version allows it and refused elsewhere', () => {
    expect(encode(sample, { ...least, name: null }, 1)).toContain('ffff');
    const invalid = expect.objectContaining({ code: 'invalid-value' });
    expect(() => encode(sample, { ...least, name: null }, 0)).toThrow(invalid);
    expect(() => encode(sample, { ...least, list: null as never }, 1)).toThrow(invalid);
    expect(() => encode(sample, { ...least, list: [null as never] }, 1)).toThrow(invalid);
    expect(() => encode(sample, null as never, 1)).toThrow(invalid);
  });

  test('tagged fields are written in the order of their tags, only when they differ from the default', () => {
    const base = '00000001 ffffffff 00000007 01 01';
    const value = { ...least, high: 5, low: null, inner: { a: 2, b: [] } };
    const tags = '03 00 01 00 01 06 00000002 01 00 03 08 0000000000000005';
    expect(encode(sample, value, 2)).toBe((base + tags).replaceAll(' ', ''));
    expect(decode(sample, base + tags, 2)).toMatchObject(value);
    expect(encode(sample, { ...least, high: Number.POSITIVE_INFINITY }, 2)).toContain(
      '7fffffffffffffff',
    );
  });

  test('unsigned and floating numbers keep their whole range', () => {
    const value = { ...least, size: 2 ** 32 - 1, ratio: -1.5e300 };
    expect(decode(sample, encode(sample, value, 3), 3)).toMatchObject(value);
  });

  test('unknown tagged fields are passed over, known ones must have the size they claim', () => {
    const base = '00000001 ffffffff 00000007 01 01';
    expect(decode(sample, `${base} 02 00 02 02 61 2a 03 010203`, 2).low).toBe('a');
    const malformed = expect.objectContaining({ code: 'malformed' });
    expect(() => decode(sample, `${base} 01 00 03 02 61 00`, 2)).toThrow(malformed);
    expect(() => decode(sample, `${base} 01 00 01 02 61`, 2)).toThrow(malformed);
  });

  test('a nullable struct has a byte before it', () => {
    expect(encode(sample, { ...least, maybe: { x: 9 } }, 3)).toContain('01000000090000');
    expect(decode(sample, '00000001 ffffffff 00000007 01 01 01 00000009 00 00', 3).maybe).toEqual({
      x: 9,
    });
    expect(decode(sample, '00000001 ffffffff 00000007 01 01 ff 00', 3).maybe).toBe(null);
  });

  test('a count is checked against the fewest bytes its elements can have', () => {
    // Two elements need 2 * 16 bytes; 31 are there.
    const hex = `00000001 0000 0000 00000002 ${'00'.repeat(31)}`;
    expect(() => decode(sample, hex, 0)).toThrow('an array of 2 elements in 31 bytes');
  });

  test('all decoded structs of a version have their fields in the order of the schema', () => {
    expect(Object.keys(decode(sample, '00000001 0000 0000 00000000', 0))).toEqual(
      Object.keys(sample.fields),
    );
  });
});

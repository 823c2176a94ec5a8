/** Variable-length integers against the definition, done with BigInt. */

import { describe, expect, test } from 'vitest';
import {
  readUnsignedVarint,
  readVarint,
  readVarlong,
  sizeOfUnsignedVarint,
  sizeOfVarint,
  sizeOfVarlong,
  varint,
  writeUnsignedVarint,
  writeVarint,
  writeVarlong,
} from './varint.ts';

/** The definition: groups of seven bits, least significant first. */
function groups(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

const zigzag = (value: bigint): bigint => (value < 0n ? -value * 2n - 1n : value * 2n);

const powers = Array.from({ length: 54 }, (_, bit) => 2 ** bit);
const edges = [0, ...powers.flatMap((power) => [power - 1, power, power + 1])];
const signed = edges.flatMap((edge) => [edge, 0 - edge]).filter(Number.isSafeInteger);

describe('varint', () => {
  test('unsigned: written, sized and read as defined', () => {
    for (const value of edges.filter((edge) => edge < 2 ** 32)) {
      const bytes = new Uint8Array(12);
      const end = writeUnsignedVarint(bytes, 1, value);
      expect([...bytes.subarray(1, end)]).toEqual(groups(BigInt(value)));
      expect(sizeOfUnsignedVarint(value)).toBe(end - 1);
      expect(readUnsignedVarint(bytes, 1, 12)).toBe(value);
      expect(varint.end).toBe(end);
    }
  });

  test('zigzag of 32 bits: written, sized and read as defined', () => {
    for (const value of signed.filter((edge) => edge === (edge | 0))) {
      const bytes = new Uint8Array(12);
      const end = writeVarint(bytes, 1, value);
      expect([...bytes.subarray(1, end)]).toEqual(groups(zigzag(BigInt(value))));
      expect(sizeOfVarint(value)).toBe(end - 1);
      expect(readVarint(bytes, 1, 12)).toBe(value);
      expect(varint.end).toBe(end);
    }
  });

  test('zigzag of 64 bits: written, sized and read as defined', () => {
    for (const value of signed) {
      const bytes = new Uint8Array(12);
      const end = writeVarlong(bytes, 1, value);
      expect([...bytes.subarray(1, end)]).toEqual(groups(zigzag(BigInt(value))));
      expect(sizeOfVarlong(value)).toBe(end - 1);
      expect(readVarlong(bytes, 1, 12)).toBe(value);
      expect(varint.end).toBe(end);
    }
  });

  test('the ends of int64 read as the nearest double', () => {
    const longest = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
    expect(readVarlong(longest, 0, 10)).toBe(-(2 ** 63));
    longest[0] = 0xfe;
    expect(readVarlong(longest, 0, 10)).toBe(2 ** 63);
    expect(varint.end).toBe(10);
  });

  test('an overrun or too many bytes leave -1 as position', () => {
    const endless = new Uint8Array(12).fill(0xff);
    for (const read of [readUnsignedVarint, readVarint, readVarlong]) {
      for (let limit = 0; limit <= 12; limit++) {
        expect(read(endless, 0, limit)).toBe(0);
        expect(varint.end).toBe(-1);
      }
      expect(read(Uint8Array.of(0x80, 0x80), 0, 2)).toBe(0);
      expect(varint.end).toBe(-1);
    }
    readUnsignedVarint(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x1f), 0, 5);
    expect(varint.end).toBe(-1);
    readVarlong(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2), 0, 10);
    expect(varint.end).toBe(-1);
  });
});

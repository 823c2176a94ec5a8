/** The checksum, by address and by copy, against its definition. */

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';
import { CRC_WINDOW_BYTES } from './crc32c-kernel.ts';
import { SharedMemory } from './shared-memory.ts';
import { FAR, FAR_BYTES_MIN, NEAR, NEAR_BYTES_MIN } from './wasm/crc32c.ts';

/** The definition: one bit at a time. */
function byDefinition(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

const memory = SharedMemory.create(4 * CRC_WINDOW_BYTES);
memory.bytes.set(
  createHash('shake256', { outputLength: memory.bytes.length }).update('crc').digest(),
);

test('known answers of RFC 3720', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  const other = SharedMemory.create(65536);
  for (const [bytes, answer] of [
    [new Uint8Array(0), 0],
    [Buffer.from('123456789'), 0xe3069283],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [ascending, 0x46dd794e],
    [ascending.toReversed(), 0x113fdb5c],
  ] as const) {
    other.bytes.set(bytes, 5);
    expect(crc32c(bytes, 0, bytes.length)).toBe(answer);
    expect(other.crc32c(5, bytes.length)).toBe(answer);
    expect(byDefinition(bytes)).toBe(answer);
  }
});

test.each([
  ['FAR', FAR],
  ['NEAR', NEAR],
] as const)('the terms of %s add up to a multiple of the polynomial', (_, distances) => {
  // The register after a one and `longest - distance` bytes of zeros is that term's remainder.
  const longest = distances.at(-1)!;
  let sum = 0;
  for (const distance of [0, ...distances]) {
    let remainder = 1 << 31;
    for (let bit = 0; bit < 8 * (longest - distance); bit++) {
      remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
    }
    sum ^= remainder;
  }
  expect(sum).toBe(0);
});

test('is right at every size around the borders of its ways, and at every alignment', () => {
  const sizes = [0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000, 3001];
  for (const border of [NEAR_BYTES_MIN, FAR_BYTES_MIN, 2 * FAR_BYTES_MIN, CRC_WINDOW_BYTES]) {
    for (let size = border - 3; size <= border + 3; size++) sizes.push(size);
  }
  for (let size = FAR_BYTES_MIN; size < FAR_BYTES_MIN + 300; size += 7) sizes.push(size);
  sizes.push(3 * CRC_WINDOW_BYTES);
  for (const [index, size] of sizes.entries()) {
    const at = index % 17;
    const expected = byDefinition(memory.bytes.subarray(at, at + size));
    expect(memory.crc32c(at, size)).toBe(expected);
    expect(crc32c(memory.bytes, at, at + size)).toBe(expected);
  }
});

test('reads nothing behind its range, not even at the end of the memory', () => {
  for (const size of [9, NEAR_BYTES_MIN + 5, FAR_BYTES_MIN + 1, FAR_BYTES_MIN + 4000]) {
    const at = memory.bytes.length - size;
    expect(memory.crc32c(at, size)).toBe(byDefinition(memory.bytes.subarray(at)));
    expect(() => memory.crc32c(at + 1, size)).toThrow('out of bounds');
  }
});

test('a flipped bit anywhere changes it', () => {
  const size = FAR_BYTES_MIN + 2000;
  const right = memory.crc32c(0, size);
  for (let at = 0; at < size; at += 61) {
    memory.bytes[at]! ^= 1 << (at & 7);
    expect(memory.crc32c(0, size)).not.toBe(right);
    memory.bytes[at]! ^= 1 << (at & 7);
  }
  expect(memory.crc32c(0, size)).toBe(right);
});

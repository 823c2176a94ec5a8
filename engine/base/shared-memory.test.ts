/** Shared memory and its WebAssembly, and that all checksum kernels agree. */

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { crc32c, crc32cJs, nativeCrc32c } from './crc32c.ts';
import { CRC_NATIVE_BYTES_MIN, CRC_NATIVE_BYTES_MIN_WASM } from './limits.ts';
import { SharedMemory } from './shared-memory.ts';

describe('crc32c', () => {
  test('known answers of RFC 3720', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
    const answers: [Uint8Array, number][] = [
      [new Uint8Array(0), 0],
      [Buffer.from('123456789'), 0xe3069283],
      [new Uint8Array(32), 0x8a9136aa],
      [new Uint8Array(32).fill(0xff), 0x62a8ab43],
      [ascending, 0x46dd794e],
      [ascending.toReversed(), 0x113fdb5c],
    ];
    const memory = SharedMemory.create(65536);
    for (const [bytes, answer] of answers) {
      memory.bytes.set(bytes, 5);
      expect(crc32cJs(bytes, 0, bytes.length)).toBe(answer);
      expect(crc32c(bytes, 0, bytes.length)).toBe(answer);
      expect(memory.crc32cWasm(5, bytes.length)).toBe(answer);
    }
  });

  test('the kernels agree at every size around their borders and at every alignment', () => {
    const memory = SharedMemory.create(65536);
    const seed = createHash('shake256', { outputLength: 4096 }).update('crc').digest();
    memory.bytes.set(seed);
    const native = nativeCrc32c();
    const sizes = [0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000, 3001];
    for (const border of [CRC_NATIVE_BYTES_MIN, CRC_NATIVE_BYTES_MIN_WASM]) {
      sizes.push(border - 1, border, border + 1);
    }
    for (const size of sizes) {
      for (let at = 0; at < 9; at++) {
        const expected = crc32cJs(memory.bytes, at, at + size);
        expect(crc32c(memory.bytes, at, at + size)).toBe(expected);
        expect(memory.crc32c(at, size)).toBe(expected);
        expect(memory.crc32cWasm(at, size)).toBe(expected);
        if (native !== null) expect(native(memory.bytes.subarray(at, at + size))).toBe(expected);
      }
    }
  });
});

describe('shared memory', () => {
  test('copies between any alignments, also where the ranges overlap', () => {
    const memory = SharedMemory.create(65536);
    for (const [to, from, size] of [
      [1000, 3, 500],
      [3, 1000, 500],
      [10, 13, 100],
      [13, 10, 100],
      [7, 7, 20],
      [0, 0, 0],
    ] as const) {
      for (let at = 0; at < 2000; at++) memory.bytes[at] = at * 7;
      const expected = Uint8Array.from(memory.bytes.subarray(0, 2000));
      expected.copyWithin(to, from, from + size);
      memory.copy(to, from, size);
      expect(Buffer.compare(memory.bytes.subarray(0, 2000), expected)).toBe(0);
    }
  });

  test('fills exactly the range', () => {
    const memory = SharedMemory.create(65536);
    memory.fill(10, 0xab, 5);
    expect([...memory.bytes.subarray(9, 16)]).toEqual([0, 0xab, 0xab, 0xab, 0xab, 0xab, 0]);
  });

  test('what one attachment writes another sees; size is rounded up to pages', () => {
    const memory = SharedMemory.create(65537);
    const other = SharedMemory.attach(memory.memory);
    expect(other.bytes.length).toBe(131072);
    other.view.setInt32(131068, 42);
    expect(memory.view.getInt32(131068)).toBe(42);
    expect(memory.buffer.readInt32BE(131068)).toBe(42);
    memory.int32[0] = 7;
    expect(Atomics.load(other.int32, 0)).toBe(7);
  });

  test('an address outside is refused by the machine, not served', () => {
    const memory = SharedMemory.create(65536);
    expect(() => memory.copy(65530, 0, 7)).toThrow('out of bounds');
    expect(() => memory.crc32cWasm(65530, 7)).toThrow('out of bounds');
    expect(() => SharedMemory.create(0)).toThrow('size out of range');
    expect(() => SharedMemory.create(2 ** 33)).toThrow('size out of range');
  });
});

/** Shared memory and its WebAssembly; its checksum is in crc32c.test.ts. */

import { describe, expect, test } from 'vitest';
import { SharedMemory } from './shared-memory.ts';

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
    expect(() => SharedMemory.create(0)).toThrow('size out of range');
    expect(() => SharedMemory.create(2 ** 33)).toThrow('size out of range');
  });
});

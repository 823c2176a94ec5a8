/** Which buffer is taken, and that the number of large ones is bounded. */

import { describe, expect, test } from 'vitest';
import { KIB, MIB, SEND_PIECE_BYTES } from '../../engine/base/limits.ts';
import { type OutputBuffer, OutputPool, SMALL_BUFFER_BYTES } from './output.ts';

/** Takes buffers until a smaller one comes. */
function takeAll(take: () => OutputBuffer): OutputBuffer[] {
  const taken = [take()];
  for (;;) {
    const buffer = take();
    if (buffer.bytes.length < taken[0]!.bytes.length) return taken;
    taken.push(buffer);
  }
}

function bytesOf(buffers: readonly OutputBuffer[]): number {
  return buffers.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

describe('output pool', () => {
  test('the buffer given back last is taken first', () => {
    const pool = new OutputPool();
    const [one, two] = [pool.take(MIB), pool.take(MIB)];
    pool.release(one);
    pool.release(two);
    for (let round = 0; round < 10; round++) {
      const buffer = pool.take(MIB);
      expect(buffer === two).toBe(true);
      expect(buffer.size).toBe(0);
      buffer.size = 1000;
      pool.release(buffer);
    }
  });

  test('a buffer for a piece has room for all that stands around it, a small one for what must be in one piece', () => {
    const pool = new OutputPool();
    expect(pool.take(MIB).room).toBeGreaterThanOrEqual(SEND_PIECE_BYTES + SMALL_BUFFER_BYTES);
    expect(pool.take(SMALL_BUFFER_BYTES).room).toBe(SMALL_BUFFER_BYTES);
    expect(pool.take(KIB).room).toBe(SMALL_BUFFER_BYTES);
  });

  test('slow readers cannot fill the memory: beyond a bound there are small buffers only', () => {
    const pool = new OutputPool();
    const pieces = takeAll(() => pool.take(MIB));
    expect(bytesOf(pieces)).toBeLessThanOrEqual(32 * MIB);
    expect(bytesOf(pieces)).toBeGreaterThan(30 * MIB);
    expect(pool.take(MIB).room).toBe(SMALL_BUFFER_BYTES);
    pool.release(pieces[0]!);
    expect(pool.take(MIB) === pieces[0]).toBe(true);
  });

  test('a buffer is given back once', () => {
    const pool = new OutputPool();
    const buffer = pool.take(MIB);
    pool.release(buffer);
    expect(() => pool.release(buffer)).toThrow('more often');
  });
});

/** The checksum where the native module is missing or wrong. */

import { afterEach, describe, expect, test, vi } from 'vitest';

type Native = { crc32c: (bytes: Uint8Array) => number };

/** The definition: one bit at a time. */
function byDefinition(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/** The module as loaded where `require('@node-rs/crc32')` does what `load` does. */
async function withNative(load: () => Native) {
  vi.resetModules();
  vi.doMock('node:module', () => ({ createRequire: () => load }));
  return import('./crc32c.ts');
}

afterEach(() => {
  vi.doUnmock('node:module');
  vi.resetModules();
});

describe('crc32c', () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, index) => index * 31);
  const answer = byDefinition(bytes);

  test('is the same without the native module', async () => {
    const { crc32c, nativeCrc32c } = await withNative(() => {
      throw new Error('cannot find module');
    });
    expect(nativeCrc32c()).toBe(null);
    expect(crc32c(bytes, 0, bytes.length)).toBe(answer);
  });

  test('does not trust a native module with a wrong answer', async () => {
    const { crc32c, nativeCrc32c } = await withNative(() => ({ crc32c: () => 7 }));
    expect(nativeCrc32c()).toBe(null);
    expect(crc32c(bytes, 0, bytes.length)).toBe(answer);
  });

  test('uses the native module for large inputs only, and for exactly their range', async () => {
    const seen: number[] = [];
    const { crc32c } = await withNative(() => ({
      crc32c: (part) => {
        seen.push(part.length);
        return 0x8a9136aa;
      },
    }));
    expect(crc32c(bytes, 0, 100)).not.toBe(0x8a9136aa);
    expect(crc32c(bytes, 5, 4000)).toBe(0x8a9136aa);
    crc32c(bytes, 0, bytes.length);
    expect(seen).toEqual([32, 3995, 5000]);
  });
});

/** When a reader of old records is trusted to find them in the page cache, and how often that may go wrong. */

import { describe, expect, test } from 'vitest';
import { KIB } from '../../engine/base/limits.ts';
import { ReadTrust } from './read-trust.ts';

const PIECE = 512 * KIB;

function read(trust: ReadTrust, count: number, tookMs: number, bytes = PIECE): void {
  for (let i = 0; i < count; i++) trust.noteRead(bytes, tookMs);
}

describe('trust in reads', () => {
  test('trusts after much that came fast, and not after a slow read for long', () => {
    const trust = new ReadTrust();
    expect(trust.isWarm).toBe(false);
    read(trust, 63, 0.1);
    expect(trust.isWarm).toBe(false);
    read(trust, 1, 0.1);
    expect(trust.isWarm).toBe(true);
    read(trust, 1, 5);
    read(trust, 127, 0.1);
    expect(trust.isWarm).toBe(false);
    read(trust, 1, 0.1);
    expect(trust.isWarm).toBe(true);
  });

  test('takes old records for cold until much more came fast, and the end of a log never', () => {
    const trust = new ReadTrust();
    expect(trust.mayBeCold).toBe(false);
    read(trust, 2047, 0.1);
    expect(trust.mayBeCold).toBe(true);
    read(trust, 1, 0.1);
    expect(trust.mayBeCold).toBe(false);
    read(trust, 1, 5);
    expect(trust.mayBeCold).toBe(true);
    trust.noteHot();
    expect(trust.mayBeCold).toBe(false);
  });

  test('counts bytes, and small reads as if they were of 64 KiB', () => {
    for (const bytes of [1, 64 * KIB]) {
      const trust = new ReadTrust();
      read(trust, 511, 0.1, bytes);
      expect(trust.isWarm).toBe(false);
      read(trust, 1, 0.1, bytes);
      expect(trust.isWarm).toBe(true);
    }
  });

  test('does not take for memory what the kernel reads ahead of a cold reader', () => {
    const trust = new ReadTrust();
    for (let i = 1; i <= 20_000; i++) {
      expect(trust.isWarm).toBe(false);
      trust.noteRead(PIECE, i % 40 === 0 ? 4 : 0.2);
    }
  });

  test('lets everybody wait a few times only where more is read ahead than that', () => {
    const trust = new ReadTrust();
    let waits = 0;
    for (let i = 1; i <= 50_000; i++) {
      const isSlow = i % 100 === 0;
      if (isSlow && trust.isWarm) waits++;
      trust.noteRead(PIECE, isSlow ? 4 : 0.2);
    }
    expect(waits).toBeGreaterThan(0);
    expect(waits).toBeLessThan(6);
  });

  test('forgives when the reader has been in the page cache for long', () => {
    const trust = new ReadTrust();
    for (let i = 0; i < 3; i++) {
      read(trust, 10_000, 0.1);
      read(trust, 1, 4);
    }
    read(trust, 128, 0.1);
    expect(trust.isWarm).toBe(true);
  });
});

/** When a reader of old records is trusted to find them in the page cache, and how often that may go wrong. */

import { describe, expect, test } from 'vitest';
import { ReadHint } from './fetch-part.ts';

function read(hint: ReadHint, count: number, tookMs: number): void {
  for (let i = 0; i < count; i++) hint.noteRead(tookMs);
}

describe('a read hint', () => {
  test('trusts after many fast reads, and not after a slow one for many', () => {
    const hint = new ReadHint();
    expect(hint.isWarm).toBe(false);
    read(hint, 63, 0.1);
    expect(hint.isWarm).toBe(false);
    read(hint, 1, 0.1);
    expect(hint.isWarm).toBe(true);
    read(hint, 1, 5);
    read(hint, 123, 0.1);
    expect(hint.isWarm).toBe(false);
    read(hint, 1, 0.1);
    expect(hint.isWarm).toBe(true);
  });

  test('does not take for memory what the kernel reads ahead of a cold reader', () => {
    const hint = new ReadHint();
    for (let i = 1; i <= 20_000; i++) {
      expect(hint.isWarm).toBe(false);
      hint.noteRead(i % 40 === 0 ? 4 : 0.2);
    }
  });

  test('lets everybody wait a few times only where more is read ahead than that', () => {
    const hint = new ReadHint();
    let waits = 0;
    for (let i = 1; i <= 50_000; i++) {
      const isSlow = i % 100 === 0;
      if (isSlow && hint.isWarm) waits++;
      hint.noteRead(isSlow ? 4 : 0.2);
    }
    expect(waits).toBeGreaterThan(0);
    expect(waits).toBeLessThan(6);
  });

  test('forgives when the reader has been in the page cache for long', () => {
    const hint = new ReadHint();
    for (let i = 0; i < 3; i++) {
      read(hint, 10_000, 0.1);
      read(hint, 1, 4);
    }
    read(hint, 124, 0.1);
    expect(hint.isWarm).toBe(true);
  });
});

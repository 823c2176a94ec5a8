import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';

test('backoff: pauses double up to the longest, and start over after a success', () => {
  const backoff = new Backoff({ firstMs: 50, longestMs: 300, random: () => 0.5 });
  const take = (count: number): number[] => Array.from({ length: count }, () => backoff.nextMs());
  expect(take(5)).toEqual([50, 100, 200, 300, 300]);
  expect(backoff.attempts).toBe(5);
  backoff.reset();
  expect(take(1)).toEqual([50]);
});

test('backoff: chance moves a pause by at most a fifth', () => {
  expect(new Backoff({ firstMs: 100, longestMs: 1000, random: () => 0 }).nextMs()).toBeCloseTo(80);
  expect(new Backoff({ firstMs: 100, longestMs: 1000, random: () => 1 }).nextMs()).toBeCloseTo(120);
});

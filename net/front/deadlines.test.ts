/** Deadlines against a sorted list, on a clock of the test's own. */

import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Deadlines, type Waiting } from './deadlines.ts';

class Wait implements Waiting {
  deadlineMs: number;
  heapIndex = -1;

  constructor(deadlineMs: number) {
    this.deadlineMs = deadlineMs;
  }
}

describe('deadlines', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('expire in their order, those removed never, none before its time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 300 }), isRemoved: fc.boolean() })),
        (given) => {
          vi.useFakeTimers();
          const startMs = Date.now();
          const expired: Wait[] = [];
          const now = () => Date.now() - startMs;
          const deadlines = new Deadlines<Wait>(now, (wait) => {
            expect(now()).toBeGreaterThanOrEqual(wait.deadlineMs - 0.25);
            expired.push(wait);
          });
          const waits = given.map(({ atMs }) => new Wait(atMs));
          for (const wait of waits) deadlines.add(wait);
          for (const [index, wait] of waits.entries()) {
            if (given[index]!.isRemoved) deadlines.remove(wait);
          }
          vi.advanceTimersByTime(400);
          const kept = waits.filter((_, index) => !given[index]!.isRemoved);
          expect(expired.length).toBe(kept.length);
          const order = expired.map((wait) => wait.deadlineMs);
          expect(order).toEqual([...order].sort((a, b) => a - b));
          expect(deadlines.size).toBe(0);
          deadlines.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a deadline before the one that is armed is met first', () => {
    vi.useFakeTimers();
    const startMs = Date.now();
    const expired: number[] = [];
    const deadlines = new Deadlines<Wait>(
      () => Date.now() - startMs,
      (wait) => expired.push(wait.deadlineMs),
    );
    deadlines.add(new Wait(100));
    deadlines.add(new Wait(10));
    vi.advanceTimersByTime(50);
    expect(expired).toEqual([10]);
    vi.advanceTimersByTime(50);
    expect(expired).toEqual([10, 100]);
    deadlines.close();
  });

  test('closed, it arms nothing and forgets who waited', () => {
    vi.useFakeTimers();
    const deadlines = new Deadlines<Wait>(
      () => 0,
      () => expect.unreachable(),
    );
    const wait = new Wait(10);
    deadlines.add(wait);
    deadlines.close();
    expect(vi.getTimerCount()).toBe(0);
    deadlines.remove(wait);
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareOpenFiles } from './open-files.ts';

test('all threads together stay below the total, and each may open at least one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000_000 }),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 31 }),
      (total, shards, clients) => {
        const { writing, reading, direct } = shareOpenFiles(total, shards, clients);
        const all = writing * shards + (reading + direct) * clients;
        // Fewer are not enough for one each.
        if (total >= 6 * Math.max(shards, clients)) expect(all).toBeLessThanOrEqual(total);
        expect(Math.min(writing, reading, direct)).toBeGreaterThan(0);
      },
    ),
  );
  expect(shareOpenFiles(Number.POSITIVE_INFINITY, 64, 31)).toEqual({
    writing: 4096,
    reading: 512,
    direct: 256,
  });
});

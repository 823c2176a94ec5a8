/** Every fuzz target in a tenth of a smoke run, and every canary. */

import { describe, expect, test } from 'vitest';
import { registry, SMOKE_SEED } from './registry.ts';

describe.each(registry)('fuzz target $target.name', ({ target, smokeEvents }) => {
  const eventsMax = Math.max(20, Math.ceil(smokeEvents / 10));

  test('finds nothing', async () => {
    await target.run({ seed: SMOKE_SEED, eventsMax });
  });

  test('finds a planted defect', async () => {
    await expect(target.run({ seed: SMOKE_SEED, eventsMax, isCanary: true })).rejects.toThrow();
  });
});

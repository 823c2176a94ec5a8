/** Every case of the format bench runs. */

import { expect, test } from 'vitest';
import { cases } from './format.bench.ts';

test('format bench: every case runs', () => {
  for (const { run } of cases) run();
  expect(cases.length).toBeGreaterThan(50);
});

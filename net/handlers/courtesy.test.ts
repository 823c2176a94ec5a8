/** Whose Produce requests make a front careful, and for how long. */

import { expect, test } from 'vitest';
import { SMALL_PRODUCE_BYTES_MAX, SMALL_PRODUCE_MS_MAX } from '../../engine/base/limits.ts';
import { Courtesy } from './courtesy.ts';

test('is due for a while after a small Produce request, and not after a large one', () => {
  const courtesy = new Courtesy();
  expect(courtesy.isDue(0)).toBe(false);
  courtesy.noteProduce(SMALL_PRODUCE_BYTES_MAX + 1, 5);
  expect(courtesy.isDue(5)).toBe(false);
  courtesy.noteProduce(SMALL_PRODUCE_BYTES_MAX, 10);
  expect(courtesy.isDue(10)).toBe(true);
  courtesy.noteProduce(SMALL_PRODUCE_BYTES_MAX + 1, 20);
  expect(courtesy.isDue(10 + SMALL_PRODUCE_MS_MAX)).toBe(true);
  expect(courtesy.isDue(11 + SMALL_PRODUCE_MS_MAX)).toBe(false);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { getInt53, putInt53 } from './append-records.ts';

test('append records: any safe integer survives two words', () => {
  const words = new Int32Array(4);
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      putInt53(words, 1, value);
      expect(getInt53(words, 1)).toBe(value);
    }),
  );
  putInt53(words, 1, -1);
  expect([...words]).toEqual([0, -1, -1, 0]);
});

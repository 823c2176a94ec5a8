/** 64-bit integers as doubles. */

import { expect, test } from 'vitest';
import { formatInt64, formatInt64Sum, getInt64, setInt64 } from './int64.ts';

const view = new DataView(new ArrayBuffer(24));

test('int64: every exact double is written and read as BigInt does', () => {
  const values = [0, 1, -1, 255, -256, 2 ** 31, -(2 ** 31), 2 ** 32 - 1, 2 ** 32, -(2 ** 32) - 1];
  values.push(2 ** 53, -(2 ** 53), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 62);
  for (const value of values) {
    setInt64(view, 3, value);
    expect(view.getBigInt64(3)).toBe(BigInt(value));
    expect(getInt64(view, 3)).toBe(value);
    expect(formatInt64(view, 3)).toBe(String(BigInt(value)));
  }
});

test('int64: what lies outside the range becomes its nearest end', () => {
  for (const value of [2 ** 63, 2 ** 64, Number.POSITIVE_INFINITY]) {
    setInt64(view, 0, value);
    expect(view.getBigInt64(0)).toBe(2n ** 63n - 1n);
    expect(getInt64(view, 0)).toBe(2 ** 63);
  }
  for (const value of [-(2 ** 63), -(2 ** 70), Number.NEGATIVE_INFINITY]) {
    setInt64(view, 0, value);
    expect(view.getBigInt64(0)).toBe(-(2n ** 63n));
    expect(getInt64(view, 0)).toBe(-(2 ** 63));
  }
});

test('int64: sums are written as Java computes them', () => {
  expect(formatInt64Sum(1795372276788, 3600000)).toBe('1795375876788');
  expect(formatInt64Sum(1795372276788, Number.NEGATIVE_INFINITY)).toBe('-9223370241482499019');
  expect(formatInt64Sum(1, Number.POSITIVE_INFINITY)).toBe('-9223372036854775808');
});

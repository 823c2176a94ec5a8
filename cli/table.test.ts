import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

test('table: columns are as wide as their widest cell, numbers stand to the right', () => {
  const rows = [
    ['orders', '12', ''],
    ['x', '3', 'yes'],
  ];
  expect(formatTable(['name', 'size', 'flag'], rows)).toBe(
    ['name    size  flag', 'orders    12', 'x          3  yes', ''].join('\n'),
  );
});

test('table: without rows there is the header', () => {
  expect(formatTable(['a', 'b'], [])).toBe('a  b\n');
});

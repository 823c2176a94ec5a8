import { expect, test } from 'vitest';
import {
  parseCount,
  parseEscaped,
  parsePairs,
  parsePartitions,
  parsePosition,
  parseSize,
} from './values.ts';

const nowMs = Date.UTC(2026, 0, 31, 12);

test.each([
  ['beginning', 'beginning'],
  ['earliest', 'beginning'],
  ['end', 'end'],
  ['latest', 'end'],
  ['0', { offset: 0 }],
  ['123456789012', { offset: 123456789012 }],
  ['-100', { offset: -100 }],
  ['90s', { timestampMs: nowMs - 90_000 }],
  ['15m', { timestampMs: nowMs - 900_000 }],
  ['2h', { timestampMs: nowMs - 7_200_000 }],
  ['1d', { timestampMs: nowMs - 86_400_000 }],
  ['@1769868000000', { timestampMs: 1769868000000 }],
  ['2026-01-31T10:00:00Z', { timestampMs: nowMs - 7_200_000 }],
  ['2026-01-31T12:00+02:00', { timestampMs: nowMs - 7_200_000 }],
  ['2026-01-31 10:00:00Z', { timestampMs: nowMs - 7_200_000 }],
  ['2026-01-31', { timestampMs: new Date(2026, 0, 31).getTime() }],
  ['2026-01-31T14:00', { timestampMs: new Date(2026, 0, 31, 14).getTime() }],
])('values: %j is a place', (text, position) => {
  expect(parsePosition(text, '--from', nowMs)).toEqual(position);
});

test.each(['', 'soon', '1.5', '2026-99-01', '15 m', '--1', '@x', '1h30m'])(
  'values: %j is no place, and the line says so',
  (text) => {
    expect(() => parsePosition(text, '--from', nowMs)).toThrow(`--from: beginning, end,`);
    expect(() => parsePosition(text, '--from', nowMs)).toThrow(`not '${text}'`);
  },
);

test.each([
  ['0', 0],
  ['1024', 1024],
  ['64k', 65_536],
  ['1M', 1_048_576],
  ['2GiB', 2_147_483_648],
])('values: %j is a size', (text, bytes) => {
  expect(parseSize(text, '--buffer')).toBe(bytes);
});

test.each(['', 'k', '1.5m', '-1', '1t'])('values: %j is no size', (text) => {
  expect(() => parseSize(text, '--buffer')).toThrow(`--buffer: a size such as`);
});

test('values: counts are whole numbers from a least one on', () => {
  expect(parseCount('12', '--max')).toBe(12);
  for (const text of ['', '-1', '1.0', '1e3', '99999999999999999999', 'x']) {
    expect(() => parseCount(text, '--max')).toThrow(`not '${text}'`);
  }
  expect(() => parseCount('0', '--partitions', 1)).toThrow('at least 1');
});

test('values: a list of partitions has ranges, and each partition once', () => {
  expect(parsePartitions('3,0-2,2,7')).toEqual([0, 1, 2, 3, 7]);
  for (const text of ['', '1,', 'a', '3-1', '-1', '0-9999999']) {
    expect(() => parsePartitions(text)).toThrow(`not '${text}'`);
  }
});

test('values: pairs may have more signs of equality in the value', () => {
  expect(parsePairs(['a=1', 'b=x=y', 'c='], '--config')).toEqual({ a: '1', b: 'x=y', c: '' });
  expect(() => parsePairs(['=x'], '--config')).toThrow("not '=x'");
});

test.each([
  ['\\n', '\n'],
  ['\\t|\\0', '\t|\0'],
  ['\\x1f\\x41', '\x1fA'],
  ['\\\\n', '\\n'],
  ['a\\qb', 'a\\qb'],
  ['π\\', 'π\\'],
  ['', ''],
])('values: %j with escapes', (text, plain) => {
  expect(parseEscaped(text).toString()).toBe(plain);
});

import { expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRoughly,
  progressBar,
  progressText,
} from './progress.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [1_234_567, '1.23 MB'],
  [999_600, '1 MB'],
  [123_456_789_012, '123 GB'],
])('progress: %i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [850, '850 ms'],
  [4100, '4.1 s'],
  [192_000, '3 min 12 s'],
  [7_500_000, '2 h 5 min'],
])('progress: %i ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('progress: a known end gives a bar, a share and the time left', () => {
  const state = { records: 12_345, bytes: 250_000_000, totalBytes: 1_000_000_000 };
  expect(progressBar(state)).toBe('[###---------] ');
  expect(progressText(state, 50_000_000)).toBe(
    '25 %  250 MB of 1 GB  12.3 k records  50 MB/s  15.0 s left',
  );
});

test('progress: an unknown end gives neither', () => {
  const state = { records: 1, bytes: 10, totalBytes: null };
  expect(progressBar(state)).toBe('');
  expect(progressText(state, 0)).toBe('10 B  1 records  0 B/s');
});

test('progress: an input that grew is at most all of it', () => {
  const state = { records: 1, bytes: 300, totalBytes: 200 };
  expect(progressBar(state)).toBe(`[${'#'.repeat(12)}] `);
  expect(progressText(state, 1)).toContain('100 %');
});

test.each([
  [0, '0'],
  [9999, '9999'],
  [12_345, '12.3 k'],
  [999_499, '999 k'],
  [999_500, '1 M'],
  [1_234_567_890, '1230 M'],
])('progress: %i is roughly %s', (count, text) => {
  expect(formatRoughly(count)).toBe(text);
});

test('progress: counts have separators', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
});

/** The checksums that the real-stream check stands on. */

import { expect, test } from 'vitest';
import { LineSums, PartitionedSums } from './line-sums.ts';

function digestOf(text: string, pieceBytes = 1 << 20): string {
  const sums = new LineSums();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes)
    sums.add(bytes.subarray(at, at + pieceBytes));
  return sums.digest();
}

test('the order of lines does not count, and how they are cut into pieces does not either', () => {
  expect(digestOf('a\nbc\ndef\n')).toBe(digestOf('def\na\nbc\n'));
  expect(digestOf('a\nbc\ndef\n', 2)).toBe(digestOf('a\nbc\ndef\n'));
});

test('a changed, doubled, lost or torn line shows', () => {
  const whole = digestOf('one\ntwo\nthree\n');
  for (const other of ['one\ntwo\nthreE\n', 'one\ntwo\ntwo\n', 'one\ntwo\n', 'onet\nwo\nthree\n']) {
    expect(digestOf(other)).not.toBe(whole);
  }
});

test('lines of several partitions add up to the lines without them', () => {
  const sums = new PartitionedSums(12);
  const bytes = Buffer.from('0\tone\n11\ttwo\n0\tthree\twith a tab\n');
  for (const byte of bytes) sums.add(Uint8Array.of(byte));
  expect(sums.total()).toBe(digestOf('two\nthree\twith a tab\none\n'));
  expect(sums.byPartition()[11]).toBe(digestOf('two\n'));
});

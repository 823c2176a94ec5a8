import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { murmur2, partitionForKey } from './murmur2.ts';

// Key, hash and partition of 12 as Apache Kafka 4.3.1 computes them.
const rows = readFileSync(new URL('./fixtures/murmur2.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.split('\t'));

test.each(rows)(
  'murmur2: key %j hashes to %s and goes to partition %s of 12',
  (key, hash, partition) => {
    const bytes = Buffer.from(key!);
    expect(murmur2(bytes)).toBe(Number(hash));
    expect(partitionForKey(bytes, 0, bytes.length, 12)).toBe(Number(partition));
  },
);

test('murmur2: a slice hashes like the same bytes alone', () => {
  const bytes = Buffer.from('xxabcdefgyy');
  expect(murmur2(bytes, 2, 9)).toBe(murmur2(Buffer.from('abcdefg')));
});

/** The golden batches that come with the repository, and what the checker says about bad ones. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkGoldenBatches, GOLDEN_BATCHES_FILE, parseGoldenBatches } from './golden-batches.ts';

const text = readFileSync(GOLDEN_BATCHES_FILE, 'utf8');
const rows = text.split('\n');

describe('golden batches', () => {
  test('all of them decode to their JSON and encode back', () => {
    const outcome = checkGoldenBatches(parseGoldenBatches(text));
    expect(outcome).toEqual({ passed: 62, failures: [] });
  });

  test('a changed byte or value anywhere is a failure of one line', () => {
    const [hex, json] = rows[0]!.split('\t') as [string, string];
    const changed = [
      ['leaderEpoch', hex, json.replace('"leaderEpoch":0', '"leaderEpoch":1')],
      ['timestamp', hex, json.replace(/"timestamp":\d+/, '"timestamp":5')],
      ['headers', hex, json.replace('"headers":[]', '"headers":[["a",null]]')],
      ['key', hex, json.replace('"key":""', '"key":null')],
      ['the batch length', hex.slice(0, -2), json],
      ['checksum', `${hex.slice(0, -4)}ffff`, json],
    ] as const;
    for (const [word, badHex, badJson] of changed) {
      const outcome = checkGoldenBatches(parseGoldenBatches(`${badHex}\t${badJson}\n`));
      expect(outcome.passed).toBe(0);
      expect(outcome.failures).toHaveLength(1);
      expect(outcome.failures[0]).toMatch(new RegExp(`^line 1: .*${word}.*$`));
    }
  });

  test('a file of another form is refused with the line that is wrong', () => {
    expect(() => parseGoldenBatches('')).toThrow('holds no batches');
    expect(() => parseGoldenBatches('\n00')).toThrow('line 2: has 1 columns instead of 2');
    expect(() => parseGoldenBatches('0x\t{}')).toThrow('line 1: the first column is not hex');
    expect(() => parseGoldenBatches('00\t{')).toThrow('line 1: the second column is not JSON');
    expect(() => parseGoldenBatches('00\t{"codec":"none"}')).toThrow('line 1: the JSON describes');
  });
});

/** The golden messages that come with the repository, and what the checker says about bad ones. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { FetchRequest, FetchResponse } from '../../net/wire/api/fetch.ts';
import type { ProduceResponse } from '../../net/wire/api/produce.ts';
import {
  fetchRequestOf,
  fetchResponseBytes,
  produceRequestOf,
  produceResponseBytes,
} from '../../net/wire/hot/as-messages.ts';
import { Reader } from '../../net/wire/reader.ts';
import { allMessages } from '../../net/wire/registry.ts';
import { checkGolden, GOLDEN_FILE, main, parseGolden } from './golden-messages.ts';

describe('golden messages', () => {
  test('all of them decode to their JSON and encode back to their bytes', async () => {
    const outcome = await checkGolden(parseGolden(readFileSync(GOLDEN_FILE, 'utf8')));
    expect(outcome.failures).toEqual([]);
    expect(outcome.passed).toBe(1250);
  });

  test('the hot codecs read and write those of Produce and Fetch alike', async () => {
    const codecs = new Map((await allMessages()).map((codec) => [codec.name, codec]));
    let checked = 0;
    for (const { name, version, hex } of parseGolden(readFileSync(GOLDEN_FILE, 'utf8'))) {
      const bytes = Buffer.from(hex, 'hex');
      const value = codecs.get(name)!.read(new Reader(bytes), version);
      if (name === 'ProduceRequest') {
        expect(produceRequestOf(bytes, version)).toEqual(value);
      } else if (name === 'FetchRequest') {
        const expected = { ...(value as FetchRequest), clusterId: null };
        expect(fetchRequestOf(bytes, version)).toEqual(expected);
      } else if (name === 'ProduceResponse') {
        expect(produceResponseBytes(value as ProduceResponse, version).toString('hex')).toBe(hex);
      } else if (name === 'FetchResponse') {
        expect(fetchResponseBytes(value as FetchResponse, version).toString('hex')).toBe(hex);
      } else continue;
      checked++;
    }
    expect(checked).toBe(2 * (11 + 15) * 2);
  });

  test('a changed byte, a changed value and an unknown message are failures, one line each', async () => {
    const text = [
      'ResponseHeader\t0\t21893f9d\t{"correlationId":562642844}',
      'EndTxnMarker\t0\t00000001\t{"coordinatorEpoch":2}',
      'ResponseHeader\t0\t21893f9c00\t{"correlationId":562642844}',
      'ResponseHeader\t0\t21893f\t{"correlationId":562642844}',
      'ResponseHeader\t7\t21893f9c\t{"correlationId":562642844}',
      'ResponseHeader\t0\t21893f9c\t{"correlation":562642844}',
      'ResponseHeader\t0\t21893f9c\t{}',
      'Nonsense\t0\t00\t{}',
      'ResponseHeader\t0\t21893f9c\t{"correlationId":562642844}',
    ].join('\n');
    const outcome = await checkGolden(parseGolden(text));
    expect(outcome.passed).toBe(1);
    expect(outcome.failures).toHaveLength(8);
    expect(outcome.failures[0]).toBe(
      'line 1: ResponseHeader v0: decodes to something else: correlationId is 562642845, not 562642844',
    );
    for (const failure of outcome.failures) expect(failure).not.toContain('\n');
  });

  test('the command says what is wrong in one line and by its exit code', async () => {
    const out = vi.spyOn(console, 'log').mockImplementation(() => {});
    const err = vi.spyOn(console, 'error').mockImplementation(() => {});
    const directory = mkdtempSync(join(tmpdir(), 'golden-'));
    try {
      const file = join(directory, 'messages.tsv');
      writeFileSync(file, 'EndTxnMarker\t0\t00000001\t{"coordinatorEpoch":1}\n');
      expect(await main(file)).toBe(0);
      expect(out.mock.calls).toEqual([['1 passed, 0 failed']]);
      writeFileSync(file, 'EndTxnMarker\t0\t00000001\t{"coordinatorEpoch":2}\n');
      expect(await main(file)).toBe(1);
      expect(out.mock.lastCall).toEqual(['0 passed, 1 failed']);
      writeFileSync(file, 'EndTxnMarker 0 00000001 {}\n');
      expect(await main(file)).toBe(2);
      expect(err.mock.lastCall![0]).toMatch(/^golden: .*messages\.tsv: line 1: has 1 columns/);
      expect(await main(join(directory, 'missing.tsv'))).toBe(2);
      expect(err).toHaveBeenCalledTimes(2);
    } finally {
      vi.restoreAllMocks();
      rmSync(directory, { recursive: true });
    }
  });

  test('a file of another form is refused with the line that is wrong', () => {
    expect(() => parseGolden('')).toThrow('holds no messages');
    expect(() => parseGolden('\nResponseHeader\t0\t00')).toThrow('line 2: has 3 columns');
    expect(() => parseGolden('A\tx\t00\t{}')).toThrow("line 1: 'x' is not a version");
    expect(() => parseGolden('A\t0\t0\t{}')).toThrow('line 1: the third column is not hex');
    expect(() => parseGolden('A\t0\t00\t{')).toThrow('line 1: the fourth column is not JSON');
  });
});

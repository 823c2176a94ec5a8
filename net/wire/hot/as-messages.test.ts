/**
 * The hot codecs against the schema codecs, for random values of every version: requests read in place say what the
 * schema says, responses written piece by piece have its bytes and the sizes announced before.
 */

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '../../../engine/base/prng.ts';
import { type FetchRequest, fetchRequest, fetchResponse } from '../api/fetch.ts';
import { produceRequest, produceResponse } from '../api/produce.ts';
import type { MessageCodec } from '../message.ts';
import { randomValue } from '../random-values.ts';
import { Writer } from '../writer.ts';
import {
  fetchRequestOf,
  fetchResponseBytes,
  produceRequestOf,
  produceResponseBytes,
} from './as-messages.ts';

const RUNS = { numRuns: 400 };

function versionsOf(message: MessageCodec): fc.Arbitrary<number> {
  const [min, max] = message.versions;
  return fc.integer({ min, max });
}

function encode<T, I>(message: MessageCodec<T, I>, value: I, version: number): Buffer {
  const writer = new Writer();
  message.write(writer, value, version);
  return writer.copy();
}

describe('hot codecs', () => {
  test('a Produce request walked in place holds what the schema codec wrote', () => {
    fc.assert(
      fc.property(versionsOf(produceRequest), fc.integer(), (version, seed) => {
        const value = randomValue(produceRequest, version, new Prng(seed));
        const bytes = encode(produceRequest, value, version);
        expect(isDeepStrictEqual(produceRequestOf(bytes, version), value)).toBe(true);
      }),
      RUNS,
    );
  });

  test('a Fetch request read in place holds what the schema codec wrote', () => {
    fc.assert(
      fc.property(versionsOf(fetchRequest), fc.integer(), (version, seed) => {
        const value: FetchRequest = randomValue(fetchRequest, version, new Prng(seed));
        const bytes = encode(fetchRequest, value, version);
        const expected = { ...value, clusterId: null };
        expect(isDeepStrictEqual(fetchRequestOf(bytes, version), expected)).toBe(true);
      }),
      RUNS,
    );
  });

  test('a Produce response has the bytes of the schema codec and the size announced', () => {
    fc.assert(
      fc.property(versionsOf(produceResponse), fc.integer(), (version, seed) => {
        const value = randomValue(produceResponse, version, new Prng(seed));
        const expected = encode(produceResponse, value, version);
        expect(produceResponseBytes(value, version).equals(expected)).toBe(true);
      }),
      RUNS,
    );
  });

  test('a Fetch response has the bytes of the schema codec and the size announced', () => {
    fc.assert(
      fc.property(versionsOf(fetchResponse), fc.integer(), (version, seed) => {
        const value = randomValue(fetchResponse, version, new Prng(seed));
        const expected = encode(fetchResponse, value, version);
        expect(fetchResponseBytes(value, version).equals(expected)).toBe(true);
      }),
      RUNS,
    );
  });
});

/** The small parts of the base: errors, error codes, clock, random numbers, UUIDs. */

import { describe, expect, test } from 'vitest';
import { AssertionFailed, assert } from './assert.ts';
import { ManualClock, systemClock } from './clock.ts';
import { ErrorCode, errorName, isRetriable } from './error-codes.ts';
import { isMillraceError, MillraceError, messageOf } from './errors.ts';
import { Prng } from './prng.ts';
import { ONE_UUID, randomUuid, uuidFromBytes, uuidToBytes, ZERO_UUID } from './uuid.ts';

describe('errors', () => {
  test('carry a code, typed data and a cause', () => {
    const error = new MillraceError('disk-full', 'no space', { path: '/x' }, new Error('ENOSPC'));
    expect(isMillraceError(error, 'disk-full')).toBe(true);
    expect(isMillraceError(error, 'io')).toBe(false);
    expect(error.data.path).toBe('/x');
    expect(messageOf(error.cause)).toBe('ENOSPC');
    expect(messageOf('plain')).toBe('plain');
  });

  test('assert throws only when the condition does not hold', () => {
    assert(1, 'never');
    expect(() => assert(0, 'offsets rise')).toThrow(AssertionFailed);
    expect(() => assert(null, 'offsets rise')).toThrow('offsets rise');
  });

  test('error codes have names, numbers and a word on retrying', () => {
    expect(ErrorCode.CORRUPT_MESSAGE).toBe(2);
    expect(errorName(-1)).toBe('UNKNOWN_SERVER_ERROR');
    expect(errorName(87)).toBe('INVALID_RECORD');
    expect(errorName(9999)).toBe('UNKNOWN(9999)');
    expect(isRetriable(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toBe(true);
    expect(isRetriable(ErrorCode.MESSAGE_TOO_LARGE)).toBe(false);
    expect(Object.keys(ErrorCode)).toHaveLength(135);
  });
});

test('clock: a manual one stands still until moved, and only its wall clock goes back', () => {
  const clock = new ManualClock(1000);
  clock.advance(5);
  clock.setNow(10);
  expect([clock.now(), clock.monotonic()]).toEqual([10, 5]);
  expect(Number.isInteger(systemClock.now())).toBe(true);
  expect(systemClock.monotonic()).toBeGreaterThan(0);
});

describe('prng', () => {
  test('the same seed gives the same sequence, another seed another', () => {
    const draw = (seed: number) => {
      const prng = new Prng(seed);
      return Array.from({ length: 8 }, () => prng.uint32());
    };
    expect(draw(42)).toEqual(draw(42));
    expect(draw(42)).not.toEqual(draw(43));
  });

  test('draws are within their bounds and reach all of them', () => {
    const prng = new Prng(7);
    const seen = new Set<number>();
    for (let index = 0; index < 1000; index++) seen.add(prng.between(-2, 2));
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    expect(prng.chance(0)).toBe(false);
    expect(prng.chance(1)).toBe(true);
    expect(['a', 'b']).toContain(prng.pick(['a', 'b']));
    const bytes = new Uint8Array(64);
    prng.fill(bytes);
    expect(new Set(bytes).size).toBeGreaterThan(30);
  });
});

describe('uuid', () => {
  test('16 bytes and 22 characters are two forms of one thing', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 17);
    expect(uuidToBytes(uuidFromBytes(bytes))).toEqual(bytes);
    expect(uuidFromBytes(new Uint8Array(20), 4)).toBe(ZERO_UUID);
    expect([...uuidToBytes(ONE_UUID)].at(-1)).toBe(1);
  });

  test('anything else is refused', () => {
    for (const text of [
      '',
      'abc',
      `${ZERO_UUID}A`,
      '!!!!!!!!!!!!!!!!!!!!!!',
      `${ZERO_UUID}AAAAAA`,
    ]) {
      expect(() => uuidToBytes(text)).toThrow('not a uuid');
    }
  });

  test('random ones are version 4 and never start with a dash', () => {
    const prng = new Prng(1);
    for (let index = 0; index < 500; index++) {
      const text = randomUuid((bytes) => prng.fill(bytes));
      expect(text).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
      const bytes = uuidToBytes(text);
      expect([bytes[6]! >> 4, bytes[8]! >> 6]).toEqual([4, 2]);
    }
  });
});

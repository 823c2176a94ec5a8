import { expect, test } from 'vitest';
import { ShardLock } from './shard-lock.ts';

test('shard lock: one holder at a time, free again after release', () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const lock = new ShardLock(words, 1);
  lock.acquire();
  expect(lock.tryAcquire()).toBe(false);
  lock.release();
  expect(lock.tryAcquire()).toBe(true);
  expect(lock.tryAcquire()).toBe(false);
  lock.release();
  expect(words[1]).toBe(0);
});

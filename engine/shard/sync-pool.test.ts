import { expect, test } from 'vitest';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { SyncPool } from './sync-pool.ts';

test('sync pool: without helpers the caller does all the work, round after round', () => {
  const fs = new MemoryFileSystem();
  const synced: number[] = [];
  let started = 0;
  fs.sync = (fd) => {
    if (fd === 13) throw new Error('disk says no');
    synced.push(fd);
  };
  const pool = new SyncPool(fs, { count: 2, start: () => started++ });
  expect([...pool.sync([11, 12, 13, 14])]).toEqual([0, 0, 1, 0]);
  expect([...pool.sync([21, 22])]).toEqual([0, 0]);
  expect(synced.toSorted()).toEqual([11, 12, 14, 21, 22]);
  expect(started).toBe(2);
});

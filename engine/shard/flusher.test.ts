import { expect, test } from 'vitest';
import { FLUSHES_AT_ONCE } from '../base/limits.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { Flusher } from './flusher.ts';
import type { FlushFailure } from './messages.ts';

test('flusher: syncs every file once, a few at a time, and reports each order', async () => {
  const fs = new MemoryFileSystem();
  fs.mkdir('/d');
  for (let i = 0; i < 10; i++) fs.close(fs.open(`/d/${i}`, 'create'));
  let underWay = 0;
  let most = 0;
  let syncs = 0;
  fs.syncAsync = async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay--;
    syncs++;
  };
  const flusher = new Flusher(fs);
  const done: (FlushFailure | null)[] = [];
  for (let i = 0; i < 10; i++) {
    flusher.add({ paths: [`/d/${i}`], directory: null, onDone: (failure) => done.push(failure) });
  }
  await flusher.idle();
  expect(done).toEqual(new Array(10).fill(null));
  expect(syncs).toBe(10);
  expect(most).toBe(FLUSHES_AT_ONCE);
});

test('flusher: a file that is gone needs no flush, a failing disk is reported', async () => {
  const fs = new MemoryFileSystem();
  fs.mkdir('/d');
  fs.close(fs.open('/d/a', 'create'));
  const seen: (FlushFailure | null)[] = [];
  const flusher = new Flusher(fs);
  flusher.add({ paths: ['/d/gone'], directory: null, onDone: (failure) => seen.push(failure) });
  await flusher.idle();
  fs.syncAsync = () => Promise.reject(new Error('disk says no'));
  flusher.add({ paths: ['/d/a'], directory: null, onDone: (failure) => seen.push(failure) });
  await flusher.idle();
  expect(seen).toEqual([null, { message: 'disk says no', isInDoubt: true }]);
});

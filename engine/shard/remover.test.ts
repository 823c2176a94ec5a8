import { expect, test } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { Remover } from './remover.ts';

function create() {
  const fs = new MemoryFileSystem();
  fs.mkdir('/data/t-0.x-delete');
  fs.close(fs.open('/data/t-0.x-delete/00.log', 'create'));
  fs.close(fs.open('/data/00.log.deleted', 'create'));
  const lines: string[] = [];
  const clock = new ManualClock(1000);
  return { fs, lines, remover: new Remover(fs, clock, (line) => lines.push(line)) };
}

test('remover: finish removes files and directories whose time has not come', async () => {
  const { fs, lines, remover } = create();
  remover.add('/data/t-0.x-delete', 61_000);
  remover.add('/data/00.log.deleted', 61_000);
  remover.add('/data/never-there', 61_000);
  expect(fs.readdir('/data').length).toBe(2);
  await remover.finish();
  expect(fs.readdir('/data')).toEqual([]);
  expect(lines).toEqual([]);
});

test('remover: what is due goes without being asked, what is not stays', async () => {
  const { fs, remover } = create();
  remover.add('/data/00.log.deleted', 61_000);
  remover.add('/data/t-0.x-delete', 1000);
  while (fs.exists('/data/t-0.x-delete')) await new Promise((resolve) => setImmediate(resolve));
  expect(fs.readdir('/data')).toEqual(['00.log.deleted']);
  await remover.finish();
});

test('remover: nothing is removed by a call that holds up its thread', async () => {
  const { fs, lines, remover } = create();
  const { unlink, rmdir } = fs;
  const calls: string[] = [];
  fs.unlinkAsync = async (path) => {
    calls.push(path);
    unlink.call(fs, path);
  };
  fs.rmdirAsync = async (path) => {
    calls.push(path);
    rmdir.call(fs, path);
  };
  fs.unlink = fs.rmdir = (path) => {
    throw new Error(`${path} removed at once`);
  };
  remover.add('/data/t-0.x-delete', 1000);
  remover.add('/data/00.log.deleted', 1000);
  await remover.finish();
  expect(calls).toEqual([
    '/data/t-0.x-delete/00.log',
    '/data/t-0.x-delete',
    '/data/00.log.deleted',
  ]);
  expect([fs.readdir('/data'), lines]).toEqual([[], []]);
});

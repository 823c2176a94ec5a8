import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FaultyFileSystem } from './faulty-file-system.ts';
import { type FileErrorCode, type FileSystem, isFileError } from './file-system.ts';
import { MemoryFileSystem } from './memory-file-system.ts';
import { kernelBootId, openFilesLimit, realFileSystem } from './real-file-system.ts';

const scratch = mkdtempSync(join(tmpdir(), 'millrace-io-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function codeOf(action: () => unknown): FileErrorCode | 'none' | 'other' {
  try {
    action();
    return 'none';
  } catch (error) {
    return isFileError(error) ? error.code : 'other';
  }
}

const systems: [string, FileSystem, string][] = [
  ['real', realFileSystem, scratch],
  ['in memory', new MemoryFileSystem(), '/m'],
  ['faulty', new FaultyFileSystem(() => 0), '/f'],
];

describe.each(systems)('file system: %s', (_name, fs, root) => {
  test('writes and reads at positions, sparse in between, and cuts and extends with zeros', () => {
    fs.mkdir(`${root}/a/b`);
    const fd = fs.open(`${root}/a/b/file`, 'create');
    fs.pwrite(fd, Buffer.from('xxhelloxx'), 2, 5, 40_000);
    expect(fs.size(fd)).toBe(40_005);
    const bytes = Buffer.alloc(10, 7);
    expect(fs.pread(fd, bytes, 1, 8, 39_998)).toBe(7);
    expect([...bytes]).toEqual([7, 0, 0, 104, 101, 108, 108, 111, 7, 7]);
    expect(fs.pread(fd, bytes, 0, 10, 50_000)).toBe(0);
    fs.truncate(fd, 40_002);
    fs.truncate(fd, 40_010);
    expect(fs.pread(fd, bytes, 0, 10, 40_000)).toBe(10);
    expect(text(bytes)).toBe('he\0\0\0\0\0\0\0\0');
    fs.sync(fd);
    fs.close(fd);
  });

  test('lists, renames over an existing file, unlinks and removes', () => {
    fs.mkdir(`${root}/d`);
    fs.writeFileAtomic(`${root}/d/one`, Buffer.from('1'), true);
    fs.writeFileAtomic(`${root}/d/two`, Buffer.from('2'), false);
    fs.rename(`${root}/d/one`, `${root}/d/two`);
    expect(fs.readdir(`${root}/d`)).toEqual(['two']);
    expect(text(fs.readFile(`${root}/d/two`))).toBe('1');
    expect(fs.exists(`${root}/d/one`)).toBe(false);
    fs.rename(`${root}/d`, `${root}/e`);
    expect(text(fs.readFile(`${root}/e/two`))).toBe('1');
    expect(codeOf(() => fs.rmdir(`${root}/e`))).toBe('not-empty');
    fs.unlink(`${root}/e/two`);
    fs.syncDir(`${root}/e`);
    fs.rmdir(`${root}/e`);
    expect(fs.exists(`${root}/e`)).toBe(false);
  });

  test('a file that is open outlives its name', () => {
    fs.mkdir(`${root}/g`);
    fs.writeFileAtomic(`${root}/g/file`, Buffer.from('old'), false);
    const fd = fs.open(`${root}/g/file`, 'read');
    fs.unlink(`${root}/g/file`);
    fs.writeFileAtomic(`${root}/g/file`, Buffer.from('new'), false);
    const bytes = Buffer.alloc(3);
    fs.pread(fd, bytes, 0, 3, 0);
    expect(text(bytes)).toBe('old');
    fs.close(fd);
  });

  test('a file of two names is one file, until one of them is written anew', () => {
    fs.mkdir(`${root}/l`);
    fs.writeFileAtomic(`${root}/l/one`, Buffer.from('old'), false);
    fs.link(`${root}/l/one`, `${root}/l/two`);
    const fd = fs.open(`${root}/l/two`, 'write');
    fs.pwrite(fd, Buffer.from('!'), 0, 1, 3);
    fs.close(fd);
    expect(text(fs.readFile(`${root}/l/one`))).toBe('old!');
    fs.writeFileAtomic(`${root}/l/one`, Buffer.from('new'), false);
    expect(text(fs.readFile(`${root}/l/two`))).toBe('old!');
    fs.unlink(`${root}/l/one`);
    expect(text(fs.readFile(`${root}/l/two`))).toBe('old!');
    expect(codeOf(() => fs.link(`${root}/l/one`, `${root}/l/three`))).toBe('not-found');
    fs.writeFileAtomic(`${root}/l/one`, Buffer.from('1'), false);
    expect(codeOf(() => fs.link(`${root}/l/one`, `${root}/l/two`))).toBe('exists');
    expect(codeOf(() => fs.link(`${root}/l/one`, `${root}/none/two`))).toBe('not-found');
  });

  test('names what is wrong by a code', () => {
    fs.mkdir(`${root}/h`);
    expect(codeOf(() => fs.open(`${root}/h/none`, 'read'))).toBe('not-found');
    expect(codeOf(() => fs.open(`${root}/h/none`, 'write'))).toBe('not-found');
    expect(codeOf(() => fs.open(`${root}/none/file`, 'create'))).toBe('not-found');
    expect(codeOf(() => fs.readdir(`${root}/none`))).toBe('not-found');
    expect(codeOf(() => fs.unlink(`${root}/h/none`))).toBe('not-found');
    expect(codeOf(() => fs.readFile(`${root}/h/none`))).toBe('not-found');
    expect(codeOf(() => fs.mkdir(`${root}/h`))).toBe('none');
    expect(codeOf(() => fs.close(999_999))).toBe('io');
  });

  test('does in the background what it does at once', async () => {
    fs.mkdir(`${root}/i`);
    fs.writeFileAtomic(`${root}/i/file`, Buffer.from('hello'), false);
    const fd = fs.open(`${root}/i/file`, 'write');
    const bytes = Buffer.alloc(8);
    expect(await fs.preadAsync(fd, bytes, 2, 6, 1)).toBe(4);
    expect(text(bytes)).toBe('\0\0ello\0\0');
    await fs.syncAsync(fd);
    fs.close(fd);
    await fs.unlinkAsync(`${root}/i/file`);
    expect(fs.readdir(`${root}/i`)).toEqual([]);
    await expect(fs.unlinkAsync(`${root}/i/file`)).rejects.toThrow();
    await fs.rmdirAsync(`${root}/i`);
    expect(fs.exists(`${root}/i`)).toBe(false);
    await expect(fs.rmdirAsync(`${root}/i`)).rejects.toThrow();
  });
});

test('some files may be open', () => {
  expect(openFilesLimit()).toBeGreaterThan(100);
});

test('the boot id is the same at every look', () => {
  expect(kernelBootId()).toBe(kernelBootId());
});

import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { CrashError, FaultyFileSystem } from './faulty-file-system.ts';

function system(seed = 1): FaultyFileSystem {
  const prng = new Prng(seed);
  const fs = new FaultyFileSystem(() => prng.float());
  fs.mkdir('/d');
  fs.syncDir('/d');
  return fs;
}

function write(fs: FaultyFileSystem, path: string, bytes: Uint8Array, position = 0): number {
  const fd = fs.open(path, 'create');
  fs.pwrite(fd, bytes, 0, bytes.length, position);
  return fd;
}

describe('faulty file system', () => {
  test('after a power failure what was synced is there', () => {
    for (let seed = 0; seed < 50; seed++) {
      const fs = system(seed);
      fs.sync(write(fs, '/d/file', Buffer.alloc(3000, 1)));
      fs.syncDir('/d');
      write(fs, '/d/file', Buffer.alloc(3000, 2), 3000);
      fs.restart('power');
      expect(fs.readFile('/d/file').subarray(0, 3000)).toEqual(Buffer.alloc(3000, 1));
    }
  });

  test('after a power failure what was not synced is there, or not, or in part', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const fs = system(seed);
      fs.sync(write(fs, '/d/file', Buffer.alloc(0)));
      fs.syncDir('/d');
      write(fs, '/d/file', Buffer.alloc(2048, 1));
      write(fs, '/d/new', Buffer.alloc(1));
      fs.restart('power');
      const ones = fs.readFile('/d/file').filter((byte) => byte === 1).length;
      outcomes.add(ones === 0 ? 'nothing' : ones === 2048 ? 'all' : 'some');
      outcomes.add(fs.exists('/d/new') ? 'name' : 'no name');
    }
    expect([...outcomes].sort()).toEqual(['all', 'name', 'no name', 'nothing', 'some']);
  });

  test('after a power failure a file of two names is still one file', () => {
    for (let seed = 0; seed < 50; seed++) {
      const fs = system(seed);
      write(fs, '/d/one', Buffer.alloc(3000, 1));
      fs.link('/d/one', '/d/two');
      fs.syncDir('/d');
      fs.restart('power');
      expect(fs.readFile('/d/two')).toEqual(fs.readFile('/d/one'));
    }
  });

  test('a kill forgets nothing, but tears the write it hits', () => {
    const fs = system();
    const fd = write(fs, '/d/file', Buffer.alloc(100, 1));
    fs.setFault({ call: 1, operation: 'pwrite', kind: 'crash' });
    expect(() => fs.pwrite(fd, Buffer.alloc(100, 2), 0, 100, 100)).toThrow(CrashError);
    expect(() => fs.exists('/d/file')).toThrow(CrashError);
    fs.restart('kill');
    const bytes = fs.readFile('/d/file');
    expect(bytes.length).toBeGreaterThanOrEqual(100);
    expect(bytes.length).toBeLessThan(200);
    expect(bytes.subarray(0, 100)).toEqual(Buffer.alloc(100, 1));
  });

  test('fails the n-th call of an operation, and with it all later ones if the fault lasts', () => {
    const fs = system();
    fs.setFault({ call: 2, operation: 'mkdir', kind: 'disk-full', isLasting: true });
    fs.mkdir('/d/1');
    expect(() => fs.mkdir('/d/2')).toThrow(/disk-full/);
    expect(() => fs.mkdir('/d/3')).toThrow(/disk-full/);
    expect(fs.hasStruck).toBe(true);
    fs.setFault(null);
    fs.mkdir('/d/4');
    expect(fs.readdir('/d').sort()).toEqual(['1', '4']);
  });
});

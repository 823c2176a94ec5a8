import { describe, expect, test } from 'vitest';
import { FaultyFileSystem } from '../io/faulty-file-system.ts';
import type { FileSystem } from '../io/file-system.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { Manifest, type ManifestEntry, type ManifestSource } from './manifest.ts';

const PATH = '/data/manifest';

function entry(
  name: string,
  recoveryPoint: number,
  more: Partial<ManifestEntry> = {},
): ManifestEntry {
  return {
    name,
    topicId: null,
    logStartOffset: 1,
    recoveryPoint,
    activeBaseOffset: 0,
    position: recoveryPoint * 10,
    maxTimestamp: 5,
    maxTimestampOffset: 2,
    firstTimestamp: 4,
    hasProducers: true,
    sealed: [{ baseOffset: 0, sizeBytes: 3, maxTimestamp: 4, maxTimestampOffset: 1 }],
    leaderEpochs: [0, 0],
    isClean: false,
    isSameBoot: true,
    ...more,
  };
}

const source = (
  name: string,
  point: number,
  more: Partial<ManifestEntry> = {},
): ManifestSource => ({
  name,
  describe: () => entry(name, point, more),
});

function system(): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  fs.mkdir('/data');
  return fs;
}

const open = (fs: FileSystem, bootId: string | null = 'boot'): Manifest =>
  Manifest.open({ fs, path: PATH, bootId });

describe('manifest', () => {
  test('knows after a kill what was noted last of every partition, and hands it out once', () => {
    const fs = system();
    const manifest = open(fs);
    manifest.put(source('a-0', 10));
    manifest.put(source('b-0', 20));
    manifest.put(source('c-0', 30));
    manifest.point(source('a-0', 11));
    manifest.remove('b-0');
    manifest.write();
    const again = open(fs);
    expect(again.names()).toEqual(['a-0', 'c-0']);
    expect(again.take('a-0')).toEqual(entry('a-0', 11));
    expect(again.take('a-0')).toBeNull();
    expect(again.take('b-0')).toBeNull();
    expect(again.names()).toEqual(['c-0']);
  });

  test('a torn or damaged tail is ignored, and what is written then can be read', () => {
    const fs = system();
    const manifest = open(fs);
    manifest.put(source('a-0', 10));
    manifest.write();
    const whole = fs.readFile(PATH);
    manifest.put(source('b-0', 20));
    manifest.write();
    const longer = fs.readFile(PATH);
    for (let size = whole.length; size < longer.length; size++) {
      const damaged = Buffer.from(longer.subarray(0, size));
      if (size % 2 === 0) damaged[size - 1]! ^= 1;
      fs.writeFileAtomic(PATH, damaged, false);
      const next = open(fs);
      if (size > whole.length || size % 2 === 1) expect(next.names()).toEqual(['a-0']);
      next.put(source('c-0', 30));
      next.write();
      expect(open(fs).names()).toContain('c-0');
    }
  });

  test('an entry is clean only if the whole process ended in order', () => {
    const fs = system();
    const manifest = open(fs);
    manifest.put(source('a-0', 10, { isClean: true }));
    manifest.put(source('b-0', 10, { isClean: true }));
    manifest.close();
    const second = open(fs);
    expect(second.take('a-0')!.isClean).toBe(true);
    second.write();
    // The second process was killed, whether it used the partition or not.
    const third = open(fs);
    expect([third.take('a-0')!.isClean, third.take('b-0')!.isClean]).toEqual([false, false]);
    third.close();
    expect(open(fs).take('a-0')!.isClean).toBe(false);
  });

  test('says of each entry whether it was noted since the system booted', () => {
    const fs = system();
    const first = open(fs, 'one');
    first.put(source('a-0', 10));
    first.put(source('b-0', 10));
    first.write();
    const second = open(fs, 'two');
    expect(second.isSameBoot).toBe(false);
    expect(second.take('a-0')!.isSameBoot).toBe(false);
    second.put(source('a-0', 12));
    second.write();
    const third = open(fs, 'two');
    expect(third.isSameBoot).toBe(true);
    expect(third.take('a-0')!.isSameBoot).toBe(true);
    expect(third.take('b-0')!.isSameBoot).toBe(false);
    expect(open(fs, null).isSameBoot).toBe(false);
  });

  test('is rewritten when it has grown, with partitions in use and those not yet taken', () => {
    const fs = system();
    const first = open(fs, 'one');
    first.put(source('old-0', 7));
    first.write();
    const manifest = open(fs, 'two');
    const busy = source('busy-0', 100);
    manifest.put(busy);
    let largest = 0;
    for (let i = 0; i < 20_000; i++) {
      manifest.point(busy);
      if (i % 100 === 0) manifest.write();
      largest = Math.max(largest, fs.files.get(PATH)!.size);
    }
    expect(largest).toBeLessThan(1_200_000);
    const again = open(fs, 'two');
    expect(again.take('old-0')).toEqual(entry('old-0', 7, { isSameBoot: false }));
    expect(again.take('busy-0')).toEqual(entry('busy-0', 100));
  });

  test('a write that fails is made up for by the next', () => {
    const fs = new FaultyFileSystem(() => 0.5);
    fs.mkdir('/data');
    const manifest = open(fs);
    manifest.put(source('a-0', 10));
    fs.setFault({ call: 1, operation: 'pwrite', kind: 'disk-full' });
    expect(manifest.write()).toBe(false);
    manifest.put(source('b-0', 10));
    expect(manifest.write()).toBe(true);
    expect(open(fs).names().sort()).toEqual(['a-0', 'b-0']);
  });

  test('a partition is on the disk before it needs to be, at one sync for each new one', () => {
    const fs = new FaultyFileSystem(() => 0);
    fs.mkdir('/data');
    fs.syncDir('/data');
    const manifest = open(fs);
    fs.syncDir('/data');
    manifest.put(source('a-0', 10));
    manifest.write();
    manifest.secure('a-0');
    const calls = fs.callCount;
    manifest.put(source('a-0', 11));
    manifest.secure('a-0');
    expect(fs.callCount).toBe(calls);
    fs.restart('power');
    expect(open(fs).take('a-0')!.recoveryPoint).toBe(10);
  });

  test('has a higher generation than those it is newer than, from the next start on, also when it was written anew', () => {
    const fs = system();
    const at = (path: string, newerThan: Manifest[] = []): Manifest =>
      Manifest.open({ fs, path, bootId: 'boot', newerThan });
    expect(at('/data/one').generationBefore).toBe(0);
    expect(at('/data/two', [at('/data/one')]).generationBefore).toBe(0);
    expect(at('/data/three', [at('/data/one'), at('/data/two')]).generationBefore).toBe(0);
    expect(at('/data/two').generationBefore).toBe(1);
    // A torn frame at the end: the file is written anew.
    fs.writeFileAtomic(
      '/data/three',
      Buffer.concat([fs.readFile('/data/three'), Buffer.alloc(5)]),
      true,
    );
    for (let start = 0; start < 2; start++) expect(at('/data/three').generationBefore).toBe(2);
    expect(at('/data/one', [at('/data/three')]).generationBefore).toBe(0);
    expect(at('/data/one').generationBefore).toBe(3);
  });
});

import { describe, expect, test } from 'vitest';
import { Descriptor, DescriptorCache } from './descriptor-cache.ts';
import { FaultyFileSystem } from './faulty-file-system.ts';
import { MemoryFileSystem } from './memory-file-system.ts';

function files(count: number): { fs: MemoryFileSystem; descriptors: Descriptor[] } {
  const fs = new MemoryFileSystem();
  const descriptors: Descriptor[] = [];
  for (let i = 0; i < count; i++) {
    fs.writeFileAtomic(`/f${i}`, new Uint8Array([i]), false);
    descriptors.push(new Descriptor(`/f${i}`, 'read'));
  }
  return { fs, descriptors };
}

describe('descriptor cache', () => {
  test('closes the least recently used file when it is full, and opens it again by its path', () => {
    const { fs, descriptors } = files(3);
    const [a, b, c] = descriptors as [Descriptor, Descriptor, Descriptor];
    const cache = new DescriptorCache(fs, 2);
    cache.use(a);
    cache.use(b);
    cache.use(a);
    cache.use(c);
    expect([a.fd >= 0, b.fd >= 0, c.fd >= 0]).toEqual([true, false, true]);
    const byte = new Uint8Array(1);
    fs.pread(cache.use(b), byte, 0, 1, 0);
    expect(byte[0]).toBe(1);
    expect([cache.openCount, fs.openCount]).toEqual([2, 2]);
  });

  test('keeps a pinned file open, and closes a released one after its last pin', () => {
    const { fs, descriptors } = files(3);
    const [a, b, c] = descriptors as [Descriptor, Descriptor, Descriptor];
    const cache = new DescriptorCache(fs, 1);
    const fd = cache.pin(a);
    cache.use(b);
    cache.use(c);
    expect(a.fd).toBe(fd);
    cache.release(a);
    expect(a.fd).toBe(fd);
    cache.unpin(a);
    expect(a.fd).toBe(-1);
    cache.closeAll();
    expect(fs.openCount).toBe(0);
  });

  test('gives up files of its own when the process has no descriptors left', () => {
    const fs = new FaultyFileSystem(() => 0);
    for (const path of ['/a', '/b']) fs.writeFileAtomic(path, new Uint8Array(1), false);
    const cache = new DescriptorCache(fs, 10);
    const a = new Descriptor('/a', 'read');
    const b = new Descriptor('/b', 'read');
    cache.use(a);
    fs.setFault({ call: 1, operation: 'open', kind: 'too-many-files' });
    expect(cache.use(b)).toBeGreaterThan(0);
    expect(a.fd).toBe(-1);
    fs.setFault({ call: 1, operation: 'open', kind: 'too-many-files', isLasting: true });
    cache.release(b);
    expect(() => cache.use(a)).toThrow(/too-many-files/);
  });
});

import { describe, expect, test } from 'vitest';
import { batchOf, pieceOf, TestLog, viewOf } from '../../test/property/log-in-memory.ts';
import { ManualClock } from '../base/clock.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { uuidFromBytes } from '../base/uuid.ts';
import { BATCH_HEADER_BYTES } from '../format/batch.ts';
import { FaultyFileSystem } from '../io/faulty-file-system.ts';
import type { FileSystem } from '../io/file-system.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { Cursor, createCursor } from './cursor.ts';
import { defaultLogConfig } from './log-config.ts';
import { LogResources } from './log-resources.ts';
import { Manifest } from './manifest.ts';
import { PartitionLog } from './partition-log.ts';
import { formatSnapshot } from './producer-snapshot-file.ts';
import { ProducerState } from './producer-state.ts';

const idA = new Uint8Array(16).fill(1);
const idB = new Uint8Array(16).fill(2);

/** Notes what is read through a file system. */
class NotedReads {
  readonly reads: { position: number; size: number }[] = [];

  of(fs: MemoryFileSystem): FileSystem {
    const pread: FileSystem['pread'] = (fd, bytes, at, size, position) => {
      this.reads.push({ position, size });
      return fs.pread(fd, bytes, at, size, position);
    };
    return new Proxy(fs, {
      get: (target, name) => {
        if (name === 'pread') return pread;
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}

function open(
  fs: FileSystem,
  topicId: Uint8Array | null,
  { name = 't-0', resources }: { name?: string; resources?: LogResources } = {},
): PartitionLog {
  fs.mkdir('/data');
  return PartitionLog.open({
    fs,
    clock: new ManualClock(1000),
    directory: `/data/${name}`,
    topic: name.slice(0, 1),
    partition: Number(name.slice(2)),
    ...(resources === undefined ? {} : { resources }),
    topicId,
    config: defaultLogConfig,
    cursor: createCursor(),
    leaderEpoch: 0,
  });
}

describe('opening a partition log', () => {
  test('writes the topic id beside it, and refuses a directory of another topic', () => {
    const fs = new MemoryFileSystem();
    open(fs, idA);
    expect(fs.readFile('/data/t-0/partition.metadata').toString()).toContain(uuidFromBytes(idA));
    expect(() => open(fs, idB)).toThrow(/belongs to topic id/);
    expect(open(fs, null).describe().topicId).toBe(uuidFromBytes(idA));
  });

  test('writes the topic id anew when a power failure emptied the file', () => {
    const fs = new MemoryFileSystem();
    open(fs, idA);
    fs.writeFileAtomic('/data/t-0/partition.metadata', new Uint8Array(0), false);
    expect(open(fs, idB).describe().topicId).toBe(uuidFromBytes(idB));
    expect(() => open(fs, idA)).toThrow(/belongs to topic id/);
  });

  test('partitions of a topic share the file with its id, those of another do not', () => {
    const fs = new MemoryFileSystem();
    const resources = new LogResources({ fs, clock: new ManualClock(1000) });
    const directories = ['t-0', 't-1', 'u-0', 'u-1', 'u-2'];
    const fileOf = (name: string): unknown => fs.files.get(`/data/${name}/partition.metadata`);
    for (const name of directories) {
      if (name === 'u-2') fs.unlink('/data/u-0/partition.metadata');
      const topicId = name.startsWith('t') ? idA : idB;
      expect(open(fs, topicId, { name, resources }).describe().topicId).toBe(
        uuidFromBytes(topicId),
      );
    }
    expect(fileOf('t-1')).toBe(fileOf('t-0'));
    expect(fileOf('u-1')).not.toBe(fileOf('t-0'));
    // The one to link to had gone.
    expect(fileOf('u-2')).not.toBe(fileOf('u-1'));
    for (const name of ['t-0', 't-1', 'u-1', 'u-2']) {
      expect(() => open(fs, new Uint8Array(16).fill(3), { name })).toThrow(/belongs to topic id/);
    }
  });

  test('a partition gets a file with the topic id of its own where none can be shared', () => {
    const fs = new FaultyFileSystem(() => 0.5);
    const resources = new LogResources({ fs, clock: new ManualClock(1000) });
    open(fs, idA, { name: 't-0', resources });
    fs.setFault({ call: 1, operation: 'link', kind: 'denied' });
    open(fs, idA, { name: 't-1', resources });
    expect(fs.hasStruck).toBe(true);
    expect(fs.readFile('/data/t-1/partition.metadata').toString()).toContain(uuidFromBytes(idA));
    // A damaged one is replaced, and not the file behind its other names.
    fs.writeFileAtomic('/data/t-1/partition.metadata', new Uint8Array(0), false);
    open(fs, idA, { name: 't-1', resources });
    expect(fs.readFile('/data/t-1/partition.metadata').toString()).toContain(uuidFromBytes(idA));
  });

  test('clears away what a crash left: temporary and deleted files, indexes without their log', () => {
    const log = new TestLog({ config: { segmentBytes: 300 } });
    for (let i = 0; i < 3; i++) log.append(1, 200);
    const put = (name: string): void =>
      log.fs.writeFileAtomic(`${log.directory}/${name}`, Buffer.from('x'), false);
    const before = log.names();
    put('00000000000000000000.log.deleted');
    put('leader-epoch-checkpoint.tmp');
    put('00000000000000000077.index');
    put('00000000000000000077.timeindex');
    const again = new TestLog({ fs: log.fs, config: { segmentBytes: 300 } });
    expect(again.names().filter((name) => !before.includes(name))).toEqual([
      '00000000000000000002.index',
      '00000000000000000002.timeindex',
    ]);
    expect(again.records(0).length).toBe(3);
  });

  test('finishes a compaction that had got as far as .swap, and forgets one that had not', () => {
    for (const isFinished of [true, false]) {
      const log = new TestLog({ config: { segmentBytes: 300 } });
      for (let i = 0; i < 4; i++) log.append(1, 200);
      log.log.close();
      const compacted = batchOf(1, 50, 9, { baseOffset: 1, lastOffset: 1 });
      const put = (name: string, bytes: Uint8Array): void =>
        log.fs.writeFileAtomic(`${log.directory}/${name}`, bytes, false);
      put('00000000000000000000.log.swap', compacted);
      if (!isFinished) put('00000000000000000002.log.cleaned', compacted);
      const config = { segmentBytes: 300, cleanupPolicy: { delete: false, compact: true } };
      const again = new TestLog({ fs: log.fs, config });
      expect(again.baseOffsets(0)).toEqual(isFinished ? [1, 2, 3] : [0, 1, 2, 3]);
      expect(again.names().filter((name) => /swap|cleaned/.test(name))).toEqual([]);
    }
  });

  test('a full disk does not keep what is there from being read', () => {
    const fs = new FaultyFileSystem(() => 0.5);
    const log = new TestLog({ fs, config: { indexIntervalBytes: 100 } });
    for (let i = 0; i < 20; i++) log.append(1, 100);
    fs.restart('kill');
    fs.setFault({ call: 1, operation: 'pwrite', kind: 'disk-full', isLasting: true });
    const again = new TestLog({ fs, config: { indexIntervalBytes: 100 } });
    expect(again.records(0).length).toBe(20);
  });

  test('after a kill an idle log is taken over with its preallocation, without reading its batches', () => {
    const fs = new MemoryFileSystem();
    fs.mkdir('/data');
    const manifestOf = (): Manifest => Manifest.open({ fs, path: '/data/manifest', bootId: 'b' });
    const first = manifestOf();
    const log = new TestLog({ fs, manifest: first, config: { segmentBytes: 1 << 20 } });
    for (let i = 0; i < 50; i++) log.append(2, 100);
    log.log.flush();
    first.write();
    const second = manifestOf();
    const noted = new NotedReads();
    const hint = second.take('t-0');
    const again = new TestLog({
      fs: noted.of(fs),
      manifest: second,
      hint,
      config: { segmentBytes: 1 << 20 },
    });
    expect(noted.reads.length).toBeLessThan(5);
    expect(again.marks.cursor[Cursor.LOG_END_OFFSET]).toBe(100);
    expect(fs.readFile('/data/t-0/00000000000000000000.log').length).toBe(1 << 20);
    expect(again.append().baseOffset).toBe(100);
    expect(again.records(0).length).toBe(101);
  });

  test('after a kill large batches cost a read of their header each, and preallocated space none', () => {
    const fs = new MemoryFileSystem();
    fs.mkdir('/data');
    const manifestOf = (): Manifest => Manifest.open({ fs, path: '/data/manifest', bootId: 'b' });
    const first = manifestOf();
    const config = { segmentBytes: 1 << 20 };
    const log = new TestLog({ fs, manifest: first, config });
    for (let i = 0; i < 30; i++) log.append(1, 20_000);
    first.write();
    const second = manifestOf();
    const noted = new NotedReads();
    const hint = second.take('t-0');
    const again = new TestLog({ fs: noted.of(fs), manifest: second, hint, config });
    expect(again.marks.cursor[Cursor.LOG_END_OFFSET]).toBe(30);
    const size = again.log.sizeBytes / 30;
    const headerAt = (i: number) => ({ position: size * i, size: BATCH_HEADER_BYTES });
    expect(noted.reads).toEqual([
      // Whether anything lies behind the recovery point at all.
      headerAt(0),
      // The last of these finds that there is no batch any more.
      ...Array.from({ length: 31 }, (_, i) => headerAt(i)),
      { position: size * 29, size },
    ]);
  });

  test('a torn last write after a kill is cut, whether headers or checksums are looked at', () => {
    for (const bootId of ['b', 'c']) {
      const fs = new MemoryFileSystem();
      fs.mkdir('/data');
      const first = Manifest.open({ fs, path: '/data/manifest', bootId: 'b' });
      const log = new TestLog({ fs, manifest: first });
      for (let i = 0; i < 5; i++) log.append(1, 300);
      first.write();
      const path = '/data/t-0/00000000000000000000.log';
      const whole = log.log.sizeBytes;
      const torn = pieceOf(batchOf(1, 300, 1, { baseOffset: 5 })).source.bytes.subarray(0, 200);
      const fd = fs.open(path, 'write');
      fs.pwrite(fd, torn, 0, torn.length, whole);
      fs.close(fd);
      const second = Manifest.open({ fs, path: '/data/manifest', bootId });
      const again = new TestLog({ fs, manifest: second, hint: second.take('t-0') });
      expect(again.marks.cursor[Cursor.LOG_END_OFFSET]).toBe(5);
      expect(fs.readFile(path).length).toBe(whole);
      expect(again.lines.length).toBe(1);
    }
  });

  test('after a power failure a producer snapshot ahead of what was flushed is not believed, and removed', () => {
    for (const bootId of ['b', 'c']) {
      const fs = new MemoryFileSystem();
      fs.mkdir('/data');
      const first = Manifest.open({ fs, path: '/data/manifest', bootId: 'b' });
      const log = new TestLog({ fs, manifest: first });
      const sequence = (baseSequence: number) => ({
        producerId: 7,
        producerEpoch: 0,
        baseSequence,
      });
      log.append(1, 10, sequence(0));
      log.log.flush();
      for (let i = 1; i < 5; i++) log.append(1, 10, sequence(i));
      first.write();
      // Of other batches that ended there and are gone. The name was removed with them, and came back.
      const other = new ProducerState();
      other.apply(viewOf(batchOf(1, 10, 1, { ...sequence(2), baseOffset: 4 })), 0, 0);
      const path = '/data/t-0/00000000000000000005.snapshot';
      fs.writeFileAtomic(path, formatSnapshot(other), false);
      const second = Manifest.open({ fs, path: '/data/manifest', bootId });
      const again = new TestLog({ fs, manifest: second, hint: second.take('t-0') });
      const isBelieved = bootId === 'b';
      expect(fs.exists(path)).toBe(isBelieved);
      expect(again.append(1, 10, sequence(5)).errorCode).toBe(
        isBelieved ? ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER : ErrorCode.NONE,
      );
    }
  });
});

import { describe, expect, test } from 'vitest';
import { batchOf, pieceOf, TestLog } from '../../test/property/log-in-memory.ts';
import { ManualClock } from '../base/clock.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { buildBatch } from '../format/batch-builder.ts';
import { JOURNAL_PAGE_BYTES } from '../format/journal.ts';
import { FaultyFileSystem, type FaultyOperation } from '../io/faulty-file-system.ts';
import { Cursor } from './cursor.ts';
import { Journal, type JournalOptions } from './journal.ts';
import { replayJournal } from './journal-replay.ts';
import { LogResources } from './log-resources.ts';

const PATH = '/data/shard-0-of-1.journal';

/** Notes the order of the calls that the journal's safety rests on. */
class WatchedFiles extends FaultyFileSystem {
  calls: string[] = [];
  journalFd = -1;

  override open(...[path, mode]: Parameters<FaultyFileSystem['open']>): number {
    const fd = super.open(path, mode);
    if (path === PATH) this.journalFd = fd;
    return fd;
  }

  override pwrite(...args: Parameters<FaultyFileSystem['pwrite']>): void {
    const [fd, , , size, position] = args;
    if (fd === this.journalFd) this.calls.push(`write ${position}+${size}`);
    super.pwrite(...args);
  }

  override sync(fd: number): void {
    this.calls.push(fd === this.journalFd ? 'sync' : 'sync of a segment');
    super.sync(fd);
  }
}

/** Several logs of one shard; each append is durable. */
class Bench {
  readonly fs = new WatchedFiles(() => 0.5);
  readonly lines: string[] = [];
  readonly journal: Journal;
  readonly logs: TestLog[] = [];

  constructor(count: number, options: Partial<JournalOptions> = {}) {
    const { fs } = this;
    fs.mkdir('/data');
    const log = (line: string) => this.lines.push(line);
    this.journal = new Journal({ fs, path: PATH, directory: '/data', log, ...options });
    const clock = new ManualClock(1_000_000);
    const resources = new LogResources({ fs, clock, journal: this.journal });
    for (let i = 0; i < count; i++) {
      const config = { flushMessages: 1 };
      const name = `t${i}`;
      this.logs.push(new TestLog({ fs, clock, config, resources, deferSync: true, name }));
      // The first sync of a log brings the names of its files to the disk.
      this.append(i);
      this.logs[i]!.log.syncPending();
    }
    fs.calls = [];
  }

  append(index: number, valueBytes = 10): void {
    expect(this.logs[index]!.append(1, valueBytes).errorCode).toBe(ErrorCode.NONE);
  }

  /** Appends to all logs, and gives them to the journal. */
  pass(valueBytes = 10): boolean[] {
    const taken = this.begin(valueBytes);
    this.journal.commit();
    return taken;
  }

  begin(valueBytes = 10): boolean[] {
    for (let i = 0; i < this.logs.length; i++) this.append(i, valueBytes);
    return this.logs.map(({ log }) => log.toJournal());
  }

  get needsSync(): boolean[] {
    return this.logs.map(({ log }) => log.needsSync);
  }

  fail(operation: FaultyOperation, kind: 'io' | 'disk-full', call = 1): void {
    this.fs.setFault({ operation, kind, call });
  }
}

describe('journal', () => {
  test('many logs are safe and readable with one write and one sync, their recovery points stay', () => {
    const bench = new Bench(3);
    expect(bench.pass()).toEqual([true, true, true]);
    bench.fs.calls = [];
    bench.pass();
    expect(bench.fs.calls).toEqual(['write 8192+4096', 'sync']);
    expect(bench.needsSync).toEqual([false, false, false]);
    for (const { log } of bench.logs) {
      expect(log.cursor[Cursor.RECOVERY_POINT]).toBe(1);
      expect(log.cursor[Cursor.HIGH_WATERMARK]).toBe(3);
    }
  });

  test('a pass writes what is new, not what an earlier one has written', () => {
    const bench = new Bench(1);
    for (let i = 0; i < 5; i++) bench.pass(3000);
    const sizes = bench.fs.calls.filter((call) => call.endsWith(`+${JOURNAL_PAGE_BYTES}`));
    // The life page and five frames.
    expect(sizes.length).toBe(6);
  });

  test('there is no file before the first durable pass, nor behind a clean stop', () => {
    const bench = new Bench(2);
    expect(bench.fs.exists(PATH)).toBe(false);
    bench.pass();
    expect(bench.fs.exists(PATH)).toBe(true);
    for (const { log } of bench.logs) log.close();
    bench.journal.close();
    expect(bench.fs.readdir('/data').sort()).toEqual(['t0-0', 't1-0']);
  });

  test('takes no large appends, and no log whose new files have no name on the disk yet', () => {
    const bench = new Bench(2);
    bench.append(0, 70_000);
    expect(bench.logs[0]!.log.toJournal()).toBe(false);
    const fresh = new TestLog({
      fs: bench.fs,
      resources: new LogResources({
        fs: bench.fs,
        clock: bench.logs[0]!.clock,
        journal: bench.journal,
      }),
      config: { flushMessages: 1 },
      deferSync: true,
      name: 'fresh',
    });
    fresh.append();
    expect(fresh.log.toJournal()).toBe(false);
    expect(fresh.log.needsSync).toBe(true);
  });

  test('a half is used again when its logs are flushed; until then the files are synced', () => {
    // A life page and one frame.
    const bench = new Bench(2, { halfBytes: 2 * JOURNAL_PAGE_BYTES });
    bench.pass();
    expect(bench.journal.takeTurn()).toBe(true);
    bench.pass();
    expect(bench.journal.takeTurn()).toBe(true);
    expect(bench.logs.map(({ log }) => log.isJournalWaiting)).toEqual([true, true]);
    bench.pass();
    expect(bench.needsSync).toEqual([true, true]);
    bench.logs[0]!.log.flush();
    expect(bench.logs.map(({ log }) => log.isJournalWaiting)).toEqual([false, true]);
    bench.logs[1]!.log.flush();
    bench.pass();
    expect(bench.needsSync).toEqual([false, false]);
  });

  test('a new life is on the disk before its first frame overwrites the old one', () => {
    const bench = new Bench(2, { halfBytes: 2 * JOURNAL_PAGE_BYTES });
    bench.pass();
    bench.pass();
    for (const { log } of bench.logs) log.flush();
    bench.fs.calls = [];
    bench.pass();
    expect(bench.fs.calls).toEqual(['write 0+4096', 'sync', 'write 4096+4096', 'sync']);
  });

  test('with no room on the disk the pass falls back to the files, the next one tries again', () => {
    const bench = new Bench(2);
    bench.pass();
    bench.begin();
    bench.fail('pwrite', 'disk-full');
    bench.journal.commit();
    expect(bench.needsSync).toEqual([true, true]);
    bench.pass();
    expect(bench.needsSync).toEqual([false, false]);
    expect(bench.lines).toEqual([]);
  });

  test('after a sync that failed nothing more is written to it, and what it held before stays good', () => {
    const bench = new Bench(2);
    bench.pass();
    bench.begin();
    bench.fail('sync', 'io');
    bench.journal.commit();
    expect(bench.needsSync).toEqual([true, true]);
    bench.fs.calls = [];
    expect(bench.pass()).toEqual([false, false]);
    expect(bench.fs.calls).toEqual([]);
    expect(bench.lines.length).toBe(1);
    // A truncation cannot be noted in it, so it is noted beside it.
    bench.logs[0]!.log.truncateTo(1);
    expect(bench.fs.readFile(`${PATH}.void`).toString()).toBe('t0-0');
  });

  test('more than fits a frame goes to the disk in several', () => {
    const bench = new Bench(5, { frameBytesMax: 2 * JOURNAL_PAGE_BYTES });
    bench.pass();
    bench.fs.calls = [];
    expect(bench.pass(3000)).toEqual([true, true, true, true, true]);
    expect(bench.fs.calls.filter((call) => call === 'sync').length).toBe(3);
    expect(bench.needsSync).toEqual([false, false, false, false, false]);
  });

  test('an offline log is not cut while the journal has what its segment may lack', () => {
    const bench = new Bench(2);
    bench.pass();
    const { log } = bench.logs[0]!;
    log.noteFlushFailed(new Error('lost'));
    expect(() => log.truncateTo(1)).toThrow('offline');
  });

  test('a truncation finds room in a full journal, which goes on being used', () => {
    const bench = new Bench(3, { halfBytes: 2 * JOURNAL_PAGE_BYTES });
    bench.pass();
    bench.pass();
    const [cut, other] = bench.logs.map(({ log }) => log);
    cut!.truncateTo(1);
    expect(bench.lines).toEqual([]);
    expect(bench.fs.exists(`${PATH}.void`)).toBe(false);
    expect(other!.cursor[Cursor.RECOVERY_POINT]).toBe(3);
    for (const { log } of bench.logs) log.flush();
    expect(bench.pass()).toEqual([true, true, true]);
    expect(bench.needsSync).toEqual([false, false, false]);
  });

  test('a deletion finds room in a full journal, though its own entries are not flushed', () => {
    const bench = new Bench(2, { halfBytes: 2 * JOURNAL_PAGE_BYTES });
    bench.pass();
    bench.pass();
    bench.logs[0]!.log.delete('/data/t0-0.x-delete');
    expect(bench.lines).toEqual([]);
    expect(bench.fs.exists(`${PATH}.void`)).toBe(false);
  });

  test('names beside an earlier journal say nothing of a new one', () => {
    const bench = new Bench(2);
    bench.fs.writeFileAtomic(`${PATH}.void`, Buffer.from('t0-0'), true);
    bench.pass();
    expect(bench.fs.exists(`${PATH}.void`)).toBe(false);
  });

  test('an offline log keeps the file for the next start', () => {
    const bench = new Bench(2);
    bench.pass();
    bench.logs[1]!.log.noteFlushFailed(new Error('lost'));
    for (const { log } of bench.logs) log.close();
    bench.journal.close();
    expect(bench.fs.exists(PATH)).toBe(true);
  });
});

describe('replay', () => {
  test('a partition that cannot be written back is held back, with all others, until it can', () => {
    const bench = new Bench(2);
    bench.pass();
    const { fs, lines } = bench;
    fs.restart('power');
    const options = {
      fs,
      path: PATH,
      directory: '/data',
      log: (line: string) => lines.push(line),
    };
    bench.fail('sync', 'io');
    expect(replayJournal(options).sort()).toEqual(['t0-0', 't1-0']);
    expect(fs.exists(PATH)).toBe(true);
    fs.setFault(null);
    expect(replayJournal(options)).toEqual([]);
    expect(fs.exists(PATH)).toBe(false);
  });

  test('passes over partitions that are gone, and segments that are', () => {
    const bench = new Bench(3);
    bench.pass();
    const { fs } = bench;
    fs.unlink('/data/t0-0/00000000000000000000.log');
    fs.rename('/data/t1-0', '/data/elsewhere');
    expect(replayJournal({ fs, path: PATH, directory: '/data', log: () => {} })).toEqual([]);
    expect(fs.exists('/data/t0-0/00000000000000000000.log')).toBe(false);
    expect(fs.exists('/data/t1-0')).toBe(false);
  });

  test('leaves a log alone that went on without the journal', () => {
    const bench = new Bench(2, { halfBytes: 8 * JOURNAL_PAGE_BYTES });
    bench.pass();
    bench.pass();
    const { fs, lines } = bench;
    const path = (name: string): string => `/data/${name}/00000000000000000000.log`;
    const fd = fs.open(path('t0-0'), 'write');
    const size = fs.size(fd);
    const [first] = bench.logs[0]!.batches(0, 1000);
    // What only the journal has is lost, and somebody has appended a batch longer than the journal's entries since.
    const other = batchOf(3, 400, 1, { baseOffset: 1 });
    fs.truncate(fd, first!.length);
    fs.pwrite(fd, other, 0, other.length, first!.length);
    fs.truncate(fd, size);
    fs.close(fd);
    const replay = { fs, path: PATH, directory: '/data', log: (line: string) => lines.push(line) };
    expect(replayJournal(replay)).toEqual([]);
    const again = fs.open(path('t0-0'), 'read');
    const found = Buffer.alloc(other.length);
    fs.pread(again, found, 0, found.length, first!.length);
    expect(found.equals(other)).toBe(true);
    expect(lines).toEqual([
      `${path('t0-0')}: went on without its journal, which is not written back`,
    ]);
  });

  test('passes over a directory of another topic', () => {
    const fs = new FaultyFileSystem(() => 0.5);
    fs.mkdir('/data');
    const journal = new Journal({ fs, path: PATH, directory: '/data' });
    const clock = new ManualClock(1_000_000);
    const open = (topicId: number) =>
      new TestLog({
        fs,
        clock,
        config: { flushMessages: 1, segmentBytes: 100_000 },
        resources: new LogResources({ fs, clock, journal }),
        deferSync: true,
        topicId: new Uint8Array(16).fill(topicId),
      });
    const first = open(1);
    first.append();
    first.log.syncPending();
    first.append();
    expect(first.log.toJournal()).toBe(true);
    journal.commit();
    // Somebody moves the directory away behind the broker's back.
    fs.rename(first.directory, '/data/away');
    const second = open(2);
    const records = [{ timestamp: 1, value: Buffer.alloc(200) }];
    second.log.appendAsLeader([pieceOf(Uint8Array.from(buildBatch({ records })))], 1);
    const path = `${second.directory}/00000000000000000000.log`;
    const before = fs.readFile(path);
    expect(replayJournal({ fs, path: PATH, directory: '/data', log: () => {} })).toEqual([]);
    expect(fs.readFile(path).equals(before)).toBe(true);
  });
});

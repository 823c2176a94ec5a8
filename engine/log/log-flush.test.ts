import { describe, expect, test } from 'vitest';
import { TestLog } from '../../test/property/log-in-memory.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { FaultyFileSystem } from '../io/faulty-file-system.ts';
import { Cursor } from './cursor.ts';

class SyncCounting extends FaultyFileSystem {
  syncs = 0;

  override sync(fd: number): void {
    this.syncs++;
    super.sync(fd);
  }
}

function system(): SyncCounting {
  const fs = new SyncCounting(() => 0);
  fs.mkdir('/data');
  fs.syncDir('/data');
  return fs;
}

const mark = (log: TestLog, index: number): number => log.marks.cursor[index]!;

describe('flush', () => {
  test('flush.messages=1 has every batch on the disk before it is answered', () => {
    const fs = system();
    const log = new TestLog({ fs, config: { flushMessages: 1 } });
    fs.syncDir('/data');
    for (let i = 0; i < 3; i++) {
      expect(log.append(2).errorCode).toBe(ErrorCode.NONE);
      expect(mark(log, Cursor.RECOVERY_POINT)).toBe(2 * (i + 1));
    }
    fs.restart('power');
    expect(new TestLog({ fs }).records(0).length).toBe(6);
  });

  test('flush.messages=n syncs once per n records', () => {
    const fs = system();
    const log = new TestLog({ fs, config: { flushMessages: 5 } });
    fs.syncs = 0;
    for (let i = 0; i < 20; i++) log.append(1);
    expect(fs.syncs).toBe(4);
  });

  test('one sync covers several appends when the caller groups them, and nothing is readable before', () => {
    const fs = system();
    const log = new TestLog({ fs, deferSync: true, config: { flushMessages: 1 } });
    fs.syncs = 0;
    for (let i = 0; i < 5; i++) log.append(1);
    expect([log.log.needsSync, fs.syncs]).toEqual([true, 0]);
    expect([mark(log, Cursor.HIGH_WATERMARK), mark(log, Cursor.LOG_END_OFFSET)]).toEqual([0, 5]);
    log.log.syncPending();
    expect([log.log.needsSync, fs.syncs]).toEqual([false, 1]);
    expect(mark(log, Cursor.HIGH_WATERMARK)).toBe(5);
  });

  test('a sync that fails answers KAFKA_STORAGE_ERROR and takes the log offline', () => {
    const fs = system();
    const log = new TestLog({ fs, config: { flushMessages: 1 } });
    log.append(1);
    fs.setFault({ call: 1, operation: 'sync', kind: 'io' });
    expect(log.append(1).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(log.log.isOffline).toBe(true);
    expect(mark(log, Cursor.HIGH_WATERMARK)).toBe(1);
  });

  test('a background flush is due by size or by age, and moves the recovery point to where it began', () => {
    const log = new TestLog({ config: { flushTailBytes: 1000, flushTailMs: 50 } });
    log.append(1, 100);
    expect(log.log.flushDue(log.clock.now() + 49)).toBe(false);
    expect(log.log.flushDue(log.clock.now() + 50)).toBe(true);
    log.append(1, 1000);
    expect(log.log.flushDue(log.clock.now())).toBe(true);
    const work = log.log.flushWork()!;
    expect(work.paths.at(-1)).toBe(`${log.directory}/00000000000000000000.log`);
    expect(work.directory).toBe(log.directory);
    log.append(1, 100);
    log.log.noteFlushed(work, log.clock.now());
    expect(mark(log, Cursor.RECOVERY_POINT)).toBe(2);
    expect(log.log.flushDue(log.clock.now())).toBe(false);
    expect(log.log.flushWork()!.directory).toBeNull();
  });

  test('a background flush that a truncation overtook proves nothing', () => {
    const log = new TestLog();
    for (let i = 0; i < 4; i++) log.append(1);
    const work = log.log.flushWork()!;
    log.log.truncateTo(2);
    log.append(1);
    log.append(1);
    log.log.noteFlushed(work, 0);
    expect(mark(log, Cursor.RECOVERY_POINT)).toBe(0);
  });

  test('a flush covers segments that were sealed since the last one', () => {
    const log = new TestLog({ config: { segmentBytes: 300 } });
    for (let i = 0; i < 3; i++) log.append(1, 200);
    const names = log.log.flushWork()!.paths.map((path) => path.slice(path.lastIndexOf('/') + 1));
    expect(names.filter((name) => name.endsWith('.log')).length).toBe(3);
    expect(names.filter((name) => name.endsWith('index')).length).toBe(4);
    log.log.flush();
    expect(log.log.flushWork()).toBeNull();
  });
});

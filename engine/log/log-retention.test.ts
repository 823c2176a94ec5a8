import { describe, expect, test } from 'vitest';
import { batchOf, pieceOf, TestLog } from '../../test/property/log-in-memory.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { Cursor } from './cursor.ts';
import { DeletionQueue } from './deletions.ts';
import { LogResources } from './log-resources.ts';

/** Segments of one batch each, with these timestamps. */
function logOf(timestamps: number[], config = {}): TestLog {
  const log = new TestLog({
    config: { segmentBytes: 300, messageTimestampAfterMaxMs: Number.POSITIVE_INFINITY, ...config },
  });
  for (const timestamp of timestamps) {
    log.log.appendAsLeader([pieceOf(batchOf(1, 200, timestamp))], 1);
  }
  return log;
}

const bases = (log: TestLog): number[] => log.log.segments().map(({ baseOffset }) => baseOffset);
const never = Number.POSITIVE_INFINITY;

describe('retention', () => {
  test('by time drops the oldest segments as long as their largest timestamp is old', () => {
    const log = logOf([100, 500, 200, 300], { retentionMs: 1000 });
    expect(log.log.applyRetention(1201)).toBe(1);
    expect(bases(log)).toEqual([1, 2, 3]);
    // The third is old enough too, but the second before it is not.
    expect(log.log.applyRetention(1400)).toBe(0);
    expect(log.log.applyRetention(1501)).toBe(3);
    expect(log.marks.cursor[Cursor.LOG_START_OFFSET]).toBe(4);
  });

  test('rolls the active segment when it has expired, and keeps counting offsets', () => {
    const log = logOf([100], { retentionMs: 1000 });
    expect(log.log.applyRetention(2000)).toBe(1);
    expect(bases(log)).toEqual([1]);
    expect(log.append().baseOffset).toBe(1);
    const again = new TestLog({ fs: log.fs });
    expect(again.append().baseOffset).toBe(2);
  });

  test('an empty log that lost everything still knows its offset after a restart', () => {
    const log = logOf([100, 200], { retentionMs: 10 });
    log.log.applyRetention(5000);
    const again = new TestLog({ fs: log.fs });
    expect(again.append().baseOffset).toBe(2);
  });

  test('a segment with a timestamp in the far future stays', () => {
    const log = logOf([2 ** 42, 100], { retentionMs: 1000 });
    expect(log.log.applyRetention(10_000)).toBe(0);
  });

  test('a segment without timestamps is judged by when its file was written', () => {
    const log = logOf([-1, -1], { retentionMs: 1000 });
    const fs = log.fs as MemoryFileSystem;
    const first = fs.files.get(`${log.directory}/00000000000000000000.log`)!;
    first.modifiedMs = 5000;
    expect(log.log.applyRetention(5900)).toBe(0);
    expect(log.log.applyRetention(6001)).toBeGreaterThan(0);
  });

  test('by size drops segments while what remains is still retention.bytes or more', () => {
    const log = logOf([1, 1, 1, 1, 1], { retentionMs: never });
    const each = log.log.segments()[0]!.sizeBytes;
    log.log.updateConfig({ ...log.log.config, retentionBytes: 3 * each });
    expect(log.log.applyRetention(1)).toBe(2);
    log.log.updateConfig({ ...log.log.config, retentionBytes: 3 * each - 1 });
    expect(log.log.applyRetention(1)).toBe(0);
    expect(log.log.sizeBytes).toBe(3 * each);
    log.log.updateConfig({ ...log.log.config, retentionBytes: 0 });
    expect(log.log.applyRetention(1)).toBe(3);
    expect(log.log.sizeBytes).toBe(0);
  });

  test('takes nothing above the high watermark', () => {
    const log = new TestLog({ autoAdvance: false, config: { segmentBytes: 300, retentionMs: 1 } });
    for (let i = 0; i < 4; i++) log.append(1, 200);
    log.log.advanceHighWatermark(2);
    expect(log.log.applyRetention(9_000_000)).toBe(2);
    expect(bases(log)).toEqual([2, 3]);
  });

  test('without cleanup.policy=delete only what lies below the log start offset goes', () => {
    const log = logOf([1, 1, 1], {
      cleanupPolicy: { delete: false, compact: true },
      retentionMs: 1,
    });
    expect(log.log.applyRetention(9_000_000)).toBe(0);
  });

  test('dropped files are renamed at once and unlinked after file.delete.delay.ms', async () => {
    const fs = new MemoryFileSystem();
    const queue = new DeletionQueue(fs);
    const first = new TestLog({ fs });
    const resources = new LogResources({ fs, clock: first.clock, deletions: queue });
    const log = new TestLog({
      fs,
      resources,
      clock: first.clock,
      name: 'u',
      config: { segmentBytes: 300, retentionMs: 10, fileDeleteDelayMs: 500 },
    });
    for (let i = 0; i < 3; i++) log.append(1, 200);
    log.clock.advance(100);
    log.log.applyRetention(log.clock.now());
    const deleted = (): string[] => log.names().filter((name) => name.endsWith('.deleted'));
    expect(deleted().filter((name) => name.includes('.log'))).toHaveLength(3);
    await queue.run(log.clock.now() + 499);
    expect(deleted()).not.toEqual([]);
    expect(queue.nextDueMs).toBe(log.clock.now() + 500);
    await queue.run(log.clock.now() + 500);
    expect(deleted()).toEqual([]);
    expect(queue.nextDueMs).toBe(never);
  });

  test('deleteRecordsBefore moves the start into a segment, drops whole ones, and goes no further than committed', () => {
    const log = new TestLog({ config: { segmentBytes: 300 } });
    for (let i = 0; i < 4; i++) log.append(2, 100);
    expect(log.log.deleteRecordsBefore(5)).toBe(5);
    expect(bases(log)).toEqual([4, 6]);
    expect(log.baseOffsets(5)).toEqual([4, 6]);
    expect(log.log.deleteRecordsBefore(3)).toBe(5);
    expect(log.log.deleteRecordsBefore(9)).toBe(-1);
    expect(log.log.deleteRecordsBefore(8)).toBe(8);
    expect(bases(log)).toEqual([6]);
    expect(log.append().baseOffset).toBe(8);
  });

  test('a partition is deleted by renaming its directory, which is removed later with all it holds', async () => {
    const log = new TestLog();
    log.append();
    const queue = new DeletionQueue(log.fs);
    const renamed = '/data/t-0.abc-delete';
    log.log.delete(renamed);
    expect(log.fs.exists(log.directory)).toBe(false);
    queue.add(renamed, 10);
    await queue.run(10);
    expect(log.fs.readdir('/data')).toEqual([]);
  });
});

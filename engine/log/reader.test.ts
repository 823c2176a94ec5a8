import { describe, expect, test } from 'vitest';
import { pieceOf, TestLog, viewOf } from '../../test/property/log-in-memory.ts';
import { crc32c } from '../base/crc32c.ts';
import { MIB } from '../base/limits.ts';
import { ATTRIBUTES_AT, Codec, CRC_AT, RECORDS_AT } from '../format/batch.ts';
import { buildBatch } from '../format/batch-builder.ts';
import { DescriptorCache } from '../io/descriptor-cache.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { Cursor, MarksState } from './cursor.ts';
import { ReadCursor, ReadProgress } from './read-progress.ts';
import { PartitionReader, ReadPlan } from './reader.ts';

/** Counts every call that looks at a file. */
class CountingFileSystem extends MemoryFileSystem {
  calls = 0;

  override open(...args: Parameters<MemoryFileSystem['open']>): number {
    this.calls++;
    return super.open(...args);
  }

  override pread(...args: Parameters<MemoryFileSystem['pread']>): number {
    this.calls++;
    return super.pread(...args);
  }

  override size(fd: number): number {
    this.calls++;
    return super.size(fd);
  }

  override readdir(path: string): string[] {
    this.calls++;
    return super.readdir(path);
  }
}

/** Fetches once from where `hint` stands; returns the status. */
function fetch(log: TestLog, offset: number, hint: ReadCursor, maxBytes = 100_000): string {
  const plan = new ReadPlan();
  const status = log.reader.locate(offset, 'highWatermark', maxBytes, true, hint, plan);
  if (status !== 'ok') return status;
  const bytes = Buffer.alloc(plan.size);
  const size = log.reader.read(plan, bytes, 0);
  const progress = new ReadProgress();
  progress.begin(plan);
  progress.note(viewOf(bytes), 0, size);
  progress.leave(hint);
  return status;
}

function sizeAt(log: TestLog, offset: number, maxBytes: number, minOneBatch: boolean): number {
  const plan = new ReadPlan();
  const status = log.reader.locate(offset, 'highWatermark', maxBytes, minOneBatch, null, plan);
  expect(status).toBe('ok');
  return plan.size;
}

describe('partition reader', () => {
  test('says where an offset lies against the marks', () => {
    const log = new TestLog({ autoAdvance: false });
    for (let i = 0; i < 4; i++) log.append(5);
    log.log.advanceHighWatermark(15);
    log.log.deleteRecordsBefore(7);
    const plan = new ReadPlan();
    const status = (offset: number, bound: 'highWatermark' | 'logEndOffset'): string =>
      log.reader.locate(offset, bound, 1000, true, null, plan);
    expect(status(6, 'highWatermark')).toBe('outOfRange');
    expect(status(7, 'highWatermark')).toBe('ok');
    expect(status(14, 'highWatermark')).toBe('ok');
    expect(status(15, 'highWatermark')).toBe('atEnd');
    expect(status(20, 'highWatermark')).toBe('atEnd');
    expect(status(21, 'highWatermark')).toBe('outOfRange');
    expect(status(15, 'logEndOffset')).toBe('ok');
    expect(status(20, 'logEndOffset')).toBe('atEnd');
    expect([plan.logStartOffset, plan.highWatermark, plan.logEndOffset]).toEqual([7, 15, 20]);
    log.marks.state = MarksState.OFFLINE;
    expect(status(7, 'highWatermark')).toBe('offline');
    log.marks.state = MarksState.DELETED;
    expect(status(7, 'highWatermark')).toBe('gone');
  });

  test('an offset inside a batch gives the batch from its start', () => {
    const log = new TestLog();
    log.append(5);
    log.append(5);
    expect(log.baseOffsets(7)).toEqual([5]);
  });

  test('stops at the bound, before the batch that reaches beyond it', () => {
    const log = new TestLog({ autoAdvance: false });
    for (let i = 0; i < 3; i++) log.append(5, 100);
    log.log.advanceHighWatermark(10);
    expect(log.baseOffsets(0)).toEqual([0, 5]);
  });

  test('gives at most maxBytes, but one whole batch if that is asked for', () => {
    const log = new TestLog();
    for (let i = 0; i < 3; i++) log.append(1, 1000);
    const batch = sizeAt(log, 0, 1, true);
    expect(batch).toBeGreaterThan(1000);
    expect(sizeAt(log, 0, batch + 10, true)).toBe(batch + 10);
    expect(sizeAt(log, 0, 100_000, true)).toBe(3 * batch);
    expect(sizeAt(log, 0, 7, false)).toBe(7);
    expect(sizeAt(log, 0, 0, false)).toBe(0);
  });

  test('at the tail a fetch costs one read and no lookup', () => {
    const fs = new CountingFileSystem();
    const log = new TestLog({ fs, config: { indexIntervalBytes: 100 } });
    const hint = new ReadCursor();
    for (let i = 0; i < 200; i++) log.append(1, 100);
    expect(fetch(log, 0, hint)).toBe('ok');
    expect(hint.offset).toBe(200);
    for (let i = 0; i < 10; i++) {
      log.append(3, 10);
      const before = fs.calls;
      expect(fetch(log, hint.offset, hint)).toBe('ok');
      expect(fs.calls - before).toBe(1);
      expect(hint.offset).toBe(203 + 3 * i);
      expect(fetch(log, hint.offset, hint)).toBe('atEnd');
    }
  });

  test('a consumer at the tail goes on in the next segment', () => {
    const log = new TestLog({ config: { segmentBytes: 500 } });
    const hint = new ReadCursor();
    let next = 0;
    for (let i = 0; i < 10; i++) {
      log.append(2, 100);
      while (fetch(log, next, hint) === 'ok') next = hint.offset;
      expect(next).toBe(2 * (i + 1));
    }
    expect(log.log.segments().length).toBeGreaterThan(3);
  });

  test('finds an offset in a large segment with a few reads', () => {
    const fs = new CountingFileSystem();
    const log = new TestLog({ fs, config: { indexIntervalBytes: 100 } });
    for (let i = 0; i < 3000; i++) log.append(1, 60);
    const plan = new ReadPlan();
    log.reader.locate(10, 'highWatermark', 100, true, null, plan);
    const before = fs.calls;
    log.reader.locate(1733, 'highWatermark', 100, true, null, plan);
    expect(fs.calls - before).toBeLessThan(10);
  });

  test('bytes that were read while the log was truncated do not count', async () => {
    const log = new TestLog();
    for (let i = 0; i < 4; i++) log.append(1, 100);
    const plan = new ReadPlan();
    log.reader.locate(2, 'highWatermark', 1000, true, null, plan);
    const bytes = Buffer.alloc(plan.size);
    const pending = log.reader.readAsync(plan, bytes, 0);
    log.log.truncateTo(3);
    expect(await pending).toBe(-1);
    expect(log.reader.read(plan, bytes, 0)).toBe(-1);
    expect(log.baseOffsets(0)).toEqual([0, 1, 2]);
  });

  test('a segment of the same name after a truncation is another file', () => {
    const log = new TestLog({ config: { segmentBytes: 300 } });
    for (let i = 0; i < 3; i++) log.append(1, 200);
    expect(log.records(0).length).toBe(3);
    log.log.truncateTo(1);
    log.clock.advance(1);
    for (let i = 0; i < 2; i++) log.append(1, 201);
    expect(log.records(0).map(({ value }) => value!.length)).toEqual([200, 201, 201]);
  });

  test('a segment that retention drops under a reader is out of range, not an error', () => {
    const log = new TestLog({ config: { segmentBytes: 300 } });
    for (let i = 0; i < 5; i++) log.append(1, 200);
    expect(log.baseOffsets(1)).toEqual([1, 2, 3, 4]);
    const plan = new ReadPlan();
    log.log.deleteRecordsBefore(3);
    expect(log.reader.locate(1, 'highWatermark', 1000, true, null, plan)).toBe('outOfRange');
    expect(log.baseOffsets(3)).toEqual([3, 4]);
  });

  test('a planned read whose file is gone by now says so', () => {
    const log = new TestLog({ config: { segmentBytes: 300 } });
    for (let i = 0; i < 3; i++) log.append(1, 200);
    const descriptors = new DescriptorCache(log.fs, 1);
    const reader = new PartitionReader({
      fs: log.fs,
      directory: log.directory,
      marks: log.marks,
      descriptors,
    });
    const plan = new ReadPlan();
    expect(reader.locate(0, 'highWatermark', 1000, true, null, plan)).toBe('ok');
    descriptors.closeAll();
    log.log.deleteRecordsBefore(2);
    expect(reader.read(plan, Buffer.alloc(1000), 0)).toBe(-1);
    reader.close();
  });

  test('an index that lies is found out: entries beyond the segment, into the middle of batches, or missing', () => {
    const log = new TestLog({ config: { segmentBytes: 3000, indexIntervalBytes: 100 } });
    for (let i = 0; i < 40; i++) log.append(1, 60);
    const path = `${log.directory}/00000000000000000000.index`;
    const good = log.fs.readFile(path);
    const lies: Buffer[] = [Buffer.alloc(0), Buffer.alloc(good.length), Buffer.from(good)];
    for (let at = 4; at < good.length; at += 8) lies[2]!.writeInt32BE(good.readInt32BE(at) + 7, at);
    lies.push(Buffer.from(good));
    for (let at = 4; at < good.length; at += 8) lies[3]!.writeInt32BE(1_000_000, at);
    for (const lie of lies) {
      log.fs.writeFileAtomic(path, lie, false);
      const reader = new TestLog({ fs: log.fs, config: log.log.config }).reader;
      const plan = new ReadPlan();
      for (const offset of [0, 5, 11, 17]) {
        expect(reader.locate(offset, 'highWatermark', 1, true, null, plan)).toBe('ok');
        const bytes = Buffer.alloc(plan.size);
        reader.read(plan, bytes, 0);
        expect(viewOf(bytes).getInt32(4)).toBe(offset);
      }
    }
  });

  test('keeps no file open after it was closed', () => {
    const fs = new MemoryFileSystem();
    const log = new TestLog({ fs, config: { segmentBytes: 300 } });
    for (let i = 0; i < 5; i++) log.append(1, 200);
    log.records(0);
    log.reader.offsetForTimestamp(0, 'highWatermark');
    log.reader.close();
    log.log.close();
    expect(fs.openCount).toBe(0);
  });

  test('the largest timestamp is looked for from the log start offset on', () => {
    const log = new TestLog();
    const stamp = (ms: number): void => {
      log.clock.setNow(ms);
      log.append();
    };
    for (const ms of [900, 100, 500, 300]) stamp(ms);
    const offset = (): number | undefined =>
      log.reader.offsetOfMaxTimestamp('highWatermark')?.offset;
    expect(offset()).toBe(0);
    log.log.deleteRecordsBefore(1);
    expect(offset()).toBe(2);
    expect(log.marks.cursor[Cursor.ACTIVE_MAX_TIMESTAMP]).toBe(900);
  });

  test('of a batch that unfolds to too much, or not at all, a lookup by time knows the ends', () => {
    const log = new TestLog({ config: { maxMessageBytes: 1 << 20 } });
    const put = (batch: Uint8Array): void => {
      const piece = pieceOf(batch);
      log.log.appendAsLeader([piece], 1);
      expect(piece.errorCode).toBe(0);
    };
    const pair = (timestamp: number, value: Uint8Array): Uint8Array =>
      buildBatch({
        codec: Codec.ZSTD,
        records: [
          { timestamp, value },
          { timestamp: timestamp + 10, value: Buffer.from('x') },
        ],
      });
    log.clock.setNow(1000);
    put(pair(100, Buffer.from('small')));
    put(pair(200, Buffer.alloc(33 * MIB)));
    const nonsense = pair(300, Buffer.from('never unfolded'));
    nonsense.fill(7, RECORDS_AT);
    const view = new DataView(nonsense.buffer, nonsense.byteOffset);
    view.setUint32(CRC_AT, crc32c(nonsense, ATTRIBUTES_AT, nonsense.length));
    put(nonsense);
    const at = (timestamp: number) => {
      const found = log.reader.offsetForTimestamp(timestamp, 'highWatermark');
      return found && [found.offset, found.timestamp];
    };
    expect([105, 205, 305].map(at)).toEqual([
      [1, 110],
      [2, 210],
      [4, 310],
    ]);
    expect(log.reader.offsetOfMaxTimestamp('highWatermark')?.offset).toBe(4);
    log.log.deleteRecordsBefore(5);
    expect(log.reader.offsetOfMaxTimestamp('highWatermark')?.offset).toBe(5);
    expect(at(305)).toEqual([5, 310]);
  });
});

import { describe, expect, test } from 'vitest';
import { batchOf, pieceOf, TestLog, viewOf } from '../../test/property/log-in-memory.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { SharedMemory } from '../base/shared-memory.ts';
import { batchLeaderEpoch, batchMaxTimestamp, isLogAppendTime } from '../format/batch.ts';
import { recordsOf } from '../format/records.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { type AppendPiece, createAppendPiece } from './append.ts';
import { Cursor } from './cursor.ts';

/** Counts the writes to `.log` files. */
class CountingFileSystem extends MemoryFileSystem {
  writes: number[] = [];

  override pwrite(fd: number, bytes: Uint8Array, at: number, size: number, position: number): void {
    this.writes.push(size);
    super.pwrite(fd, bytes, at, size, position);
  }
}

/** Batches in one shared memory, at the given distance from each other. */
function piecesIn(memory: SharedMemory, batches: Uint8Array[], gap: number): AppendPiece[] {
  let at = 8;
  return batches.map((batch) => {
    memory.bytes.set(batch, at);
    const piece = createAppendPiece(memory);
    piece.at = at;
    piece.size = batch.length;
    at += batch.length + gap;
    return piece;
  });
}

const appended = (pieces: AppendPiece[]): [number, number][] =>
  pieces.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]);

describe('append', () => {
  test('gives offsets and the leader epoch in order, and serves the batches as they came', () => {
    const log = new TestLog({ leaderEpoch: 4 });
    log.append(3);
    log.log.setLeaderEpoch(5);
    expect(log.append(2).baseOffset).toBe(3);
    const batches = log.batches(0, 10_000);
    expect(batches.map((batch) => batchLeaderEpoch(viewOf(batch), 0))).toEqual([4, 5]);
    expect(log.records(0).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
  });

  test('writes small batches with one write, wherever they lie', () => {
    const fs = new CountingFileSystem();
    const log = new TestLog({ fs, config: { maxMessageBytes: 10_000_000 } });
    const memory = SharedMemory.create(1 << 20);
    const batches = Array.from({ length: 20 }, (_, i) => batchOf(1, 100 + i, 1));
    const pieces = piecesIn(memory, batches, 13);
    log.log.appendAsLeader(pieces, 20);
    expect(fs.writes.length).toBe(1);
    expect(log.records(0).map(({ value }) => value!.length)).toEqual(
      batches.map((_, i) => 100 + i),
    );
  });

  test('writes batches that lie back to back with one write, however large', () => {
    const fs = new CountingFileSystem();
    const log = new TestLog({ fs, config: { maxMessageBytes: 10_000_000 } });
    const memory = SharedMemory.create(1 << 20);
    const batches = Array.from({ length: 4 }, () => batchOf(1, 50_000, 1));
    log.log.appendAsLeader(piecesIn(memory, batches, 0), 4);
    expect(fs.writes).toEqual([batches.reduce((sum, { length }) => sum + length, 0)]);
  });

  test('writes large batches from where they lie, between groups of small ones, in order', () => {
    const fs = new CountingFileSystem();
    const log = new TestLog({ fs, config: { maxMessageBytes: 10_000_000 } });
    const memory = SharedMemory.create(1 << 20);
    const sizes = [10, 20, 50_000, 60_000, 30, 40];
    const pieces = piecesIn(
      memory,
      sizes.map((size) => batchOf(1, size, 1)),
      5,
    );
    log.log.appendAsLeader(pieces, sizes.length);
    expect(fs.writes.length).toBe(4);
    expect(log.records(0).map(({ value }) => value!.length)).toEqual(sizes);
  });

  test('writes more small batches than fit the staging with a few writes', () => {
    const fs = new CountingFileSystem();
    const log = new TestLog({ fs, config: { indexIntervalBytes: 1 << 30, preallocate: false } });
    const pieces = Array.from({ length: 100 }, () => pieceOf(batchOf(1, 10_000, 1)));
    log.log.appendAsLeader(pieces, 100);
    expect(fs.writes.length).toBeLessThanOrEqual(5);
    expect(log.records(0).length).toBe(100);
  });

  test('a batch that is refused fails alone', () => {
    const log = new TestLog({ config: { maxMessageBytes: 500 } });
    const corrupt = pieceOf(batchOf(1, 100, 1));
    corrupt.source.bytes[80]! ^= 1;
    const pieces = [
      pieceOf(batchOf(2, 10, 1)),
      corrupt,
      pieceOf(batchOf(1, 600, 1)),
      pieceOf(batchOf(1, 10, 1)),
    ];
    log.log.appendAsLeader(pieces, 4);
    expect(appended(pieces)).toEqual([
      [ErrorCode.NONE, 0],
      [ErrorCode.CORRUPT_MESSAGE, -1],
      [ErrorCode.MESSAGE_TOO_LARGE, -1],
      [ErrorCode.NONE, 2],
    ]);
  });

  test('a batch larger than a segment is RECORD_LIST_TOO_LARGE', () => {
    const log = new TestLog({ config: { segmentBytes: 300 } });
    expect(log.append(1, 400).errorCode).toBe(ErrorCode.RECORD_LIST_TOO_LARGE);
    expect(log.append(1, 100).errorCode).toBe(ErrorCode.NONE);
  });

  test('LogAppendTime stamps every record with the time of append', () => {
    const log = new TestLog({ config: { messageTimestampType: 'LogAppendTime' } });
    const piece = pieceOf(batchOf(3, 10, 5));
    log.log.appendAsLeader([piece], 1);
    expect([piece.errorCode, piece.logAppendTimeMs]).toEqual([ErrorCode.NONE, 1_000_000]);
    const [batch] = log.batches(0, 10_000);
    expect(isLogAppendTime(viewOf(batch!).getInt16(21))).toBe(true);
    expect(batchMaxTimestamp(viewOf(batch!), 0)).toBe(1_000_000);
    expect(log.records(0).map(({ timestamp }) => timestamp)).toEqual(Array(3).fill(1_000_000));
    // The checksum is right: it is believed after a restart.
    const again = new TestLog({ fs: log.fs });
    expect(again.records(0).length).toBe(3);
  });

  test.each([
    ['gzip', 1],
    ['snappy', 2],
    ['lz4', 3],
    ['zstd', 4],
    ['uncompressed', 0],
  ] as const)('compression.type=%s stores every batch in that codec', (compressionType, codec) => {
    const log = new TestLog({ config: { compressionType } });
    const pieces = [0, 1, 4].map((from) => pieceOf(batchOf(2, 300, 1, { codec: from })));
    log.log.appendAsLeader(pieces, 3);
    expect(appended(pieces)).toEqual([
      [0, 0],
      [0, 2],
      [0, 4],
    ]);
    const batches = log.batches(0, 10_000);
    expect(batches.map((batch) => viewOf(batch).getInt16(21) & 7)).toEqual([codec, codec, codec]);
    expect(batches.flatMap((batch) => [...recordsOf(batch)]).map(({ offset }) => offset)).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
  });

  test('an event time years away from now is stored, and rolls the segment as segment.ms says', () => {
    const log = new TestLog({
      config: { segmentMs: 1000, messageTimestampAfterMaxMs: Number.POSITIVE_INFINITY },
    });
    for (const timestamp of [10, 500, 1011, 2 ** 41, 5]) {
      const piece = pieceOf(batchOf(1, 10, timestamp));
      log.log.appendAsLeader([piece], 1);
      expect(piece.errorCode).toBe(ErrorCode.NONE);
    }
    expect(log.log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 2, 3]);
  });

  test('an idle segment is rolled by the wall clock, not by event times of long ago', () => {
    const log = new TestLog({ config: { segmentMs: 1000 } });
    log.log.appendAsLeader([pieceOf(batchOf(1, 10, 5))], 1);
    expect(log.log.rollIfDue(log.clock.now() + 1000)).toBe(false);
    log.clock.advance(1001);
    expect(log.log.rollIfDue(log.clock.now())).toBe(true);
    expect(log.log.rollIfDue(log.clock.now() + 5000)).toBe(false);
    expect(log.log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 1]);
  });

  test('rolls when an index is full', () => {
    const log = new TestLog({ config: { segmentIndexBytes: 36, indexIntervalBytes: 50 } });
    for (let i = 0; i < 12; i++) {
      log.clock.advance(1);
      log.append(1, 10);
    }
    expect(log.log.segments().length).toBeGreaterThan(2);
    expect(log.baseOffsets(0).length).toBe(12);
  });

  test('extends a new segment to its full size, and cuts it when it is sealed or closed', () => {
    const log = new TestLog({ config: { segmentBytes: 1000 } });
    const sizeOf = (base: number): number =>
      log.fs.readFile(`${log.directory}/${base.toString().padStart(20, '0')}.log`).length;
    log.append(1, 800);
    expect(sizeOf(0)).toBe(1000);
    log.append(1, 800);
    const [sealed, active] = log.log.segments();
    expect(sizeOf(0)).toBe(sealed!.sizeBytes);
    expect(sizeOf(1)).toBe(1000);
    log.log.close();
    expect(sizeOf(1)).toBe(active!.sizeBytes);
  });

  test('an empty partition has no segment file until its first record', () => {
    const log = new TestLog();
    expect(log.names()).toEqual([]);
    expect(log.baseOffsets(0)).toEqual([]);
    log.append();
    expect(log.names()).toEqual(['00000000000000000000.log']);
  });

  test('a follower keeps offsets and epochs, and refuses a gap and a step back', () => {
    const log = new TestLog();
    const at = (baseOffset: number, leaderEpoch: number): AppendPiece =>
      pieceOf(batchOf(2, 10, 1, { baseOffset, leaderEpoch }));
    const pieces = [at(0, 3), at(2, 4), at(1, 4), at(7, 4), at(4, 6)];
    log.log.appendAsFollower(pieces, 5);
    expect(appended(pieces)).toEqual([
      [ErrorCode.NONE, 0],
      [ErrorCode.NONE, 2],
      [ErrorCode.OFFSET_OUT_OF_RANGE, -1],
      [ErrorCode.OFFSET_OUT_OF_RANGE, -1],
      [ErrorCode.NONE, 4],
    ]);
    expect(log.log.endOffsetForEpoch(3)).toEqual({ epoch: 3, endOffset: 2 });
    expect(log.log.endOffsetForEpoch(5)).toEqual({ epoch: 4, endOffset: 4 });
  });

  test('the high watermark follows only where it is told to', () => {
    const log = new TestLog({ autoAdvance: false });
    log.append(3);
    expect(log.marks.cursor[Cursor.HIGH_WATERMARK]).toBe(0);
    expect(log.baseOffsets(0)).toEqual([]);
    log.log.advanceHighWatermark(2);
    log.log.advanceHighWatermark(1);
    expect(log.marks.cursor[Cursor.HIGH_WATERMARK]).toBe(2);
    log.log.advanceHighWatermark(9);
    expect(log.marks.cursor[Cursor.HIGH_WATERMARK]).toBe(3);
  });

  test('the last stable offset waits for open transactions', () => {
    const log = new TestLog();
    log.append(1);
    const transaction = { producerId: 5, producerEpoch: 0, isTransactional: true };
    log.append(2, 10, { ...transaction, baseSequence: 0 });
    log.append(1);
    expect(log.marks.cursor[Cursor.LAST_STABLE_OFFSET]).toBe(1);
    const marker = pieceOf(batchOf(1, 6, 1, { ...transaction, isControl: true }));
    marker.flags = 2;
    log.log.appendAsLeader([marker], 1);
    expect([marker.errorCode, marker.baseOffset]).toEqual([0, 4]);
    expect(log.marks.cursor[Cursor.LAST_STABLE_OFFSET]).toBe(5);
  });
});

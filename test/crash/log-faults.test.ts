/**
 * Every file operation fails once, at every place: the disk is full, or broken. Whatever the log answered as appended
 * is there after the next start, once and in order; what it refused while it stayed usable is not.
 */

import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../engine/base/clock.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { Prng } from '../../engine/base/prng.ts';
import { batchBaseOffset, batchSize } from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { DescriptorCache } from '../../engine/io/descriptor-cache.ts';
import { FaultyFileSystem, type FaultyOperation } from '../../engine/io/faulty-file-system.ts';
import { type FileErrorCode, isFileError } from '../../engine/io/file-system.ts';
import type { AppendPiece } from '../../engine/log/append.ts';
import { Cursor, LocalMarks } from '../../engine/log/cursor.ts';
import { Manifest } from '../../engine/log/manifest.ts';
import { PartitionLog } from '../../engine/log/partition-log.ts';
import { PartitionReader, ReadPlan } from '../../engine/log/reader.ts';
import { pieceOf } from '../property/log-in-memory.ts';
import { smallConfig } from '../property/log-model.ts';

const DIRECTORY = '/data/t-0';

interface Opened {
  readonly log: PartitionLog;
  readonly manifest: Manifest;
  readonly marks: LocalMarks;
}

function open(fs: FaultyFileSystem, clock: ManualClock): Opened {
  const manifest = Manifest.open({ fs, path: '/data/manifest', bootId: 'boot' });
  const marks = new LocalMarks();
  const log = PartitionLog.open({
    fs,
    clock,
    directory: DIRECTORY,
    topic: 't',
    partition: 0,
    topicId: new Uint8Array(16).fill(7),
    config: { ...smallConfig, retentionBytes: 5000 },
    cursor: marks.cursor,
    leaderEpoch: 1,
    hint: manifest.take('t-0'),
    manifest,
    verifyTail: 'headers',
    onGenerationChange: marks.onGenerationChange,
    onTruncate: marks.onTruncate,
  });
  manifest.write();
  return { log, manifest, marks };
}

/** What the log promised: offset and value byte of every batch that was answered as appended. */
interface Promised {
  readonly baseOffset: number;
  readonly mark: number;
}

class Run {
  readonly fs: FaultyFileSystem;
  readonly clock = new ManualClock(1_000_000);
  promised: Promised[] = [];
  /** A step went wrong, or an append was refused. */
  failures = 0;
  #opened: Opened | null = null;
  #mark = 0;
  #producerId = 100;
  #sequence = 0;
  /** The log went offline: batches that were refused, or cut off, may be there beside those that were promised. */
  #isInDoubt = false;

  constructor(seed: number) {
    const prng = new Prng(seed);
    this.fs = new FaultyFileSystem(() => prng.float());
    this.fs.mkdir('/data');
  }

  /** The scenario: what a log lives through. Steps that fail are passed over, as its thread does. */
  play(): void {
    this.#attempt((fs, clock) => {
      this.#opened = open(fs, clock);
    });
    for (let round = 0; round < 5; round++) {
      this.#append(3, 120);
      this.#append(1, 900);
      this.#append(6, 40);
      this.#onLog(({ log }) => {
        if (round === 2) log.flush();
      });
      this.clock.advance(700);
    }
    this.#onLog(({ log }) => {
      const target = log.cursor[Cursor.LOG_END_OFFSET]! - 3;
      this.#startProducer();
      const before = this.promised;
      this.promised = before.filter(({ baseOffset }) => baseOffset < target);
      try {
        log.truncateTo(target);
      } finally {
        // It failed before anything was done.
        if (log.cursor[Cursor.LOG_END_OFFSET]! > target) this.promised = before;
      }
    });
    this.#append(4, 100);
    this.#onLog(({ log }) => log.applyRetention(this.clock.now()));
    this.#onLog(({ log }) => {
      log.deleteRecordsBefore(log.segments().at(-1)!.baseOffset);
    });
    this.#append(2, 100);
    this.#onLog(({ log, manifest }) => {
      log.close();
      manifest.close();
    });
    this.#attempt((fs, clock) => {
      this.#opened = open(fs, clock);
    });
    this.#append(2, 100);
  }

  /** The process is killed; a new one must find what was promised.  */
  check(): void {
    this.#noteDoubt();
    this.fs.setFault(null);
    this.fs.restart('kill');
    const { log, marks } = open(this.fs, this.clock);
    const found = read(this.fs, marks);
    const start = log.cursor[Cursor.LOG_START_OFFSET]!;
    const wanted = this.promised.filter(({ baseOffset }) => baseOffset >= start);
    const offsets = new Set(wanted.map(({ baseOffset }) => baseOffset));
    const promised = found.filter(({ baseOffset }) => offsets.has(baseOffset));
    expect(this.#isInDoubt ? promised : found).toEqual(wanted);
    expect(found.map(({ baseOffset }, i) => baseOffset - i)).toEqual(
      found.map(() => found[0]!.baseOffset),
    );
    expect(this.fs.readdir(DIRECTORY).filter((name) => /\.(tmp|deleted)$/.test(name))).toEqual([]);
    // It goes on as if nothing had been.
    const piece = this.#piece(100);
    log.appendAsLeader([piece], 1);
    expect(piece.errorCode).toBe(ErrorCode.NONE);
  }

  #append(count: number, valueBytes: number): void {
    this.#onLog(({ log }) => {
      const pieces: AppendPiece[] = [];
      const marks: number[] = [];
      for (let i = 0; i < count; i++) {
        pieces.push(this.#piece(valueBytes));
        marks.push(this.#mark);
      }
      log.appendAsLeader(pieces, count);
      pieces.forEach(({ errorCode, baseOffset }, i) => {
        if (errorCode === ErrorCode.NONE) this.promised.push({ baseOffset, mark: marks[i]! });
        else {
          expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
          this.failures++;
          this.#startProducer();
        }
      });
    });
  }

  #noteDoubt(): void {
    this.#isInDoubt ||= this.#opened === null || this.#opened.log.isOffline;
  }

  #startProducer(): void {
    this.#producerId++;
    this.#sequence = 0;
  }

  #piece(valueBytes: number): AppendPiece {
    this.#mark = (this.#mark + 1) % 250;
    const bytes = buildBatch({
      producerId: this.#producerId,
      producerEpoch: 0,
      baseSequence: this.#sequence++,
      records: [{ timestamp: this.clock.now(), value: Buffer.alloc(valueBytes, this.#mark) }],
    });
    return pieceOf(Uint8Array.from(bytes));
  }

  #onLog(step: (opened: Opened) => void): void {
    const opened = this.#opened;
    this.#noteDoubt();
    if (opened === null || opened.log.isOffline) return;
    this.#attempt(() => {
      step(opened);
      opened.manifest.write();
    });
  }

  #attempt(step: (fs: FaultyFileSystem, clock: ManualClock) => void): void {
    try {
      step(this.fs, this.clock);
    } catch (error) {
      if (!isFileError(error)) throw error;
      this.failures++;
    }
  }
}

function read(fs: FaultyFileSystem, marks: LocalMarks): Promised[] {
  const descriptors = new DescriptorCache(fs, 10);
  const reader = new PartitionReader({ fs, directory: DIRECTORY, marks, descriptors });
  const plan = new ReadPlan();
  const found: Promised[] = [];
  let offset = marks.cursor[Cursor.LOG_START_OFFSET]!;
  const buffer = Buffer.alloc(10_000);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  while (reader.locate(offset, 'logEndOffset', 10_000, true, null, plan) === 'ok') {
    const count = reader.read(plan, buffer, 0);
    for (let at = 0; at < count; at += batchSize(view, at)) {
      const baseOffset = batchBaseOffset(view, at);
      // The value is all the same byte, and a header count of zero ends the record.
      found.push({ baseOffset, mark: buffer[at + batchSize(view, at) - 2]! });
      offset = baseOffset + 1;
    }
  }
  reader.close();
  return found;
}

const operations: FaultyOperation[] = [
  'open',
  'close',
  'pread',
  'pwrite',
  'truncate',
  'size',
  'sync',
  'readdir',
  'mkdir',
  'rename',
  'unlink',
  'readFile',
  'writeFileAtomic',
  'syncDir',
];

describe('a file operation fails', () => {
  test('without a fault the scenario passes, and leaves what was promised', () => {
    const run = new Run(1);
    run.play();
    expect(run.failures).toBe(0);
    run.check();
  });

  for (const kind of ['disk-full', 'io'] satisfies FileErrorCode[]) {
    test.each(operations)(
      `${kind} in any call of %s loses nothing that was answered`,
      (operation) => {
        for (let call = 1; ; call++) {
          const run = new Run(call);
          run.fs.setFault({ call, operation, kind });
          run.play();
          run.check();
          if (run.failures === 0 && call > 60) break;
          if (call > 400) break;
        }
      },
    );
  }

  test('a disk that stays full refuses appends, serves what it has, and takes more when there is room', () => {
    const fs = new FaultyFileSystem(() => 0.5);
    fs.mkdir('/data');
    const clock = new ManualClock(1_000_000);
    const { log, marks } = open(fs, clock);
    const batch = (mark: number): AppendPiece => {
      const records = [{ timestamp: 1, value: Buffer.alloc(50, mark) }];
      return pieceOf(Uint8Array.from(buildBatch({ records })));
    };
    const first = batch(1);
    log.appendAsLeader([first], 1);
    expect(first.errorCode).toBe(ErrorCode.NONE);
    fs.setFault({ call: 1, operation: 'pwrite', kind: 'disk-full', isLasting: true });
    const refused = [batch(2), batch(3)];
    log.appendAsLeader(refused, 2);
    expect(refused.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.KAFKA_STORAGE_ERROR,
      ErrorCode.KAFKA_STORAGE_ERROR,
    ]);
    expect(log.isOffline).toBe(false);
    expect(read(fs, marks)).toEqual([{ baseOffset: 0, mark: 1 }]);
    fs.setFault(null);
    const later = batch(4);
    log.appendAsLeader([later], 1);
    expect([later.errorCode, later.baseOffset]).toEqual([ErrorCode.NONE, 1]);
    expect(read(fs, marks)).toEqual([
      { baseOffset: 0, mark: 1 },
      { baseOffset: 1, mark: 4 },
    ]);
  });

  test('a broken disk takes the log offline: appends are refused, reads go on', () => {
    const fs = new FaultyFileSystem(() => 0.5);
    fs.mkdir('/data');
    const { log, marks } = open(fs, new ManualClock(1_000_000));
    const batch = (): AppendPiece => {
      return pieceOf(Uint8Array.from(buildBatch({ records: [{ timestamp: 1, value: null }] })));
    };
    const pieces = [batch(), batch(), batch()];
    log.appendAsLeader([pieces[0]!], 1);
    fs.setFault({ call: 1, operation: 'pwrite', kind: 'io' });
    log.appendAsLeader([pieces[1]!], 1);
    log.appendAsLeader([pieces[2]!], 1);
    expect(pieces.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.NONE,
      ErrorCode.KAFKA_STORAGE_ERROR,
      ErrorCode.KAFKA_STORAGE_ERROR,
    ]);
    expect(log.isOffline).toBe(true);
    expect(read(fs, marks).length).toBe(1);
  });
});

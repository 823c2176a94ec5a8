/**
 * A log that other threads append to in between is, byte for byte and number for number, the log that its own thread would
 * have made alone: segments, indexes, marks. Any sequence of batches, epochs, configurations, flushes, truncations, rolls.
 * And whoever appends, zeros that are written ahead of the log's end cover nothing that was written before.
 */

import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../engine/base/clock.ts';
import { ZERO_AHEAD_BYTES } from '../../engine/base/limits.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { DescriptorCache } from '../../engine/io/descriptor-cache.ts';
import { MemoryFileSystem } from '../../engine/io/memory-file-system.ts';
import { createAppendPiece } from '../../engine/log/append.ts';
import { Cursor, LocalMarks } from '../../engine/log/cursor.ts';
import { DirectAppender } from '../../engine/log/direct-append.ts';
import { IndexNotes } from '../../engine/log/index-notes.ts';
import { defaultLogConfig, type LogConfig } from '../../engine/log/log-config.ts';
import { PartitionLog } from '../../engine/log/partition-log.ts';

const directory = '/data/t-0';
const startMs = 1_700_000_000_000;

const batch = fc.record({
  verb: fc.constant('append' as const),
  values: fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 3 }),
  laterMs: fc.integer({ min: -50, max: 50 }),
  producer: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  isBad: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});
const command = fc.oneof(
  { weight: 25, arbitrary: batch },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('epoch' as const) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('maintain' as const) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('truncate' as const), back: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constant('configure' as const),
      config: fc.constantFrom<Partial<LogConfig>>(
        {},
        {},
        {},
        {},
        { flushMessages: 3 },
        { messageTimestampType: 'LogAppendTime' },
        { compressionType: 'gzip' },
        { maxMessageBytes: 300 },
        { segmentMs: 40 },
        { messageTimestampAfterMaxMs: 20 },
      ),
    }),
  },
);

const small: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 5000,
  indexIntervalBytes: 900,
  segmentIndexBytes: 80,
  messageTimestampAfterMaxMs: 1000,
};

/** The same with batches large enough for zeros ahead of the end; a segment's size is no multiple of their pieces. */
const large: LogConfig = { ...small, segmentBytes: 1_300_000, indexIntervalBytes: 200_000 };
const LARGE_TIMES = 1500;

/** Watches over what a write of nothing but zeros covers. */
class WatchedFileSystem extends MemoryFileSystem {
  zeroCount = 0;

  override pwrite(fd: number, bytes: Uint8Array, at: number, size: number, position: number): void {
    if (size === ZERO_AHEAD_BYTES && isZero(bytes.subarray(at, at + size))) {
      this.zeroCount++;
      const before = Buffer.alloc(size);
      this.pread(fd, before, 0, size, position);
      expect(isZero(before)).toBe(true);
      expect(position % ZERO_AHEAD_BYTES).toBe(0);
      expect(position + size).toBeLessThanOrEqual(large.segmentBytes);
    }
    super.pwrite(fd, bytes, at, size, position);
  }
}

const zeros = Buffer.alloc(ZERO_AHEAD_BYTES);
const isZero = (bytes: Uint8Array): boolean => zeros.equals(bytes);

class Subject {
  readonly fs = new WatchedFileSystem();
  readonly clock = new ManualClock(startMs);
  readonly marks = new LocalMarks();
  readonly log: PartitionLog;
  readonly direct: DirectAppender;
  readonly notes = new IndexNotes(new Float64Array(IndexNotes.length(3)));
  directBytes = 0;
  directCount = 0;
  noteCount = 0;

  constructor(config: LogConfig) {
    this.log = PartitionLog.open({
      fs: this.fs,
      clock: this.clock,
      directory,
      topic: 't',
      partition: 0,
      topicId: null,
      config,
      cursor: this.marks.cursor,
      leaderEpoch: 0,
      onTruncate: this.marks.onTruncate,
    });
    this.direct = new DirectAppender(new DescriptorCache(this.fs, 8));
  }

  /** What the shard does around everything. */
  asOwner<T>(action: (log: PartitionLog) => T): T {
    const { cursor } = this.marks;
    this.notes.drain((_, ...note) => {
      this.noteCount++;
      this.log.noteDirectIndex(...note);
    });
    this.log.noteDirect(cursor[Cursor.DIRECT_BYTES]! - this.directBytes, this.clock.now());
    this.directBytes = cursor[Cursor.DIRECT_BYTES]!;
    const result = action(this.log);
    this.log.offerDirect(true);
    return result;
  }

  append(bytes: Uint8Array, mayBeDirect: boolean): [errorCode: number, baseOffset: number] {
    const copy = Buffer.from(bytes);
    const source = { bytes: copy, view: new DataView(copy.buffer, copy.byteOffset, copy.length) };
    const { cursor } = this.marks;
    const publish = { begin: () => undefined, end: () => undefined };
    const marks = { leaderEpoch: this.log.leaderEpoch, truncations: this.marks.truncations };
    if (
      mayBeDirect &&
      this.direct.isFit(cursor, source, 0, copy.length, this.clock.now()) &&
      this.direct.append(
        7,
        { directory, cursor, publish, notes: this.notes },
        { source, at: 0, size: copy.length },
        marks,
      )
    ) {
      this.directCount++;
      return [0, this.direct.baseOffset];
    }
    const piece = createAppendPiece(source);
    piece.size = copy.length;
    this.asOwner((log) => log.appendAsLeader([piece], 1));
    return [piece.errorCode, piece.baseOffset];
  }

  /** All that is to be the same. */
  numbers(): number[] {
    return [...this.marks.cursor.subarray(0, Cursor.DIRECT_BYTES)];
  }

  files(): Record<string, string> {
    const files: Record<string, string> = {};
    for (const name of this.fs.readdir(directory).sort()) {
      files[name] = hash('sha1', this.fs.readFile(`${directory}/${name}`));
    }
    return files;
  }
}

test.each([
  { config: small, times: 1, numRuns: 150, directs: 1000, notes: 100, zeroed: 0 },
  { config: large, times: LARGE_TIMES, numRuns: 30, directs: 200, notes: 20, zeroed: 50 },
])('direct append: a log with helpers equals one without, batches times $times', (scale) => {
  const { config, times, numRuns } = scale;
  let directCount = 0;
  let noteCount = 0;
  let zeroCount = 0;
  fc.assert(
    fc.property(fc.array(command, { minLength: 30, maxLength: 150, size: 'max' }), (commands) => {
      const alone = new Subject(config);
      const helped = new Subject(config);
      const both = [alone, helped];
      const sequences = new Map<number, number>();
      let nowMs = startMs;
      for (const step of commands) {
        if (step.verb === 'append') {
          nowMs += step.laterMs;
          const sequence = sequences.get(1) ?? 0;
          const bytes = buildBatch({
            records: step.values.map((size) => ({
              value: Buffer.alloc(size * times, 'v'),
              timestamp: nowMs,
            })),
            ...(step.producer ? { producerId: 1, producerEpoch: 0, baseSequence: sequence } : {}),
          });
          if (step.isBad) bytes[bytes.length - 1]! ^= 0xff;
          const outcomes = both.map((subject) => subject.append(bytes, subject === helped));
          expect(outcomes[1]).toEqual(outcomes[0]);
          if (step.producer && outcomes[0]![0] === 0) {
            sequences.set(1, sequence + step.values.length);
          }
        } else if (step.verb === 'epoch') {
          for (const each of both) each.asOwner((log) => log.setLeaderEpoch(log.leaderEpoch + 1));
        } else if (step.verb === 'flush') {
          for (const each of both) each.asOwner((log) => log.flush());
        } else if (step.verb === 'maintain') {
          for (const each of both) {
            each.clock.advance(10);
            each.asOwner((log) => {
              log.rollIfDue(each.clock.now());
              log.maintain(each.clock.now());
              expect(log.flushDue(each.clock.now() + 10_000)).toBe(
                log.cursor[Cursor.RECOVERY_POINT]! < log.cursor[Cursor.LOG_END_OFFSET]!,
              );
            });
          }
        } else if (step.verb === 'truncate') {
          for (const each of both) {
            each.asOwner((log) => {
              log.truncateTo(Math.max(0, log.cursor[Cursor.LOG_END_OFFSET]! - step.back));
            });
          }
          // Producers were rolled back with the log.
          sequences.set(1, alone.log.producers()[0]?.lastSequence ?? -1);
          sequences.set(1, sequences.get(1)! + 1);
        } else {
          for (const each of both) {
            each.asOwner((log) => log.updateConfig({ ...config, ...step.config }));
          }
        }
        expect(helped.numbers()).toEqual(alone.numbers());
      }
      directCount += helped.directCount;
      noteCount += helped.noteCount;
      zeroCount += helped.fs.zeroCount;
      for (const each of both) each.asOwner((log) => log.close());
      expect(helped.files()).toEqual(alone.files());
    }),
    { numRuns },
  );
  // Otherwise the test said nothing.
  expect(directCount).toBeGreaterThan(scale.directs);
  expect(noteCount).toBeGreaterThan(scale.notes);
  expect(zeroCount).toBeGreaterThanOrEqual(scale.zeroed);
});

/**
 * A log that other threads append to in between is, byte for byte and number for number, the log that its own thread would
 * have made alone: segments, indexes, marks. Any sequence of batches, epochs, configurations, flushes, truncations, rolls.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../engine/base/clock.ts';
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

class Subject {
  readonly fs = new MemoryFileSystem();
  readonly clock = new ManualClock(startMs);
  readonly marks = new LocalMarks();
  readonly log: PartitionLog;
  readonly direct: DirectAppender;
  readonly notes = new IndexNotes(new Float64Array(IndexNotes.length(3)));
  directBytes = 0;
  directCount = 0;
  noteCount = 0;

  constructor() {
    this.log = PartitionLog.open({
      fs: this.fs,
      clock: this.clock,
      directory,
      topic: 't',
      partition: 0,
      topicId: null,
      config: small,
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
      files[name] = this.fs.readFile(`${directory}/${name}`).toString('base64');
    }
    return files;
  }
}

test('direct append: a log with helpers equals one without', () => {
  let directCount = 0;
  let noteCount = 0;
  fc.assert(
    fc.property(fc.array(command, { minLength: 30, maxLength: 150, size: 'max' }), (commands) => {
      const alone = new Subject();
      const helped = new Subject();
      const both = [alone, helped];
      const sequences = new Map<number, number>();
      let nowMs = startMs;
      for (const step of commands) {
        if (step.verb === 'append') {
          nowMs += step.laterMs;
          const sequence = sequences.get(1) ?? 0;
          const bytes = buildBatch({
            records: step.values.map((size) => ({
              value: Buffer.alloc(size, 'v'),
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
            each.asOwner((log) => log.updateConfig({ ...small, ...step.config }));
          }
        }
        expect(helped.numbers()).toEqual(alone.numbers());
      }
      directCount += helped.directCount;
      noteCount += helped.noteCount;
      for (const each of both) each.asOwner((log) => log.close());
      expect(helped.files()).toEqual(alone.files());
    }),
    { numRuns: 150 },
  );
  // Otherwise the test said nothing.
  expect(directCount).toBeGreaterThan(1000);
  expect(noteCount).toBeGreaterThan(100);
});

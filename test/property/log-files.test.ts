/** Laws of the parts: lookups in an index against a linear scan, the walk over a segment file, recovery after any cut. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../engine/base/crc32c.ts';
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchCrc,
} from '../../engine/format/batch.ts';
import { putOffsetEntry, putTimeEntry, SNAPSHOT_SUFFIX } from '../../engine/format/index-layout.ts';
import { LEADER_EPOCH_FILE } from '../../engine/format/leader-epoch-checkpoint.ts';
import { scanBatches } from '../../engine/format/scan.ts';
import { MemoryFileSystem } from '../../engine/io/memory-file-system.ts';
import { Cursor } from '../../engine/log/cursor.ts';
import { found, searchOffset, searchTimestamp } from '../../engine/log/index-search.ts';
import { Manifest, type ManifestEntry } from '../../engine/log/manifest.ts';
import { logPath } from '../../engine/log/segment-files.ts';
import { WalkBuffer, walkSegment } from '../../engine/log/segment-walk.ts';
import { batchOf, TestLog, viewOf } from './log-in-memory.ts';

const runs = Number(process.env.LOG_RUNS ?? 100);

function fileOf(bytes: Uint8Array): { fs: MemoryFileSystem; fd: number } {
  const fs = new MemoryFileSystem();
  fs.writeFileAtomic('/file', bytes, false);
  return { fs, fd: fs.open('/file', 'read') };
}

const rising = (max: number) =>
  fc.array(fc.integer({ min: 1, max }), { maxLength: 2000, size: 'max' }).map((steps) => {
    let sum = 0;
    return steps.map((step) => (sum += step));
  });

describe('index lookup', () => {
  test('finds in an offset index what a linear scan finds', () => {
    fc.assert(
      fc.property(
        rising(20),
        fc.array(fc.integer({ min: -1, max: 45_000 })),
        (offsets, targets) => {
          const bytes = Buffer.alloc(offsets.length * 8);
          offsets.forEach((relativeOffset, i) => {
            putOffsetEntry(viewOf(bytes), i * 8, { relativeOffset, position: i * 3 });
          });
          const { fs, fd } = fileOf(bytes);
          for (const target of [...targets, ...offsets.slice(0, 3)]) {
            const wanted = offsets.findLastIndex((offset) => offset <= target);
            expect(searchOffset(fs, fd, offsets.length, target)).toBe(wanted >= 0);
            expect(found.entry).toBe(wanted);
            expect(found.position).toBe(Math.max(0, wanted * 3));
          }
        },
      ),
      { numRuns: runs },
    );
  });

  test('finds in a time index what a linear scan finds', () => {
    fc.assert(
      fc.property(rising(1e9), fc.array(fc.integer({ min: -1, max: 1e12 })), (times, targets) => {
        const bytes = Buffer.alloc(times.length * 12);
        times.forEach((timestamp, i) => {
          putTimeEntry(viewOf(bytes), i * 12, { timestamp, relativeOffset: i * 2 });
        });
        const { fs, fd } = fileOf(bytes);
        for (const target of [...targets, ...times.slice(-3)]) {
          const wanted = times.findLastIndex((timestamp) => timestamp <= target);
          expect(searchTimestamp(fs, fd, times.length, target)).toBe(wanted >= 0);
          expect(found.timestamp).toBe(wanted < 0 ? -1 : times[wanted]);
        }
      }),
      { numRuns: runs },
    );
  });
});

/** Batches back to back, from tiny to larger than every window of the walk. */
const segment = fc
  .array(
    fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      bytes: fc.oneof(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 9000 }),
        fc.constant(400_000),
      ),
    }),
    { maxLength: 30 },
  )
  .map((batches) => {
    let baseOffset = 0;
    return Buffer.concat(
      batches.map(({ count, bytes }) => {
        const batch = batchOf(count, bytes, 1, { baseOffset });
        baseOffset += count;
        return batch;
      }),
    );
  });

/** Below 1 and evenly spread: a double of fast-check is nearly always next to 0. */
const share = fc.integer({ min: 0, max: 9999 }).map((of10000) => of10000 / 10_000);

/** What may be behind the last whole batch of a file, or in the middle of it. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('none' as const) }),
  fc.record({ kind: fc.constant('cut' as const), share }),
  fc.record({ kind: fc.constant('zeros' as const), count: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({ kind: fc.constant('flip' as const), share }),
);
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(bytes: Buffer, how: Damage): Buffer {
  if (how.kind === 'cut') return bytes.subarray(0, Math.floor(bytes.length * how.share));
  if (how.kind === 'zeros') return Buffer.concat([bytes, Buffer.alloc(how.count)]);
  const copy = Buffer.from(bytes);
  if (how.kind === 'flip' && copy.length > 0) copy[Math.floor(copy.length * how.share)]! ^= 0x20;
  return copy;
}

describe('walk over a segment', () => {
  test('in windows finds what one scan over all bytes finds', () => {
    fc.assert(
      fc.property(segment, damage, fc.boolean(), (bytes, how, checkCrc) => {
        const file = damaged(bytes, how);
        const scan = scanBatches(file, viewOf(file), 0, file.length, { checkCrc });
        const { fs, fd } = fileOf(file);
        const positions: number[] = [];
        const walk = walkSegment(
          { fs, fd, buffer: new WalkBuffer(), from: 0, to: file.length, checkCrc },
          (view, at, position) => {
            expect(batchBaseOffset(view, at)).toBe(batchBaseOffset(viewOf(file), position));
            positions.push(position);
            return true;
          },
        );
        expect(walk.position).toBe(scan.validBytes);
        expect(walk.stopReason).toBe(scan.stopReason);
        expect(positions.length).toBe(scan.batchCount);
      }),
      { numRuns: runs },
    );
  });
});

const none = new Uint8Array(0);

describe('recovery', () => {
  test('keeps exactly the whole batches in front of any cut, damage or garbage', () => {
    fc.assert(
      fc.property(segment, damage, fc.uint8Array({ maxLength: 300 }), (bytes, how, garbage) => {
        const file = Buffer.concat([damaged(bytes, how), how.kind === 'zeros' ? garbage : none]);
        const scan = scanBatches(file, viewOf(file), 0, file.length);
        const fs = new MemoryFileSystem();
        fs.mkdir('/data/t-0');
        const path = '/data/t-0/00000000000000000000.log';
        fs.writeFileAtomic(path, file, false);
        const log = new TestLog({
          fs,
          config: { indexIntervalBytes: 500, maxMessageBytes: 1 << 24 },
        });
        const kept = log.batches(0, 1 << 20);
        expect(Buffer.concat(kept).equals(file.subarray(0, scan.validBytes))).toBe(true);
        expect(fs.readFile(path).length).toBe(scan.validBytes);
        expect(log.append().baseOffset).toBe(scan.lastOffset + 1);
      }),
      { numRuns: runs },
    );
  });
});

/** A batch of the log that is killed: some are of an idempotent producer, some the first of a leader epoch. */
const appended = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  bytes: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 1500 })),
  producer: fc.integer({ min: -1, max: 1 }),
  isNewEpoch: fc.boolean(),
  isFlushed: fc.integer({ min: 0, max: 9 }).map((of10) => of10 === 0),
});
type Appended = typeof appended extends fc.Arbitrary<infer T> ? T : never;

/** What the kill, or worse, left of the active segment; shares are of its unflushed bytes, or of the last write. */
const blow = fc.oneof(
  fc.record({ kind: fc.constant('torn' as const), share: share, isFilled: fc.boolean() }),
  fc.record({ kind: fc.constant('cut' as const), share: share, isFilled: fc.boolean() }),
  fc.record({ kind: fc.constant('flip' as const), share: share }),
  fc.record({ kind: fc.constant('garbage' as const), bytes: fc.uint8Array({ maxLength: 200 }) }),
);
type Blow = typeof blow extends fc.Arbitrary<infer T> ? T : never;

const killedConfig = { segmentBytes: 8000, indexIntervalBytes: 300, maxMessageBytes: 10_000 };

/** A log whose process was killed, as it lies on the disk. Two calls make the same files. */
class KilledLog {
  readonly fs = new MemoryFileSystem();
  /** The unflushed bytes of the active segment once the blow has fallen, and the offset before them. */
  readonly tail: Buffer;
  readonly offsetAbove: number;
  readonly #nextSequence = new Map<number, number>();

  constructor(batches: readonly Appended[], last: readonly Appended[], how: Blow) {
    this.fs.mkdir('/data');
    const manifest = this.#manifest('before');
    const log = new TestLog({ fs: this.fs, manifest, config: killedConfig });
    for (const batch of batches) {
      if (batch.isNewEpoch) log.log.setLeaderEpoch(log.log.leaderEpoch + 1);
      log.append(batch.count, batch.bytes, this.#fieldsOf(batch));
      if (batch.isFlushed) log.log.flush();
      log.clock.advance(10);
    }
    manifest.write();
    const { activeBaseOffset, position, recoveryPoint } = log.log.describe();
    const { baseOffset, sizeBytes } = log.log.segments().at(-1)!;
    const isWithin = baseOffset === activeBaseOffset;
    this.offsetAbove = isWithin ? recoveryPoint - 1 : baseOffset - 1;
    let next = log.marks.cursor[Cursor.LOG_END_OFFSET]!;
    const write = Buffer.concat(
      last.map((batch) => {
        const bytes = batchOf(batch.count, batch.bytes, 2_000_000, {
          ...this.#fieldsOf(batch),
          baseOffset: next,
        });
        next += batch.count;
        return bytes;
      }),
    );
    this.tail = this.#strike(
      { baseOffset, from: isWithin ? position : 0, to: sizeBytes },
      write,
      how,
    );
  }

  /** Opened after the kill alone, when headers will do, or after a boot. */
  open(boot: 'before' | 'after'): TestLog {
    const manifest = this.#manifest(boot);
    const hint: ManifestEntry | null = manifest.take('t-0');
    expect(hint?.isSameBoot).toBe(boot === 'before');
    return new TestLog({ fs: this.fs, manifest, hint, config: killedConfig });
  }

  #manifest(bootId: string): Manifest {
    return Manifest.open({ fs: this.fs, path: '/data/manifest', bootId });
  }

  #fieldsOf({ producer, count }: Appended) {
    if (producer < 0) return {};
    const baseSequence = this.#nextSequence.get(producer) ?? 0;
    this.#nextSequence.set(producer, baseSequence + count);
    return { producerId: 100 + producer, producerEpoch: 0, baseSequence };
  }

  /** Changes [from, to) of the segment, or what follows; returns what lies behind `from` then. */
  #strike(
    segment: { baseOffset: number; from: number; to: number },
    write: Buffer,
    how: Blow,
  ): Buffer {
    const { from, to } = segment;
    const path = logPath('/data/t-0', segment.baseOffset);
    const file = this.fs.exists(path) ? this.fs.readFile(path) : Buffer.alloc(0);
    const isFilled = !('isFilled' in how) || how.isFilled;
    const whole = file.subarray(from, to);
    let tail: Buffer;
    if (how.kind === 'torn') {
      tail = Buffer.concat([whole, write.subarray(0, Math.floor(how.share * write.length))]);
    } else if (how.kind === 'cut') {
      tail = whole.subarray(0, Math.floor(how.share * whole.length));
    } else if (how.kind === 'garbage') {
      tail = Buffer.concat([whole, how.bytes]);
    } else {
      tail = Buffer.from(whole);
      if (tail.length > 0) tail[Math.floor(how.share * tail.length)]! ^= 0x20;
    }
    const room = Math.max(0, killedConfig.segmentBytes - from - tail.length);
    if (isFilled) tail = Buffer.concat([tail, Buffer.alloc(room)]);
    this.fs.writeFileAtomic(path, Buffer.concat([file.subarray(0, from), tail]), false);
    return tail;
  }
}

/** Whether the batch that ends a scan over headers has its checksum right. */
function isLastWhole(bytes: Buffer, offsetAbove: number): boolean {
  let isWhole = true;
  scanBatches(bytes, viewOf(bytes), 0, bytes.length, {
    checkCrc: false,
    offsetAbove,
    onBatch: (at, size) => {
      expect(size).toBeGreaterThanOrEqual(BATCH_HEADER_BYTES);
      isWhole = batchCrc(viewOf(bytes), at) === crc32c(bytes, at + ATTRIBUTES_AT, at + size);
    },
  });
  return isWhole;
}

/** All that can be known of a log: its marks and producers, and its files when it went on and was closed in order. */
function everythingOf(opened: TestLog) {
  const { log, marks, fs, directory } = opened;
  // What comes after the marks is about how the next appends are made.
  const found = {
    marks: [...marks.cursor.subarray(0, Cursor.DIRECT_BYTES)],
    state: log.describe(),
    all: log.producers(),
  };
  opened.append();
  log.close();
  // The leader epochs' file is written when they changed on the way; what they are, the description says. And of producer
  // snapshots the last counts: after a boot those ahead of the recovery point are not kept.
  const all = fs.readdir(directory).sort();
  const lastSnapshot = all.findLast((name) => name.endsWith(SNAPSHOT_SUFFIX));
  const isCompared = (name: string): boolean =>
    name.endsWith(SNAPSHOT_SUFFIX) ? name === lastSnapshot : name !== LEADER_EPOCH_FILE;
  const names = all.filter(isCompared);
  const files = names.map((name) => ({
    name,
    bytes: fs.readFile(`${directory}/${name}`).toString('latin1'),
  }));
  // An index without entries is as good as none.
  return { ...found, files: files.filter(({ bytes }) => bytes.length > 0) };
}

describe('recovery after a kill', () => {
  test('by headers finds what all checksums find, unless the last batch vouches for damage before it', () => {
    fc.assert(
      fc.property(
        fc.array(appended, { maxLength: 25, size: 'max' }),
        fc.array(appended, { minLength: 1, maxLength: 3 }),
        blow,
        (batches, last, how) => {
          const killed = new KilledLog(batches, last, how);
          const fast = killed.open('before');
          const slow = new KilledLog(batches, last, how).open('after');
          const { tail, offsetAbove } = killed;
          const scan = (checkCrc: boolean) =>
            scanBatches(tail, viewOf(tail), 0, tail.length, { checkCrc, offsetAbove });
          const isVouched = isLastWhole(tail, offsetAbove);
          const isSame = !isVouched || scan(false).validBytes === scan(true).validBytes;
          const expected = scan(!isVouched);
          const endOffset = expected.batchCount > 0 ? expected.lastOffset + 1 : offsetAbove + 1;
          expect(fast.marks.cursor[Cursor.LOG_END_OFFSET]).toBe(endOffset);
          // A kill leaves finished writes whole: only a byte that went wrong by itself may be believed.
          if (how.kind !== 'flip') expect(isSame).toBe(true);
          if (isSame) expect(everythingOf(fast)).toEqual(everythingOf(slow));
        },
      ),
      { numRuns: runs },
    );
  });
});

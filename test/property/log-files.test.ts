/** Laws of the parts: lookups in an index against a linear scan, the walk over a segment file, recovery after any cut. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batchBaseOffset } from '../../engine/format/batch.ts';
import { putOffsetEntry, putTimeEntry } from '../../engine/format/index-layout.ts';
import { scanBatches } from '../../engine/format/scan.ts';
import { MemoryFileSystem } from '../../engine/io/memory-file-system.ts';
import { found, searchOffset, searchTimestamp } from '../../engine/log/index-search.ts';
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

/** What may be behind the last whole batch of a file, or in the middle of it. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('none' as const) }),
  fc.record({
    kind: fc.constant('cut' as const),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constant('zeros' as const), count: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({
    kind: fc.constant('flip' as const),
    share: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
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

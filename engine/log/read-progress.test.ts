/** Where the next fetch goes on, however the planned bytes are cut into pieces. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TestLog, viewOf } from '../../test/property/log-in-memory.ts';
import { BATCH_HEADER_BYTES } from '../format/batch.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { ReadCursor, ReadProgress } from './read-progress.ts';
import { ReadPlan } from './reader.ts';

class CountingFileSystem extends MemoryFileSystem {
  reads = 0;

  override pread(...args: Parameters<MemoryFileSystem['pread']>): number {
    this.reads++;
    return super.pread(...args);
  }
}

/** Notes the plan's bytes in pieces of these sizes, in turn; each in memory of its own. */
function noteAll(progress: ReadProgress, bytes: Buffer, sizes: readonly number[]): void {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = Math.min(sizes[turn % sizes.length]!, bytes.length - at);
    const before = turn % 3;
    const piece = Buffer.concat([Buffer.alloc(before, 0xff), bytes.subarray(at, at + size)]);
    progress.note(viewOf(piece), before, size);
    at += size;
  }
}

describe('read progress', () => {
  test('finds the end of the last whole batch through any pieces, and the next fetch needs no lookup', () => {
    const batch = fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      valueBytes: fc.integer({ min: 0, max: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(batch, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }),
        (batches, maxBytes, sizes) => {
          const fs = new CountingFileSystem();
          const log = new TestLog({ fs });
          for (const { count, valueBytes } of batches) log.append(count, valueBytes);
          const ends = new Map<number, number>();
          let end = 0;
          let offset = 0;
          log.batches(0, 100_000).forEach((bytes, index) => {
            end += bytes.length;
            offset += batches[index]!.count;
            ends.set(end, offset);
          });
          const plan = new ReadPlan();
          const progress = new ReadProgress();
          const cursor = new ReadCursor();
          let next = 0;
          while (log.reader.locate(next, 'highWatermark', maxBytes, true, cursor, plan) === 'ok') {
            const bytes = Buffer.alloc(plan.size);
            expect(log.reader.read(plan, bytes, 0)).toBe(plan.size);
            progress.begin(plan);
            noteAll(progress, bytes, sizes);
            const whole = progress.leave(cursor);
            const wanted = [...ends.keys()].findLast((end) => end <= plan.position + plan.size)!;
            expect(plan.position + whole).toBe(wanted);
            expect(cursor).toMatchObject({ position: wanted, offset: ends.get(wanted) });
            next = cursor.offset;
            // Where all that is left may be read, nothing is looked for.
            const before = fs.reads;
            log.reader.locate(next, 'highWatermark', 100_000, true, cursor, plan);
            expect(fs.reads).toBe(before);
            // Where it may not, the size of the next batch is, unless its header was among the bytes.
            const nextBatch = [...ends.keys()].find((end) => end > wanted)! - wanted;
            const isKnown = bytes.length - whole >= BATCH_HEADER_BYTES;
            expect(cursor.nextBatchBytes).toBe(isKnown ? nextBatch : -1);
            log.reader.locate(next, 'highWatermark', 1, true, cursor, plan);
            if (isKnown) expect(fs.reads).toBe(before);
            if (next < offset) expect(plan.size).toBe(nextBatch);
          }
          expect(next).toBe(offset);
        },
      ),
    );
  });

  test('a header that begins with the last byte of one piece and ends with the first of a later one', () => {
    const log = new TestLog();
    const first = log.append(1, 100).size;
    log.append(1, 100);
    const plan = new ReadPlan();
    log.reader.locate(0, 'highWatermark', 2 * first + 10, true, null, plan);
    const bytes = Buffer.alloc(plan.size);
    log.reader.read(plan, bytes, 0);
    plan.endOffset = -1;
    for (let cut = 1; cut < BATCH_HEADER_BYTES; cut++) {
      const progress = new ReadProgress();
      const cursor = new ReadCursor();
      progress.begin(plan);
      noteAll(progress, bytes, [first + cut, 1, BATCH_HEADER_BYTES]);
      expect(progress.leave(cursor)).toBe(2 * first);
      expect(cursor.offset).toBe(2);
    }
  });

  test('where the plan knows its end, no byte is looked at', () => {
    const log = new TestLog();
    for (let i = 0; i < 5; i++) log.append(2, 50);
    const plan = new ReadPlan();
    log.reader.locate(0, 'highWatermark', 10_000, true, null, plan);
    const progress = new ReadProgress();
    const cursor = new ReadCursor();
    progress.begin(plan);
    progress.note(new DataView(new ArrayBuffer(0)), 0, plan.size - 1);
    progress.note(new DataView(new ArrayBuffer(0)), 0, 1);
    expect(progress.leave(cursor)).toBe(plan.size);
    expect(cursor).toMatchObject({ offset: 10, position: plan.size });
  });

  test('bytes that are no batch end the walk', () => {
    const plan = new ReadPlan();
    plan.size = 200;
    const progress = new ReadProgress();
    const cursor = new ReadCursor();
    progress.begin(plan);
    noteAll(progress, Buffer.alloc(200), [70]);
    expect(progress.leave(cursor)).toBe(0);
    expect(cursor.offset).toBe(-1);
  });
});

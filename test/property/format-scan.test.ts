/** Laws of the scan: it finds exactly the whole, undamaged batches in front of the first doubt. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ATTRIBUTES_AT,
  BATCH_OVERHEAD_BYTES,
  LEADER_EPOCH_AT,
  MAGIC_AT,
} from '../../engine/format/batch.ts';
import { type ScanOptions, type ScanResult, scanBatches } from '../../engine/format/scan.ts';
import { batches, runs } from './format-arbitraries.ts';

function scan(bytes: Uint8Array, options: ScanOptions = {}): ScanResult {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return scanBatches(bytes, view, 0, bytes.length, options);
}

/** Ends of the batches when they lie back to back. */
function endsOf(list: readonly Uint8Array[]): number[] {
  let end = 0;
  return list.map((batch) => {
    end += batch.length;
    return end;
  });
}

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('scan', () => {
  test('of any prefix finds exactly the whole batches in it', () => {
    fc.assert(
      fc.property(batches, fraction, fc.boolean(), (list, cut, checkCrc) => {
        const bytes = Buffer.concat(list);
        const length = Math.floor(cut * (bytes.length + 1));
        const ends = endsOf(list).filter((end) => end <= length);
        const result = scan(Uint8Array.from(bytes.subarray(0, length)), { checkCrc });
        expect(result.batchCount).toBe(ends.length);
        expect(result.validBytes).toBe(ends.at(-1) ?? 0);
        if (result.validBytes === length) expect(result.stopReason).toBe('end');
        else if (length - result.validBytes >= BATCH_OVERHEAD_BYTES) {
          expect(result.stopReason).toBe('partial');
          expect(result.neededBytes).toBe(list[ends.length]!.length);
        }
      }),
      { numRuns: runs },
    );
  });

  test('is the same in pieces: scanning on from where it stopped gives the rest', () => {
    fc.assert(
      fc.property(batches, fraction, (list, cut) => {
        const bytes = Uint8Array.from(Buffer.concat(list));
        const view = new DataView(bytes.buffer);
        const whole = scan(bytes);
        const middle = Math.floor(cut * bytes.length);
        const head = scanBatches(bytes, view, 0, middle);
        const tail = scanBatches(bytes, view, head.validBytes, bytes.length, {
          offsetAbove: head.lastOffset,
        });
        expect(head.batchCount + tail.batchCount).toBe(whole.batchCount);
        expect(head.recordCount + tail.recordCount).toBe(whole.recordCount);
        expect(head.validBytes + tail.validBytes).toBe(whole.validBytes);
        expect(Math.max(head.maxTimestamp, tail.maxTimestamp)).toBe(whole.maxTimestamp);
      }),
      { numRuns: runs },
    );
  });

  test('ends at zeros, as many as there are', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 300 }), (list, zeros) => {
        const bytes = Buffer.concat([...list, Buffer.alloc(zeros)]);
        const result = scan(bytes);
        expect([result.stopReason, result.batchCount]).toEqual(['zeros', list.length]);
      }),
      { numRuns: runs },
    );
  });

  test('stops before the batch in which a byte is wrong', () => {
    fc.assert(
      fc.property(batches, fraction, fc.integer({ min: 1, max: 255 }), (list, where, mask) => {
        const bytes = Buffer.concat(list);
        const at = Math.floor(where * bytes.length);
        bytes[at]! ^= mask;
        const ends = endsOf(list);
        const index = ends.findIndex((end) => at < end);
        const field = at - (ends[index - 1] ?? 0);
        const result = scan(bytes);
        expect(result.validBytes % 1).toBe(0);
        // Base offset and leader epoch lie outside the checksum: another offset may look right.
        if (field >= MAGIC_AT || (field >= BATCH_OVERHEAD_BYTES - 4 && field < LEADER_EPOCH_AT)) {
          expect(result.batchCount).toBe(index);
          expect(result.validBytes).toBe(ends[index - 1] ?? 0);
        } else expect(result.batchCount).toBeGreaterThanOrEqual(index);
      }),
      { numRuns: runs * 3 },
    );
  });

  test('never throws, and never counts bytes it was not given, whatever they are', () => {
    const noise = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc.integer({ min: 0, max: 200 }).map((size) => new Uint8Array(size)),
        batches.map((list) => Uint8Array.from(Buffer.concat(list))),
        batches.map((list) => list[0]!.subarray(0, ATTRIBUTES_AT + 30)),
      ),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(noise, fc.boolean(), (parts, checkCrc) => {
        const bytes = Uint8Array.from(Buffer.concat(parts));
        let counted = 0;
        const onBatch = (_: number, size: number): void => {
          counted += size;
        };
        const result = scan(bytes, { checkCrc, onBatch });
        expect(result.validBytes).toBe(counted);
        expect(result.validBytes).toBeLessThanOrEqual(bytes.length);
        expect(result.stopReason === 'end').toBe(result.validBytes === bytes.length);
      }),
      { numRuns: runs * 3 },
    );
  });
});

/** Where a scan stops, and what it reports. Its laws on any bytes are in test/property/format-scan.test.ts. */

import { describe, expect, test } from 'vitest';
import {
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  LAST_OFFSET_DELTA_AT,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
} from './batch.ts';
import { buildBatch } from './batch-builder.ts';
import { believableSize, scanBatches } from './scan.ts';

const value = Buffer.from('value');

function batch(baseOffset: number, count: number, timestamp: number): Buffer {
  const records = Array.from({ length: count }, () => ({ value, timestamp }));
  return Buffer.from(buildBatch({ baseOffset, leaderEpoch: baseOffset, records }));
}

const first = batch(10, 2, 1000);
const second = batch(12, 1, 3000);
const third = batch(20, 3, 2000);
const all = Buffer.concat([first, second, third]);

function scan(bytes: Uint8Array, options = {}, from = 0, to = bytes.length) {
  return scanBatches(
    bytes,
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    from,
    to,
    options,
  );
}

describe('scan', () => {
  test('reports what whole batches hold', () => {
    const seen: [number, number][] = [];
    const result = scan(all, { onBatch: (at: number, size: number) => seen.push([at, size]) });
    expect(result).toEqual({
      validBytes: all.length,
      stopReason: 'end',
      batchCount: 3,
      recordCount: 6,
      firstOffset: 10,
      lastOffset: 22,
      maxTimestamp: 3000,
      maxTimestampOffset: 12,
      maxBatchBytes: third.length,
      lastLeaderEpoch: 20,
      neededBytes: 0,
    });
    expect(seen).toEqual([
      [0, first.length],
      [first.length, second.length],
      [first.length + second.length, third.length],
    ]);
  });

  test('of nothing is empty', () => {
    expect(scan(new Uint8Array(0))).toMatchObject({
      validBytes: 0,
      stopReason: 'end',
      firstOffset: -1,
    });
  });

  test('keeps to its range', () => {
    const result = scan(all, {}, first.length, first.length + second.length);
    expect(result).toMatchObject({ validBytes: second.length, firstOffset: 12, lastOffset: 12 });
  });

  test.each([1, 11, 12, 100, 5000])('ends at %i zeros behind the batches', (count) => {
    const result = scan(Buffer.concat([all, Buffer.alloc(count)]));
    expect(result).toMatchObject({ validBytes: all.length, stopReason: 'zeros', batchCount: 3 });
  });

  test('says how many bytes a half batch needs', () => {
    const cut = (length: number) => scan(all.subarray(0, first.length + length));
    const partial = { validBytes: first.length, stopReason: 'partial' };
    expect(cut(8)).toMatchObject({ ...partial, neededBytes: 12 });
    expect(cut(12)).toMatchObject({ ...partial, neededBytes: second.length });
    expect(cut(second.length - 1)).toMatchObject({ ...partial, neededBytes: second.length });
  });

  test.each<[string, number, (bytes: Buffer) => void]>([
    ['bad-crc', 0, (b) => b.writeUInt8(0xff, b.length - 3)],
    ['bad-crc', 0, (b) => b.writeUInt8(0xff, MAX_TIMESTAMP_AT)],
    ['bad-magic', 0, (b) => b.writeUInt8(1, MAGIC_AT)],
    ['bad-header', 0, (b) => b.writeInt32BE(-1, LAST_OFFSET_DELTA_AT)],
    ['bad-length', 0, (b) => b.writeInt32BE(40, BATCH_LENGTH_AT)],
    ['bad-length', 0, (b) => b.writeInt32BE(-1, BATCH_LENGTH_AT)],
    ['bad-length', 0, (b) => b.writeInt32BE(0x7fffffff, BATCH_LENGTH_AT)],
    ['bad-offset', 0, (b) => b.writeInt32BE(11, 4)],
    ['bad-offset', 0, (b) => b.writeInt32BE(-1, 0)],
  ])('stops with %s before the damaged batch', (stopReason, _, damage) => {
    const damaged = Buffer.from(second);
    damage(damaged);
    const result = scan(Buffer.concat([first, damaged, third]));
    expect(result).toMatchObject({ stopReason, validBytes: first.length, batchCount: 1 });
  });

  test('looks at headers only when the checksum is not asked for', () => {
    const damaged = Buffer.from(all);
    damaged[first.length - 1]! ^= 1;
    expect(scan(damaged, { checkCrc: false })).toMatchObject({ batchCount: 3, stopReason: 'end' });
  });

  test('wants offsets above the given one and batches below the given size', () => {
    expect(scan(all, { offsetAbove: 9 }).batchCount).toBe(3);
    expect(scan(all, { offsetAbove: 10 })).toMatchObject({
      batchCount: 0,
      stopReason: 'bad-offset',
    });
    const result = scan(all, { batchBytesMax: first.length });
    expect(result).toMatchObject({ batchCount: 2, stopReason: 'bad-length' });
  });
});

test('believable size: of a header that looks like one, else 0', () => {
  const view = new DataView(all.buffer, all.byteOffset, all.length);
  expect(believableSize(view, 0, BATCH_HEADER_BYTES)).toBe(first.length);
  expect(believableSize(view, 0, BATCH_HEADER_BYTES - 1)).toBe(0);
  expect(believableSize(view, 1, all.length)).toBe(0);
});

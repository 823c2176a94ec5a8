/** What a log changes in a batch: timestamps in place, the codec in a new one. */

import { describe, expect, test } from 'vitest';
import { batchAttributes, isLogAppendTime, RECORD_COUNT_AT } from './batch.ts';
import { buildBatch } from './batch-builder.ts';
import { recordsOf } from './records.ts';
import { recompress, stampTimestamp } from './rewrite.ts';
import { scanBatches } from './scan.ts';

const records = [1, 2, 3].map((number) => ({
  key: Buffer.from([number]),
  value: Buffer.alloc(500, number),
  timestamp: 1000 + number,
}));
const fields = { baseOffset: 9, leaderEpoch: 4, producerId: 5, producerEpoch: 1, baseSequence: 6 };

const sourceOf = (bytes: Uint8Array) => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
});

describe('rewrite', () => {
  test('a stamp of LogAppendTime is the time of every record; taking it back restores the batch', () => {
    const original = Buffer.from(buildBatch({ ...fields, records }));
    const source = sourceOf(Buffer.concat([Buffer.alloc(3), original]));
    stampTimestamp(source, 3, original.length, 'LogAppendTime', 777);
    const stamped = source.bytes.subarray(3);
    expect(isLogAppendTime(batchAttributes(source.view, 3))).toBe(true);
    expect([...recordsOf(stamped)].map(({ timestamp }) => timestamp)).toEqual([777, 777, 777]);
    expect(scanBatches(source.bytes, source.view, 3, 3 + stamped.length).batchCount).toBe(1);
    stampTimestamp(source, 3, original.length, 'CreateTime', 1003);
    expect(original.equals(stamped)).toBe(true);
  });

  test.each([0, 1, 2, 3, 4])('from codec %i to every other, all the rest stays', (from) => {
    const batch = buildBatch({ ...fields, codec: from, records, isTransactional: true });
    const plain = buildBatch({ ...fields, records, isTransactional: true });
    for (const to of [0, 1, 2, 3, 4]) {
      const other = recompress(sourceOf(batch), 0, batch.length, to);
      expect([...recordsOf(other)]).toEqual([...recordsOf(plain)]);
      const { view } = sourceOf(other);
      expect(scanBatches(other, view, 0, other.length).batchCount).toBe(1);
      const back = recompress(sourceOf(other), 0, other.length, 0);
      expect(Buffer.compare(back, plain)).toBe(0);
    }
  });

  test('a block that does not unfold is an error of its own', () => {
    const batch = Buffer.from(buildBatch({ records, codec: 4 })).fill(7, 70);
    expect(() => recompress(sourceOf(batch), 0, batch.length, 1)).toThrow('zstd data is corrupt');
  });

  test('records that are fewer than stated are an error of another kind', () => {
    const batch = Buffer.from(buildBatch({ records, codec: 4 }));
    batch.writeInt32BE(4, RECORD_COUNT_AT);
    expect(() => recompress(sourceOf(batch), 0, batch.length, 1)).toThrow(
      expect.objectContaining({ code: 'invalid-record' }),
    );
  });
});

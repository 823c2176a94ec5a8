import { expect, test } from 'vitest';
import { crc32c } from '../engine/base/crc32c.ts';
import {
  ATTRIBUTES_AT,
  batchBaseSequence,
  batchCrc,
  batchProducerEpoch,
  batchProducerId,
  Codec,
} from '../engine/format/batch.ts';
import { BatchBuilder } from '../engine/format/batch-builder.ts';
import { recordsOf } from '../engine/format/records.ts';
import { BuilderPool, PendingBatch } from './pending-batch.ts';

const none = { codec: Codec.NONE, level: undefined };

function batchOf(
  values: string[],
  pool = new BuilderPool(() => new BatchBuilder(), 4),
): PendingBatch {
  const batch = new PendingBatch(1, 0, 0, pool);
  for (const value of values) batch.builder.append(null, Buffer.from(value), 5);
  return batch;
}

function valuesOf(bytes: Uint8Array): string[] {
  return [...recordsOf(bytes)].map((record) => String(Buffer.from(record.value!)));
}

function fieldsOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  expect(batchCrc(view, 0)).toBe(crc32c(bytes, ATTRIBUTES_AT, bytes.length));
  return [batchProducerId(view, 0), batchProducerEpoch(view, 0), batchBaseSequence(view, 0)];
}

test.each([Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD])(
  'batch: with codec %i it carries identity and sequence, and other ones after a change, under a right checksum',
  (codec) => {
    const compression = { codec, level: undefined };
    const batch = batchOf(['a', 'b']);
    batch.baseSequence = 7;
    const first = { producerId: 4, epoch: 1 };
    expect(fieldsOf(batch.encode(first, compression))).toEqual([4, 1, 7]);
    expect(batch.encode(first, compression)).toBe(batch.encode(first, compression));
    batch.baseSequence = 0;
    const bytes = batch.encode({ producerId: 4, epoch: 2 }, compression);
    expect(fieldsOf(bytes)).toEqual([4, 2, 0]);
    expect(valuesOf(bytes)).toEqual(['a', 'b']);
  },
);

test('batch: without an identity it carries none', () => {
  expect(fieldsOf(batchOf(['a']).encode(null, none))).toEqual([-1, -1, -1]);
});

test('batch: a compressed one gives its builder back at once, an uncompressed one when it is done', () => {
  const pool = new BuilderPool(() => new BatchBuilder(), 4);
  const compressed = batchOf(['a'], pool);
  const builder = compressed.builder;
  compressed.encode(null, { codec: Codec.GZIP, level: 1 });
  expect(pool.take()).toBe(builder);
  const plain = batchOf(['a'], pool);
  const other = plain.builder;
  plain.encode(null, none);
  expect(pool.take()).not.toBe(other);
  plain.release();
  expect(pool.take()).toBe(other);
});

test('batch: split in two it keeps records, order and who is told', () => {
  const batch = batchOf(['a', 'b', 'c']);
  const told: string[] = [];
  batch.deliveries = ['a', 'b', 'c'].map((name) => ({
    delivered: (offset) => told.push(`${name}${offset}`),
    failed: () => {},
  }));
  batch.encode(null, none);
  const halves = batch.split()!;
  expect(halves.map((half) => valuesOf(half.encode(null, none)))).toEqual([['a'], ['b', 'c']]);
  expect(halves.map((half) => half.recordCount)).toEqual([1, 2]);
  for (const half of halves) for (const delivery of half.deliveries!) delivery.delivered(9, -1);
  expect(told).toEqual(['a9', 'b9', 'c9']);
});

test('batch: one record cannot be split', () => {
  const batch = batchOf(['a']);
  batch.encode(null, none);
  expect(batch.split()).toBeNull();
});

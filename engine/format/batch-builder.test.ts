/** Building batches and reading their records back. */

import { describe, expect, test } from 'vitest';
import { crc32c } from '../base/crc32c.ts';
import {
  ATTRIBUTES_AT,
  batchAttributes,
  batchBaseTimestamp,
  batchCrc,
  batchLastOffset,
  batchMaxTimestamp,
  batchRecordCount,
  batchSize,
  Codec,
  codecByName,
  codecName,
  hasDeleteHorizon,
} from './batch.ts';
import { BatchBuilder, buildBatch, type RecordInput } from './batch-builder.ts';
import {
  buildEndTransactionBatch,
  ControlType,
  parseEndTransactionMarker,
} from './control-record.ts';
import { RecordCursor, recordsOf } from './records.ts';

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const records: RecordInput[] = [
  { key: Buffer.from('a'), value: Buffer.from('1'), timestamp: 1000 },
  { key: null, value: null, timestamp: 900 },
  { key: Buffer.alloc(0), value: Buffer.alloc(0), timestamp: 1_700_000_000_000 },
  {
    key: Buffer.alloc(200, 1),
    value: Buffer.alloc(70_000, 2),
    timestamp: -1,
    headers: [
      { key: 'trace-é', value: Buffer.from('x') },
      { key: '', value: null },
      { key: 'empty', value: Buffer.alloc(0) },
    ],
  },
];

describe('batch builder', () => {
  test.each([0, 1, 2, 3, 4])('codec %i: records are read back as they were given', (codec) => {
    const batch = buildBatch({ codec, baseOffset: 2 ** 40, records });
    const read = [...recordsOf(batch)];
    expect(read.map(({ offset }) => offset - 2 ** 40)).toEqual([0, 1, 2, 3]);
    read.forEach((record, index) => {
      const given = records[index]!;
      expect(record.timestamp).toBe(given.timestamp);
      expect(record.key === null).toBe(given.key === null);
      expect(Buffer.compare(record.key ?? Buffer.alloc(0), given.key ?? Buffer.alloc(0))).toBe(0);
      expect(record.value === null).toBe(given.value === null);
      expect(Buffer.compare(record.value ?? Buffer.alloc(0), given.value ?? Buffer.alloc(0))).toBe(
        0,
      );
      expect(record.headers).toEqual(given.headers ?? []);
    });
  });

  test('the size is that of the batch when it is closed without compression', () => {
    const builder = new BatchBuilder(100);
    for (const { key, value, timestamp, headers } of records) {
      const before = builder.size;
      builder.append(key!, value!, timestamp, headers);
      const most = BatchBuilder.recordBytesMax(key!, value!, headers);
      expect(builder.size - before).toBeLessThanOrEqual(most);
    }
    const batch = builder.close();
    expect(batch.length).toBe(builder.size);
    const view = viewOf(batch);
    expect(batchSize(view, 0)).toBe(batch.length);
    expect(batchRecordCount(view, 0)).toBe(4);
    expect(batchMaxTimestamp(view, 0)).toBe(1_700_000_000_000);
    expect(batchCrc(view, 0)).toBe(crc32c(batch, ATTRIBUTES_AT, batch.length));
  });

  test('is reused after reset, and may be closed twice', () => {
    const builder = new BatchBuilder();
    builder.append(null, Buffer.from('old'), 5);
    builder.reset();
    builder.append(null, Buffer.from('new'), 7);
    const once = Buffer.from(builder.close());
    builder.append(null, Buffer.from('more'), 6);
    const twice = builder.close({ codec: Codec.ZSTD });
    expect([...recordsOf(once)].map(({ value }) => String(value))).toEqual(['new']);
    expect([...recordsOf(twice)].map(({ value }) => String(value))).toEqual(['new', 'more']);
  });

  test('ranges of larger buffers give the same bytes as whole keys and values', () => {
    const line = Buffer.from('..key=value..');
    const ranges = new BatchBuilder();
    ranges.appendRanges(line, 2, 3, line, 6, 5, 99);
    ranges.appendRanges(line, 0, -1, line, 0, -1, 100);
    const whole = new BatchBuilder();
    whole.append(Buffer.from('key'), Buffer.from('value'), 99);
    whole.append(null, null, 100);
    expect(Buffer.compare(ranges.close(), whole.close())).toBe(0);
  });

  test('learns from earlier batches how much a codec saves', () => {
    const builder = new BatchBuilder();
    for (let round = 0; round < 30; round++) {
      builder.reset();
      builder.append(null, Buffer.alloc(10_000, 'abc'), 1);
      builder.close({ codec: Codec.LZ4 });
    }
    expect(builder.estimatedSize(Codec.NONE)).toBe(builder.size);
    expect(builder.estimatedSize(Codec.LZ4)).toBeLessThan(builder.size / 20);
  });

  test('offsets must rise, and the last one may lie behind the records', () => {
    const builder = new BatchBuilder();
    builder.append(null, null, 1, null, 5);
    expect(() => builder.append(null, null, 1, null, 5)).toThrow('offsets must rise');
    const batch = builder.close({ baseOffset: 100, lastOffset: 109 });
    expect(batchLastOffset(viewOf(batch), 0)).toBe(109);
    expect([...recordsOf(batch)][0]!.offset).toBe(105);
    expect(() => builder.close({ lastOffset: 3 })).toThrow('last offset is too small');
  });

  test('LogAppendTime is the timestamp of every record', () => {
    const batch = buildBatch({ records, logAppendTimeMs: 5555 });
    expect([...recordsOf(batch)].map(({ timestamp }) => timestamp)).toEqual([
      5555, 5555, 5555, 5555,
    ]);
  });

  test('a delete horizon takes the place of the base timestamp and changes no record', () => {
    const batch = buildBatch({ records, deleteHorizonMs: 1_600_000_000_000 });
    expect(hasDeleteHorizon(batchAttributes(viewOf(batch), 0))).toBe(true);
    expect(batchBaseTimestamp(viewOf(batch), 0)).toBe(1_600_000_000_000);
    const read = [...recordsOf(batch)].map(({ timestamp }) => timestamp);
    expect(read).toEqual(records.map(({ timestamp }) => timestamp));
  });

  test('a batch without records is read as such, in every codec', () => {
    for (const codec of [0, 1, 2, 3, 4]) {
      const batch = buildBatch({ codec, records: [], baseOffset: 7, lastOffset: 9 });
      expect([...recordsOf(batch)]).toEqual([]);
      expect([...recordsOf(batch.slice(0, 61).fill(49, 11, 12))]).toEqual([]);
    }
  });
});

describe('record cursor', () => {
  test('walks batch after batch without copying keys and values', () => {
    const batch = Buffer.concat([
      buildBatch({ baseOffset: 0, records }),
      buildBatch({ baseOffset: 4, records: records.slice(0, 1) }),
    ]);
    const cursor = new RecordCursor();
    const offsets: number[] = [];
    for (let at = 0; at < batch.length; at += batchSize(viewOf(batch), at)) {
      cursor.reset(batch, viewOf(batch), at);
      while (cursor.next()) {
        offsets.push(cursor.offset);
        const value = cursor.value();
        if (value !== null) expect(value.buffer).toBe(batch.buffer);
      }
      expect(cursor.next()).toBe(false);
    }
    expect(offsets).toEqual([0, 1, 2, 3, 4]);
  });

  test('malformed records are refused, never read outside the batch', () => {
    const batch = buildBatch({ records: records.slice(0, 3) });
    for (let at = 61; at < batch.length; at++) {
      for (const change of [0x80, 0x7f, 0xff, 0x01]) {
        const damaged = Buffer.from(batch);
        damaged[at]! ^= change;
        try {
          expect([...recordsOf(damaged)]).toHaveLength(3);
        } catch (error) {
          expect(error).toMatchObject({ name: 'MillraceError', code: 'corrupt' });
        }
      }
    }
    expect(() => [...recordsOf(batch.subarray(0, 70))]).toThrow('a batch ends early');
    expect(() => [...recordsOf(batch.subarray(0, 10))]).toThrow('a batch ends early');
  });
});

test('control record: a marker is written and read; another type is passed over', () => {
  const batch = buildEndTransactionBatch({
    type: ControlType.COMMIT,
    coordinatorEpoch: 9,
    producerId: 77,
    producerEpoch: 2,
    timestampMs: 5,
  });
  const [record] = recordsOf(batch);
  expect(parseEndTransactionMarker(record!.key, record!.value)).toEqual({
    type: ControlType.COMMIT,
    coordinatorEpoch: 9,
  });
  expect(parseEndTransactionMarker(Uint8Array.of(0, 0, 0, 6), null)).toBe(null);
  expect(() => parseEndTransactionMarker(Uint8Array.of(0, 0), null)).toThrow('key is too short');
  expect(() => parseEndTransactionMarker(record!.key, new Uint8Array(3))).toThrow('value is too');
});

test('codecs have names', () => {
  expect([0, 1, 2, 3, 4, 5].map(codecName)).toEqual([
    'none',
    'gzip',
    'snappy',
    'lz4',
    'zstd',
    null,
  ]);
  expect(codecByName('lz4')).toBe(Codec.LZ4);
  expect(codecByName('brotli')).toBe(null);
});

/** The files beside a segment: byte for byte what Kafka 4.3.1 writes. */

import { describe, expect, test } from 'vitest';
import {
  baseOffsetOfFileName,
  LOG_SUFFIX,
  OFFSET_ENTRY_BYTES,
  offsetEntryOffset,
  offsetEntryPosition,
  putOffsetEntry,
  putTimeEntry,
  segmentFileName,
  TIME_ENTRY_BYTES,
  timeEntryOffset,
  timeEntryTimestamp,
} from './index-layout.ts';
import { formatLeaderEpochs, parseLeaderEpochs } from './leader-epoch-checkpoint.ts';
import { formatPartitionMetadata, parsePartitionMetadata } from './partition-metadata.ts';
import { formatProducerSnapshot, parseProducerSnapshot } from './producer-snapshot.ts';

describe('producer snapshot', () => {
  /** Written by Kafka at a clean shutdown: two idempotent producers, the first without an epoch. */
  const written =
    '0001712804fd00000002' +
    '0000000000001389ffff000000020000000000000024000000020000' +
    '01a20486cb2bffffffffffffffffffffffff' +
    '000000000000138a0000000000090000000000000027000000020000' +
    '01a20486cb2bffffffffffffffffffffffff';
  const producer = {
    producerId: 5002,
    producerEpoch: 0,
    lastSequence: 9,
    lastOffset: 39,
    offsetDelta: 2,
    timestamp: 1795372272427,
    coordinatorEpoch: -1,
    currentTxnFirstOffset: -1,
  };
  const producers = [
    { ...producer, producerId: 5001, producerEpoch: -1, lastSequence: 2, lastOffset: 36 },
    producer,
  ];

  test('is read and written as Kafka does', () => {
    expect(parseProducerSnapshot(Buffer.from(written, 'hex'))).toEqual(producers);
    expect(Buffer.from(formatProducerSnapshot(producers)).toString('hex')).toBe(written);
    expect(Buffer.from(formatProducerSnapshot([])).toString('hex')).toBe('000148674bc700000000');
  });

  test('is refused when a byte is wrong or missing', () => {
    const bytes = Buffer.from(written, 'hex');
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect(() => parseProducerSnapshot(damaged)).toThrow('producer snapshot is corrupt');
      expect(() => parseProducerSnapshot(bytes.subarray(0, at))).toThrow('is corrupt');
    }
  });
});

describe('leader epochs', () => {
  test('are read and written as Kafka does', () => {
    expect(formatLeaderEpochs([{ epoch: 0, startOffset: 0 }])).toBe('0\n1\n0 0\n');
    const entries = [
      { epoch: 0, startOffset: 0 },
      { epoch: 3, startOffset: 1280 },
    ];
    expect(parseLeaderEpochs(formatLeaderEpochs(entries))).toEqual(entries);
    expect(parseLeaderEpochs('0\n0\n')).toEqual([]);
  });

  test.each([
    '',
    '1\n0\n',
    '0\n2\n0 0\n',
    '0\n1\n0 x\n',
    '0\n1\n',
    '0\n-1\n',
    '0\n1\n0 99999999999999999999\n',
  ])('are refused when the file is %j', (text) => {
    expect(() => parseLeaderEpochs(text)).toThrow('leader epoch checkpoint is corrupt');
  });
});

describe('partition metadata', () => {
  const text = 'version: 0\ntopic_id: QEKukmrCSgWZhgLqAzfCfg';

  test('is read and written as Kafka does', () => {
    expect(parsePartitionMetadata(text)).toBe('QEKukmrCSgWZhgLqAzfCfg');
    expect(parsePartitionMetadata(`${text}\n`)).toBe('QEKukmrCSgWZhgLqAzfCfg');
    expect(formatPartitionMetadata('QEKukmrCSgWZhgLqAzfCfg')).toBe(text);
  });

  test.each([
    '',
    'version: 1\ntopic_id: QEKukmrCSgWZhgLqAzfCfg',
    'version: 0\n',
    'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA',
    'version: 0\ntopic_id: short',
  ])('is refused when the file is %j', (broken) => {
    expect(() => parsePartitionMetadata(broken)).toThrow('partition metadata is corrupt');
  });
});

describe('indexes', () => {
  test('entries are read where they were put, in the bytes of Kafka', () => {
    const view = new DataView(new ArrayBuffer(2 * TIME_ENTRY_BYTES));
    const next = putOffsetEntry(view, 0, { relativeOffset: 7, position: 4096 });
    putOffsetEntry(view, next, { relativeOffset: 99, position: 2 ** 31 - 1 });
    expect(next).toBe(OFFSET_ENTRY_BYTES);
    expect([offsetEntryOffset(view, 0, 1), offsetEntryPosition(view, 0, 0)]).toEqual([99, 4096]);
    // The time index of a real partition with one batch of three records.
    putTimeEntry(view, 0, { timestamp: 1795372142319, relativeOffset: 2 });
    expect(Buffer.from(view.buffer, 0, TIME_ENTRY_BYTES).toString('hex')).toBe(
      '000001a20484ceef00000002',
    );
    expect([timeEntryTimestamp(view, 0, 0), timeEntryOffset(view, 0, 0)]).toEqual([
      1795372142319, 2,
    ]);
  });

  test('segment files are named after their base offset', () => {
    expect(segmentFileName(70, LOG_SUFFIX)).toBe('00000000000000000070.log');
    expect(baseOffsetOfFileName('00000000000000000070.log', LOG_SUFFIX)).toBe(70);
    for (const name of ['70.log', '00000000000000000070.index', '0000000000000000007x.log']) {
      expect(baseOffsetOfFileName(name, LOG_SUFFIX)).toBe(-1);
    }
    expect(baseOffsetOfFileName('99999999999999999999.log', LOG_SUFFIX)).toBe(-1);
  });
});

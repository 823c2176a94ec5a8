/**
 * What may be appended. The answers were collected from Apache Kafka 4.3.1 by sending it the same batches;
 * where this differs on purpose, the case says so.
 */

import { describe, expect, test } from 'vitest';
import { crc32c } from '../base/crc32c.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { DECOMPRESSED_BYTES_MAX } from '../base/limits.ts';
import { SharedMemory } from '../base/shared-memory.ts';
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BATCH_LENGTH_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
} from './batch.ts';
import { type BatchFields, buildBatch, type RecordInput } from './batch-builder.ts';
import { type BatchRules, checkBatch, createBatchCheck } from './validate.ts';

const nowMs = 1795372272427;
const hourMs = 3600_000;

const rules: BatchRules = {
  topicPartition: 'orders-0',
  maxMessageBytes: 1048588,
  nowMs,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: hourMs,
  timestampType: 'CreateTime',
  isCompacted: false,
  walkCompressed: false,
  checkCrc: true,
  fromClient: true,
  unfoldedBytesMax: DECOMPRESSED_BYTES_MAX,
  isPrepared: false,
};

const record: RecordInput = {
  key: Buffer.from('k'),
  value: Buffer.from('value'),
  timestamp: nowMs,
};

interface Case {
  fields?: BatchFields;
  records?: RecordInput[];
  /** Changes the built bytes; the checksum is then made right again unless `keepCrc`. */
  change?: (bytes: Buffer) => void;
  keepCrc?: boolean;
  /** What comes behind the batch. */
  tail?: Uint8Array;
  /** Bytes of it that are there. */
  length?: number;
  rules?: Partial<BatchRules>;
}

function check({ fields, records, change, keepCrc, tail, length, rules: changed }: Case) {
  let bytes = Buffer.from(buildBatch({ ...fields, records: records ?? [record, record, record] }));
  change?.(bytes);
  if (change && !keepCrc) bytes.writeUInt32BE(crc32c(bytes, ATTRIBUTES_AT, bytes.length), CRC_AT);
  if (tail) bytes = Buffer.concat([bytes, tail]);
  const at = 5;
  const placed = Buffer.concat([Buffer.alloc(at, 0xee), bytes, Buffer.alloc(9, 0xee)]);
  const view = new DataView(placed.buffer, placed.byteOffset, placed.length);
  const out = createBatchCheck();
  const source = { bytes: placed, view };
  const isValid = checkBatch(source, at, length ?? bytes.length, { ...rules, ...changed }, out);
  expect(isValid).toBe(out.errorCode === ErrorCode.NONE);
  expect(out.reason === null).toBe(isValid);
  return out;
}

const answer = (input: Case): [number, string | null] => {
  const out = check(input);
  return [out.errorCode, out.message];
};

const { CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, NONE } = ErrorCode;
const { MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE } = ErrorCode;

describe('a good batch', () => {
  test('is described', () => {
    const producer = { producerId: 5002, producerEpoch: 3, baseSequence: 7 };
    expect(check({ fields: producer })).toEqual({
      ...producer,
      errorCode: NONE,
      message: null,
      reason: null,
      recordErrors: null,
      size: 100,
      recordCount: 3,
      lastOffsetDelta: 2,
      baseTimestamp: nowMs,
      maxTimestamp: nowMs,
      attributes: 0,
      needsTimestampStamp: false,
      isUnfolded: false,
      needsUnfolding: false,
    });
  });

  test('is accepted from shared memory by address, in every codec, walked or not', () => {
    const memory = SharedMemory.create(65536);
    const out = createBatchCheck();
    for (const codec of [0, 1, 2, 3, 4]) {
      const batch = buildBatch({ codec, records: Array(100).fill(record) });
      memory.bytes.set(batch, 777);
      for (const walkCompressed of [false, true]) {
        const isValid = checkBatch(memory, 777, batch.length, { ...rules, walkCompressed }, out);
        expect([codec, isValid, out.recordCount, out.size]).toEqual([
          codec,
          true,
          100,
          batch.length,
        ]);
      }
    }
  });

  test.each<[string, Case]>([
    ['a leader epoch of the producer', { change: (b) => b.writeInt32BE(9, LEADER_EPOCH_AT) }],
    ['unknown attribute bits', { change: (b) => b.writeInt8(0x7f, ATTRIBUTES_AT) }],
    ['a delete horizon bit', { change: (b) => b.writeInt8(0x40, ATTRIBUTES_AT + 1) }],
    ['record attributes', { change: (b) => b.writeInt8(7, RECORDS_AT + 1) }],
    ['a sequence without a producer', { fields: { baseSequence: 4 } }],
    ['a producer without an epoch', { fields: { producerId: 5001, baseSequence: 0 } }],
    ['a negative producer id', { fields: { producerId: -2 } }],
    ['times long past', { records: [{ ...record, timestamp: 5 }] }],
    ['times before 1970', { records: [{ ...record, timestamp: -2 }] }],
    [
      'no time where times are bounded',
      { records: [{ ...record, timestamp: -1 }], rules: { timestampBeforeMaxMs: 1000 } },
    ],
    ['a short fragment behind it', { tail: new Uint8Array(5) }],
    ['half a batch behind it', { tail: buildBatch({ records: [record] }).subarray(0, 30) }],
  ])('may have %s', (_, input) => {
    expect(answer(input)).toEqual([NONE, null]);
  });

  test('counts only its own size, not that of a fragment behind it', () => {
    expect(check({ tail: new Uint8Array(5) }).size).toBe(100);
  });
});

describe('the frame of a batch', () => {
  const lengthOf = (length: number) => (b: Buffer) => b.writeInt32BE(length, BATCH_LENGTH_AT);
  const tooShort = (length: number) =>
    `Record size ${length} is less than the minimum record overhead (14)`;

  test.each<[string, Case, number, string | null]>([
    ['nothing', { length: 0 }, INVALID_RECORD, null],
    ['11 bytes', { length: 11 }, INVALID_RECORD, null],
    ['half a batch', { length: 70 }, INVALID_RECORD, null],
    ['two batches', { tail: buildBatch({ records: [record] }) }, INVALID_RECORD, null],
    ['zeros behind it', { tail: new Uint8Array(20) }, CORRUPT_MESSAGE, null],
    ['length 0', { change: lengthOf(0) }, CORRUPT_MESSAGE, tooShort(0)],
    ['length 13', { change: lengthOf(13) }, CORRUPT_MESSAGE, tooShort(13)],
    ['length -5', { change: lengthOf(-5) }, CORRUPT_MESSAGE, tooShort(-5)],
    ['length 2^31-1', { change: lengthOf(0x7fffffff) }, INVALID_RECORD, null],
    // Kafka: UNKNOWN_SERVER_ERROR.
    ['a length inside the header', { change: lengthOf(30), length: 42 }, CORRUPT_MESSAGE, null],
    ['magic 0', { change: (b) => b.writeInt8(0, MAGIC_AT) }, INVALID_RECORD, null],
    ['magic 1', { change: (b) => b.writeInt8(1, MAGIC_AT) }, INVALID_RECORD, null],
    [
      'magic 3',
      { change: (b) => b.writeInt8(3, MAGIC_AT) },
      CORRUPT_MESSAGE,
      'Invalid magic found in record: 3',
    ],
    [
      'magic -1',
      { change: (b) => b.writeInt8(-1, MAGIC_AT) },
      CORRUPT_MESSAGE,
      'Invalid magic found in record: -1',
    ],
    [
      'a wrong checksum',
      { change: (b) => b.writeInt8(0, RECORDS_AT + 5), keepCrc: true },
      CORRUPT_MESSAGE,
      null,
    ],
    ['too many bytes', { rules: { maxMessageBytes: 99 } }, MESSAGE_TOO_LARGE, null],
    [
      'too many bytes, whatever the checksum',
      { rules: { maxMessageBytes: 99 }, change: (b) => b.writeInt8(0, 80), keepCrc: true },
      MESSAGE_TOO_LARGE,
      null,
    ],
  ])('%s', (_, input, errorCode, message) => {
    expect(answer(input)).toEqual([errorCode, message]);
  });

  test('is as large as allowed when it fills the limit', () => {
    expect(answer({ rules: { maxMessageBytes: 100 } })).toEqual([NONE, null]);
  });
});

describe('the header of a batch of a client', () => {
  const counts = (lastOffsetDelta: number, count: number) => (b: Buffer) => {
    b.writeInt32BE(lastOffsetDelta, LAST_OFFSET_DELTA_AT);
    b.writeInt32BE(count, RECORD_COUNT_AT);
  };

  test.each<[string, Case]>([
    ['a base offset', { change: (b) => b.writeInt32BE(5, BASE_OFFSET_AT + 4) }],
    ['last offset delta -1', { change: counts(-1, 3) }],
    ['last offset delta 5', { change: counts(5, 3) }],
    ['count 0', { change: counts(2, 0) }],
    ['count -1', { change: counts(2, -1) }],
    ['no records', { records: [] }],
    ['one record fewer', { change: counts(1, 2) }],
    ['one record more', { change: counts(3, 4) }],
    ['gaps between offsets', { records: [0, 2, 4].map((offset) => ({ ...record, offset })) }],
    ['the control bit', { fields: { isControl: true } }],
    ['a producer without a sequence', { fields: { producerId: 5000, producerEpoch: 0 } }],
  ])('%s is INVALID_RECORD without a word', (_, input) => {
    expect(answer(input)).toEqual([INVALID_RECORD, null]);
  });

  test.each([5, 6, 7])('codec %i is refused by name where Kafka only fails', (codec) => {
    const change = (b: Buffer) => b.writeInt8(codec, ATTRIBUTES_AT + 1);
    expect(answer({ change })).toEqual([UNSUPPORTED_COMPRESSION_TYPE, null]);
  });
});

describe('the records of a batch of a client', () => {
  const set = (at: number, value: number) => (b: Buffer) => b.writeUInt8(value, RECORDS_AT + at);
  const headersAt = 12;

  test.each<[string, (bytes: Buffer) => void, string]>([
    ['length + 1', set(0, 26), 'expected to read 13 bytes in record payload, but instead read 12'],
    ['length - 1', set(0, 22), 'expected to read 11 bytes in record payload, but instead read 12'],
    ['a huge length', set(0, 126), 'the buffer has only 38 remaining bytes'],
    ['a negative length', set(0, 1), 'expected to read -1 bytes'],
    ['a long key', set(4, 100), 'Found invalid record structure'],
    ['key length -5', set(4, 9), 'Found invalid record structure'],
    ['a header more', set(headersAt, 2), 'expected to read 12 bytes'],
    ['a negative header count', set(headersAt, 1), 'invalid number of record headers -1'],
    ['a huge header count', set(headersAt, 126), '63 is larger than the remaining size'],
    ['an endless number', (b) => b.fill(0xff, 61, 75), 'Found invalid record structure'],
    // Kafka accepts these and numbers the records anew; readers would see the wrong offsets.
    ['a wrong offset delta', set(3, 4), 'expected offset delta is 0, found 2'],
  ])('%s is INVALID_RECORD', (_, change, reason) => {
    const out = check({ change });
    expect([out.errorCode, out.message]).toEqual([INVALID_RECORD, null]);
    expect(out.reason).toContain(reason);
  });

  test.each([1, 2, 3, 4])('inside codec %i they are looked at only when asked', (codec) => {
    const change = (b: Buffer) => {
      b.writeInt32BE(3, LAST_OFFSET_DELTA_AT);
      b.writeInt32BE(4, RECORD_COUNT_AT);
    };
    const input = { fields: { codec }, change };
    expect(answer(input)).toEqual([NONE, null]);
    expect(answer({ ...input, rules: { walkCompressed: true } })).toEqual([INVALID_RECORD, null]);
    const corrupt = { fields: { codec }, change: (b: Buffer) => b.fill(0x55, RECORDS_AT + 5) };
    expect(answer(corrupt)).toEqual([NONE, null]);
    expect(answer({ ...corrupt, rules: { walkCompressed: true } })).toEqual([
      CORRUPT_MESSAGE,
      null,
    ]);
  });
});

describe('timestamps', () => {
  const message = 'One or more records have been rejected due to invalid timestamp';
  const late = { ...record, timestamp: nowMs + 2 * hourMs };

  test.each([0, 1, 2, 3, 4])('too far ahead are named one by one (codec %i)', (codec) => {
    const out = check({ fields: { codec }, records: [record, late, late] });
    expect([out.errorCode, out.message]).toEqual([INVALID_TIMESTAMP, message]);
    const range = `The timestamp should be within [-9223370241482503380, ${nowMs + hourMs}]`;
    expect(out.recordErrors).toEqual(
      [1, 2].map((index) => ({
        index,
        message: `Timestamp ${late.timestamp} of message with offset ${index} is out of range. ${range}`,
      })),
    );
  });

  test('too long ago are refused where that is bounded', () => {
    const records = [record, { ...record, timestamp: nowMs - 10_001 }];
    const out = check({ records, rules: { timestampBeforeMaxMs: 10_000 } });
    expect([out.errorCode, out.recordErrors?.map(({ index }) => index)]).toEqual([
      INVALID_TIMESTAMP,
      [1],
    ]);
    const bounds = { timestampBeforeMaxMs: 10_001 };
    expect(answer({ records, rules: bounds })).toEqual([NONE, null]);
  });

  test('a maximum that the producer states wrongly is put right', () => {
    const out = check({ change: (b) => b.writeInt32BE(0, MAX_TIMESTAMP_AT) });
    expect([out.errorCode, out.maxTimestamp, out.needsTimestampStamp]).toEqual([NONE, nowMs, true]);
  });

  test('of LogAppendTime are now, whatever the records say', () => {
    const changed = { timestampType: 'LogAppendTime' } as const;
    for (const codec of [0, 4]) {
      const out = check({ fields: { codec }, records: [late], rules: changed });
      expect([out.errorCode, out.maxTimestamp, out.needsTimestampStamp]).toEqual([
        NONE,
        nowMs,
        true,
      ]);
    }
  });

  test('claimed as LogAppendTime are refused by such a topic and put right by another', () => {
    const fields = { logAppendTimeMs: nowMs };
    const out = check({ fields, rules: { timestampType: 'LogAppendTime' } });
    expect([out.errorCode, out.message]).toEqual([INVALID_TIMESTAMP, message]);
    expect(out.recordErrors?.[2]).toEqual({
      index: 2,
      message: `Invalid timestamp type in message DefaultRecord(offset=2, timestamp=${nowMs}, key=1 bytes, value=5 bytes). Producer should not set timestamp type to LogAppendTime.`,
    });
    expect(check({ fields })).toMatchObject({ errorCode: NONE, needsTimestampStamp: true });
  });
});

describe('a compacted topic', () => {
  const keyless = { ...record, key: null };
  const said = 'Compacted topic cannot accept message without key in topic partition orders-0';

  test.each([0, 1, 2, 3, 4])('wants a key for every record (codec %i)', (codec) => {
    const records = [record, keyless, keyless, keyless, keyless];
    const out = check({ fields: { codec }, records, rules: { isCompacted: true } });
    const first = [1, 2, 3].map((index) => `RecordError(batchIndex=${index}, message='${said}')`);
    expect([out.errorCode, out.message]).toEqual([
      INVALID_RECORD,
      `One or more records have been rejected due to 4 record errors in total, and only showing the first three errors at most: [${first.join(', ')}]`,
    ]);
    expect(out.recordErrors).toEqual([1, 2, 3, 4].map((index) => ({ index, message: said })));
  });

  test('answers INVALID_TIMESTAMP when one of its records has a wrong time as well', () => {
    const records = [keyless, { ...record, timestamp: nowMs + 2 * hourMs }];
    const out = check({ records, rules: { isCompacted: true } });
    expect(out.errorCode).toBe(INVALID_TIMESTAMP);
    expect(out.recordErrors?.map(({ index }) => index)).toEqual([0, 1]);
  });
});

test('what the broker or a leader sends is held against header and checksum only', () => {
  const changed = { fromClient: false, maxMessageBytes: Number.POSITIVE_INFINITY };
  const fields = { baseOffset: 42, isControl: true, isTransactional: true, producerId: 7 };
  expect(answer({ fields, rules: changed })).toEqual([NONE, null]);
  const gaps = { records: [5, 9].map((offset) => ({ ...record, offset })), rules: changed };
  expect(answer({ ...gaps, fields: { baseOffset: 3 } })).toEqual([NONE, null]);
  const change = (b: Buffer) => b.writeInt8(0, 80);
  expect(answer({ change, keepCrc: true, rules: changed })[0]).toBe(CORRUPT_MESSAGE);
});

/** Laws of the format: round trips, checksum kernels, and that validation never lets a changed byte pass. */

import native from '@node-rs/crc32';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../engine/base/crc32c.ts';
import { getInt64, setInt64 } from '../../engine/base/int64.ts';
import { DECOMPRESSED_BYTES_MAX } from '../../engine/base/limits.ts';
import { SharedMemory } from '../../engine/base/shared-memory.ts';
import {
  readUnsignedVarint,
  readVarint,
  readVarlong,
  sizeOfUnsignedVarint,
  sizeOfVarint,
  sizeOfVarlong,
  varint,
  writeUnsignedVarint,
  writeVarint,
  writeVarlong,
} from '../../engine/base/varint.ts';
import { ATTRIBUTES_AT, CRC_AT, LEADER_EPOCH_AT, MAGIC_AT } from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { compress, decompress } from '../../engine/format/compression.ts';
import { recordsFault } from '../../engine/format/record-faults.ts';
import { recordWalk, walkRecords } from '../../engine/format/record-walk.ts';
import { recordsOf } from '../../engine/format/records.ts';
import { recompress } from '../../engine/format/rewrite.ts';
import { type BatchRules, checkBatch, createBatchCheck } from '../../engine/format/validate.ts';
import { codec, recordInput, runs } from './format-arbitraries.ts';

const sourceOf = (bytes: Uint8Array) => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
});

const rules: BatchRules = {
  topicPartition: 'any-0',
  maxMessageBytes: 1 << 20,
  nowMs: 1_700_000_000_000,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: Number.POSITIVE_INFINITY,
  timestampType: 'CreateTime',
  isCompacted: false,
  walkCompressed: true,
  checkCrc: true,
  fromClient: true,
  unfoldedBytesMax: DECOMPRESSED_BYTES_MAX,
  isPrepared: false,
};

const records = fc.array(recordInput, { minLength: 1, maxLength: 6 });

describe('numbers', () => {
  test('int64: what is written is read', () => {
    const view = new DataView(new ArrayBuffer(16));
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(8), (value, at) => {
        setInt64(view, at, value);
        expect(getInt64(view, at)).toBe(value);
        expect(view.getBigInt64(at)).toBe(BigInt(value));
      }),
      { numRuns: runs * 5 },
    );
  });

  test('varints: what is written is read, in as many bytes as said', () => {
    const bytes = new Uint8Array(20);
    const kinds = [
      [fc.nat(2 ** 32 - 1), writeUnsignedVarint, readUnsignedVarint, sizeOfUnsignedVarint],
      [fc.integer(), writeVarint, readVarint, sizeOfVarint],
      [fc.maxSafeInteger(), writeVarlong, readVarlong, sizeOfVarlong],
    ] as const;
    for (const [values, write, read, sizeOf] of kinds) {
      fc.assert(
        fc.property(values, fc.nat(9), (value, at) => {
          const end = write(bytes, at, value);
          expect(end - at).toBe(sizeOf(value));
          expect(read(bytes, at, end)).toBe(value);
          expect(varint.end).toBe(end);
          read(bytes, at, end - 1);
          expect(varint.end).toBe(-1);
        }),
        { numRuns: runs * 5 },
      );
    }
  });

  test('varints: random bytes give a value and a position inside, or -1', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        for (const read of [readUnsignedVarint, readVarint, readVarlong]) {
          expect(Number.isInteger(read(bytes, 0, bytes.length))).toBe(true);
          expect(varint.end === -1 || (varint.end > 0 && varint.end <= bytes.length)).toBe(true);
        }
      }),
      { numRuns: runs * 5 },
    );
  });
});

test('crc32c: by address and by copy what another implementation says, for any bytes at any place', () => {
  const memory = SharedMemory.create(1 << 18);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 2000 }),
      fc.integer({ min: 1, max: 80 }),
      fc.nat(33),
      (part, times, at) => {
        const bytes = Buffer.concat(Array.from({ length: times }, () => part));
        memory.bytes.set(bytes, at);
        const expected = native.crc32c(bytes);
        expect(crc32c(bytes, 0, bytes.length)).toBe(expected);
        expect(crc32c(memory.bytes, at, at + bytes.length)).toBe(expected);
        expect(memory.crc32c(at, bytes.length)).toBe(expected);
      },
    ),
    { numRuns: runs },
  );
});

test('compression: every codec gives back what it was given', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 1, max: 40 }),
      codec,
      (part, times, id) => {
        const bytes = Buffer.concat(Array(times).fill(part));
        const packed = compress(id, bytes);
        expect(bytes.equals(decompress(id, packed, bytes.length))).toBe(true);
        if (id !== 0 && bytes.length > 1) {
          expect(() => decompress(id, packed, bytes.length - 1)).toThrow('unfolds to more than');
        }
      },
    ),
    { numRuns: runs },
  );
});

test('decompression of random bytes is refused or bounded, and throws only its own errors', () => {
  const heads = ['', '1f8b0800', '82534e41505059000000000100000001', '04224d18604082', '28b52ffd'];
  fc.assert(
    fc.property(
      fc.constantFrom(...heads),
      fc.uint8Array({ maxLength: 200 }),
      codec,
      (head, tail, id) => {
        try {
          const bytes = Buffer.concat([Buffer.from(head, 'hex'), tail]);
          expect(decompress(id, bytes, 10_000).length).toBeLessThanOrEqual(10_000);
        } catch (error) {
          expect(error).toMatchObject({ name: 'MillraceError' });
        }
      },
    ),
    { numRuns: runs * 5 },
  );
});

describe('batches', () => {
  test('records are read back as they were given, in every codec and after recompression', () => {
    fc.assert(
      fc.property(records, codec, codec, fc.nat(2 ** 50), (given, id, other, baseOffset) => {
        const batch = buildBatch({ records: given, codec: id, baseOffset });
        const expected = given.map((record, index) => ({ ...record, offset: baseOffset + index }));
        const plain = (bytes: Uint8Array) =>
          [...recordsOf(bytes)].map(({ key, value, headers, ...rest }) => ({
            ...rest,
            key: key && Uint8Array.from(key),
            value: value && Uint8Array.from(value),
            headers: headers.map((header) => ({
              key: header.key,
              value: header.value && Uint8Array.from(header.value),
            })),
          }));
        expect(plain(batch)).toEqual(expected);
        expect(plain(recompress(sourceOf(batch), 0, batch.length, other))).toEqual(expected);
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  });

  test('what the builder makes is accepted, and described as it is', () => {
    const out = createBatchCheck();
    fc.assert(
      fc.property(records, codec, (given, id) => {
        const batch = buildBatch({ records: given, codec: id });
        expect(checkBatch(sourceOf(batch), 0, batch.length, rules, out)).toBe(true);
        const times = given.map(({ timestamp }) => timestamp);
        expect(out.recordCount).toBe(given.length);
        expect(out.maxTimestamp).toBe(Math.max(...times));
        expect(out.needsTimestampStamp).toBe(Math.max(...times) < -1);
      }),
      { numRuns: runs },
    );
  });

  test('no changed byte under the checksum is ever accepted', () => {
    const out = createBatchCheck();
    const change = fc.integer({ min: 1, max: 255 });
    fc.assert(
      fc.property(
        records,
        codec,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        change,
        (given, id, where, mask) => {
          const batch = buildBatch({ records: given, codec: id });
          // Everything but the leader epoch, which a client may set as it likes.
          let at = Math.floor(where * (batch.length - 4));
          if (at >= LEADER_EPOCH_AT) at += MAGIC_AT - LEADER_EPOCH_AT;
          batch[at]! ^= mask;
          expect(checkBatch(sourceOf(batch), 0, batch.length, rules, out)).toBe(false);
        },
      ),
      { numRuns: runs * 3 },
    );
  });

  test('bytes changed under a right checksum are judged without throwing, and alike by both walks', () => {
    const out = createBatchCheck();
    const changes = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(records, codec, changes, (given, id, changed) => {
        const batch = buildBatch({ records: given, codec: id });
        for (const [offset, byte] of changed) {
          batch[ATTRIBUTES_AT + (offset % (batch.length - ATTRIBUTES_AT))] = byte;
        }
        const { view } = sourceOf(batch);
        view.setUint32(CRC_AT, crc32c(batch, ATTRIBUTES_AT, batch.length));
        const isValid = checkBatch(sourceOf(batch), 0, batch.length, rules, out);
        expect(isValid).toBe(out.errorCode === 0);
        if (isValid) expect([...recordsOf(batch)]).toHaveLength(out.recordCount);
      }),
      { numRuns: runs * 3 },
    );
  });

  test('random bytes are never a batch and never throw', () => {
    const out = createBatchCheck();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, hasMagic) => {
        if (hasMagic && bytes.length > MAGIC_AT) {
          bytes[MAGIC_AT] = 2;
          sourceOf(bytes).view.setInt32(8, bytes.length - 12);
        }
        expect(checkBatch(sourceOf(bytes), 0, bytes.length, rules, out)).toBe(false);
      }),
      { numRuns: runs * 5 },
    );
  });
});

describe('the walk over records', () => {
  const walkBoth = (bytes: Uint8Array, from: number, to: number, count: number) => {
    const isWell = walkRecords(bytes, sourceOf(bytes).view, from, to, count);
    expect(recordsFault(bytes, from, to, count) === null).toBe(isWell);
    return isWell;
  };

  test('finds well-formed what the builder made, and sees its times and keys', () => {
    fc.assert(
      fc.property(records, fc.constantFrom(0, 64), (given, slack) => {
        const built = buildBatch({ records: given });
        const end = built.length;
        const batch = Buffer.concat([built, Buffer.alloc(slack, 1)]);
        expect(walkBoth(batch, 61, end, given.length)).toBe(true);
        const deltas = given.map(({ timestamp }) => timestamp - given[0]!.timestamp);
        expect(recordWalk.minTimestampDelta).toBe(Math.min(...deltas));
        expect(recordWalk.maxTimestampDelta).toBe(Math.max(...deltas));
        expect(recordWalk.hasNullKey).toBe(given.some(({ key }) => key === null));
        expect(walkBoth(batch, 61, end, given.length + 1)).toBe(false);
        expect(walkBoth(batch, 61, end, given.length - 1)).toBe(false);
        expect(walkBoth(batch, 61, end - 1, given.length)).toBe(false);
      }),
      { numRuns: runs },
    );
  });

  test('counts far enough for offsets and lengths of every size', () => {
    const value = new Uint8Array(3);
    const many = Array.from({ length: 20_000 }, (_, index) => ({ value, timestamp: index * 7 }));
    const built = buildBatch({ records: many });
    const batch = Buffer.concat([built, Buffer.alloc(64)]);
    expect(walkBoth(batch, 61, built.length, many.length)).toBe(true);
    expect(recordWalk.maxTimestampDelta).toBe(7 * 19_999);
    for (const length of [63, 64, 8191, 8192, 2 ** 20 - 1, 2 ** 20, 2 ** 21]) {
      const large = new Uint8Array(length);
      for (const record of [
        { key: large, timestamp: 1 },
        { value: large, timestamp: 1 },
        { headers: [{ key: 'h', value: large }], timestamp: 1 },
      ]) {
        const one = buildBatch({ records: [record, record] });
        const roomy = Buffer.concat([one, Buffer.alloc(64)]);
        expect(walkBoth(roomy, 61, one.length, 2)).toBe(true);
      }
    }
  });

  test('agrees with the slow reading on any bytes, at the end of memory too', () => {
    const changes = fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 })), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(records, changes, fc.boolean(), (given, changed, atEnd) => {
        const built = buildBatch({ records: given });
        const batch = atEnd
          ? Uint8Array.from(built)
          : Buffer.concat([built, Buffer.alloc(64, 0x85)]);
        for (const [at, byte] of changed) batch[61 + (at % (built.length - 61))] = byte;
        walkBoth(batch, 61, built.length, given.length);
      }),
      { numRuns: runs * 5 },
    );
  });
});

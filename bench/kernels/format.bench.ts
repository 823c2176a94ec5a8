/**
 * What do the kernels of the format cost? Checksums by size, beside those of a native module,
 * varints, the walk over records and the whole check of a batch, the scan of recovery, building, reading and
 * compressing. Divide by the bytes or records in the title: a 64 KiB batch at 10 us is 6.5 GB/s.
 */

import native from '@node-rs/crc32';
import * as mitata from 'mitata';
import { do_not_optimize } from 'mitata';
import { crc32c } from '../../engine/base/crc32c.ts';
import { DECOMPRESSED_BYTES_MAX } from '../../engine/base/limits.ts';
import { SharedMemory } from '../../engine/base/shared-memory.ts';
import { readVarint, readVarlong, writeVarint, writeVarlong } from '../../engine/base/varint.ts';
import { RECORDS_AT } from '../../engine/format/batch.ts';
import { BatchBuilder, buildBatch } from '../../engine/format/batch-builder.ts';
import { compress, decompress } from '../../engine/format/compression.ts';
import { walkRecords } from '../../engine/format/record-walk.ts';
import { RecordCursor } from '../../engine/format/records.ts';
import { stampTimestamp } from '../../engine/format/rewrite.ts';
import { scanBatches } from '../../engine/format/scan.ts';
import { type BatchRules, checkBatch, createBatchCheck } from '../../engine/format/validate.ts';

interface Case {
  readonly group: string;
  readonly name: string;
  readonly run: () => unknown;
}

/** What is measured: a test runs each once, so that none rots. */
export const cases: Case[] = [];
let groupName = '';

function group(name: string, define: () => void): void {
  groupName = name;
  define();
}

function bench(name: string, run: () => unknown): void {
  cases.push({ group: groupName, name, run });
}

const memory = SharedMemory.create(4 << 20);
const nowMs = 1_700_000_000_000;
const batchBytes = 64 * 1024;

const rules: BatchRules = {
  topicPartition: 'bench-0',
  maxMessageBytes: 1 << 20,
  nowMs,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3_600_000,
  timestampType: 'CreateTime',
  isCompacted: false,
  walkCompressed: false,
  checkCrc: true,
  fromClient: true,
  unfoldedBytesMax: DECOMPRESSED_BYTES_MAX,
  isPrepared: false,
};

/** Text that compresses about as logs do: words of a small vocabulary. */
function textOf(size: number, seed: number): Uint8Array {
  const text = Buffer.alloc(size);
  let state = seed;
  for (let at = 0; at < size; ) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    at += text.write(`${(state >>> 16).toString(36).slice(0, 3)}=${state >>> 24} `, at, 'latin1');
  }
  return text;
}

/** A batch of about `bytes` in records of `recordBytes`. */
function batchOf(recordBytes: number, bytes: number, baseOffset = 0): Uint8Array {
  const builder = new BatchBuilder(bytes + 1024);
  for (let index = 0; builder.size < bytes; index++) {
    builder.append(null, textOf(recordBytes, index), nowMs + (index >> 4));
  }
  return builder.close({ baseOffset });
}

group('crc32c', () => {
  const plain = Uint8Array.from(textOf(1 << 20, 1));
  memory.bytes.set(plain);
  for (const size of [64, 192, 512, 640, 1024, 4096, 10240, 20480, batchBytes, 1 << 20]) {
    bench(`${size} B, by address`, () => do_not_optimize(memory.crc32c(0, size)));
    bench(`${size} B, by copy`, () => do_not_optimize(crc32c(plain, 0, size)));
    bench(`${size} B, @node-rs/crc32`, () =>
      do_not_optimize(native.crc32c(plain.subarray(0, size))),
    );
  }
});

group('varint', () => {
  const bytes = new Uint8Array(16);
  for (const [name, value] of [
    ['one byte', 5],
    ['two bytes', 1000],
    ['five bytes', -2_000_000_000],
  ] as const) {
    writeVarint(bytes, 0, value);
    bench(`read, ${name}`, () => do_not_optimize(readVarint(bytes, 0, 16)));
    bench(`write, ${name}`, () => do_not_optimize(writeVarint(bytes, 0, value)));
  }
  writeVarlong(bytes, 0, nowMs);
  bench('read, a timestamp', () => do_not_optimize(readVarlong(bytes, 0, 16)));
  bench('write, a timestamp', () => do_not_optimize(writeVarlong(bytes, 0, nowMs)));
});

for (const recordBytes of [1000, 100]) {
  group(`a batch of 64 KiB in records of ${recordBytes} B`, () => {
    const batch = batchOf(recordBytes, batchBytes);
    const size = batch.length;
    const at = recordBytes << 10;
    memory.bytes.set(batch, at);
    const check = createBatchCheck();
    checkBatch(memory, at, size, rules, check);
    const { recordCount } = check;
    bench(`walk its ${recordCount} records`, () =>
      do_not_optimize(
        walkRecords(memory.bytes, memory.view, at + RECORDS_AT, at + size, recordCount),
      ),
    );
    bench('check it whole', () => do_not_optimize(checkBatch(memory, at, size, rules, check)));
    bench('stamp LogAppendTime', () => stampTimestamp(memory, at, size, 'LogAppendTime', nowMs));
    const cursor = new RecordCursor();
    const view = new DataView(batch.buffer, batch.byteOffset, size);
    bench('read its records, no views', () => {
      cursor.reset(batch, view, 0);
      while (cursor.next()) do_not_optimize(cursor.offset);
    });
    bench('read its records with values', () => {
      cursor.reset(batch, view, 0);
      while (cursor.next()) do_not_optimize(cursor.value());
    });
    const builder = new BatchBuilder(size + 1024);
    const value = textOf(recordBytes, 7);
    bench('build it', () => {
      builder.reset();
      for (let index = 0; index < recordCount; index++) builder.append(null, value, nowMs);
      do_not_optimize(builder.close());
    });
  });
}

group('scan 1 MiB of batches of 64 KiB', () => {
  const list: Uint8Array[] = [];
  for (let size = 0, baseOffset = 0; size < 1 << 20; baseOffset += 1000) {
    const batch = Uint8Array.from(batchOf(1000, batchBytes, baseOffset));
    list.push(batch);
    size += batch.length;
  }
  const bytes = Buffer.concat(list);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bench('with checksums', () => do_not_optimize(scanBatches(bytes, view, 0, bytes.length)));
  bench('headers only', () =>
    do_not_optimize(scanBatches(bytes, view, 0, bytes.length, { checkCrc: false })),
  );
});

group('compress and unfold 64 KiB of text', () => {
  const text = textOf(batchBytes, 3);
  for (const [codec, name] of [
    [1, 'gzip'],
    [2, 'snappy'],
    [3, 'lz4'],
    [4, 'zstd'],
  ] as const) {
    const packed = compress(codec, text);
    bench(`${name}: compress to ${packed.length} B`, () => do_not_optimize(compress(codec, text)));
    bench(`${name}: decompress`, () => do_not_optimize(decompress(codec, packed)));
  }
  const small = buildBatch({ records: [{ value: textOf(100, 1), timestamp: nowMs }] });
  const check = createBatchCheck();
  memory.bytes.set(small, 3 << 20);
  bench('for comparison: check a batch of one 100 B record', () =>
    do_not_optimize(checkBatch(memory, 3 << 20, small.length, rules, check)),
  );
});

for (const name of new Set(cases.map((each) => each.group))) {
  mitata.group(name, () => {
    for (const each of cases) if (each.group === name) mitata.bench(each.name, each.run);
  });
}

/**
 * Fuzzes records and compression. Records of a batch come back as they went in, through every codec;
 * damaged compressed blocks and record bytes are refused with a typed error or read as something,
 * and unfold to no more than the limit, whatever they claim.
 */

import { isDeepStrictEqual } from 'node:util';
import { assert } from '../engine/base/assert.ts';
import { MillraceError } from '../engine/base/errors.ts';
import { Prng } from '../engine/base/prng.ts';
import { RECORDS_AT } from '../engine/format/batch.ts';
import { compress, decompress } from '../engine/format/compression.ts';
import { RecordCursor, recordsOf } from '../engine/format/records.ts';
import { codecs, damage, randomBatch } from './random-batches.ts';
import type { FuzzOptions } from './target.ts';

export const name = 'records';

const LIMIT_BYTES = 64 * 1024;
const REFUSALS: readonly string[] = ['corrupt', 'too-large', 'codec'];

export async function run({ seed, eventsMax, isCanary = false }: FuzzOptions): Promise<void> {
  const random = new Prng(seed);
  for (let event = 0; event < eventsMax; event++) {
    const where = `event ${event} of seed ${seed}`;
    const codec = random.pick(codecs);
    checkRoundTrip(random, codec, where, isCanary);
    checkDamaged(random, codec, where);
    if (codec !== 0) checkBomb(random, codec, where);
  }
}

const plain = (bytes: Uint8Array | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('hex');

function checkRoundTrip(random: Prng, codec: number, where: string, isCanary: boolean): void {
  const { bytes, records, fields } = randomBatch(random, random.below(1000), codec);
  if (isCanary) bytes[RECORDS_AT + 1] = (bytes[RECORDS_AT + 1] as number) ^ 0x10;
  const read = [...recordsOf(bytes)].map((record) => ({
    offset: record.offset,
    timestamp: record.timestamp,
    key: plain(record.key),
    value: plain(record.value),
    headers: record.headers.map(({ key, value }) => [key, plain(value)]),
  }));
  const expected = records.map((record, index) => ({
    offset: (fields.baseOffset ?? 0) + index,
    timestamp: record.timestamp,
    key: plain(record.key),
    value: plain(record.value),
    headers: (record.headers ?? []).map(({ key, value }) => [key, plain(value)]),
  }));
  assert(isDeepStrictEqual(read, expected), `${where}: records do not come back, codec ${codec}`);
}

function checkDamaged(random: Prng, codec: number, where: string): void {
  const { bytes } = randomBatch(random, 0, codec);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  damage(bytes, random, random.chance(0.8) ? RECORDS_AT : 0, bytes.length);
  const cursor = new RecordCursor();
  refusable(where, () => {
    cursor.reset(bytes, view, 0, LIMIT_BYTES);
    assert(cursor.bytes.length <= Math.max(LIMIT_BYTES, bytes.length), `${where}: unfolds too far`);
    while (cursor.next()) {
      assert((cursor.key()?.length ?? 0) <= cursor.bytes.length, `${where}: a key lies outside`);
      assert(
        (cursor.value()?.length ?? 0) <= cursor.bytes.length,
        `${where}: a value lies outside`,
      );
      cursor.headers();
    }
  });
}

/** Megabytes of one byte fold into little: they must not unfold past the limit. */
function checkBomb(random: Prng, codec: number, where: string): void {
  const bomb = compress(codec, new Uint8Array(random.between(LIMIT_BYTES + 1, 4 << 20)));
  let unfolded: Uint8Array | null = null;
  refusable(where, () => {
    unfolded = decompress(codec, bomb, LIMIT_BYTES);
  });
  assert(unfolded === null, `${where}: codec ${codec} unfolds past its limit`);
}

function refusable(where: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    const isRefusal = error instanceof MillraceError && REFUSALS.includes(error.code);
    assert(isRefusal, `${where}: ${String(error)}`);
  }
}

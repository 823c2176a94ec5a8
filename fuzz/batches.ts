/**
 * Fuzzes the scan and the check of record batches. A run of valid batches is damaged, torn or padded
 * with zeros. The scan must name exactly the whole batches before the damage, never throw, and agree
 * with itself on every prefix; the check must never throw, and what it lets pass must hold the
 * records that it says.
 */

import { assert } from '../engine/base/assert.ts';
import { DECOMPRESSED_BYTES_MAX } from '../engine/base/limits.ts';
import { Prng } from '../engine/base/prng.ts';
import { ATTRIBUTES_AT } from '../engine/format/batch.ts';
import { RecordCursor } from '../engine/format/records.ts';
import { type ScanResult, scanBatches } from '../engine/format/scan.ts';
import { type BatchRules, checkBatch, createBatchCheck } from '../engine/format/validate.ts';
import { damage, randomBatch } from './random-batches.ts';
import type { FuzzOptions } from './target.ts';

export const name = 'batches';

const rules: BatchRules = {
  topicPartition: 'fuzz-0',
  maxMessageBytes: 1 << 20,
  nowMs: 1_000_000_000_000,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: Number.POSITIVE_INFINITY,
  timestampType: 'CreateTime',
  isCompacted: false,
  walkCompressed: false,
  checkCrc: true,
  fromClient: true,
  unfoldedBytesMax: DECOMPRESSED_BYTES_MAX,
  isPrepared: false,
};

export async function run({ seed, eventsMax, isCanary = false }: FuzzOptions): Promise<void> {
  const random = new Prng(seed);
  for (let event = 0; event < eventsMax; event++) {
    const where = `event ${event} of seed ${seed}`;
    checkScan(random, where, isCanary);
    checkOne(random, where);
  }
}

interface Run {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Position of each batch, and the end of the last. */
  readonly starts: number[];
}

function randomRun(random: Prng): Run {
  const parts: Uint8Array[] = [];
  const starts = [0];
  let offset = random.below(1000);
  for (let count = random.between(1, 6); count > 0; count--) {
    const batch = randomBatch(random, offset, random.chance(0.7) ? 0 : random.between(1, 4));
    offset += batch.records.length + random.below(3);
    parts.push(batch.bytes);
    starts.push((starts.at(-1) as number) + batch.bytes.length);
  }
  const padding = new Uint8Array(random.chance(0.3) ? random.below(200) : 0);
  const bytes = new Uint8Array(Buffer.concat([...parts, padding]));
  return { bytes, view: new DataView(bytes.buffer), starts };
}

function checkScan(random: Prng, where: string, isCanary: boolean): void {
  const { bytes, view, starts } = randomRun(random);
  const end = starts.at(-1) as number;
  const whole = scan(bytes, view, bytes.length, true);
  assert(whole.validBytes === end, `${where}: a scan finds ${whole.validBytes} of ${end} bytes`);

  const cut = random.below(bytes.length + 1);
  const torn = scan(bytes, view, cut, true);
  const expected = Math.max(...starts.filter((start) => start <= cut));
  assert(
    torn.validBytes === expected,
    `${where}: cut at ${cut}, ${torn.validBytes} bytes are valid`,
  );

  const victim = random.below(starts.length - 1);
  const from = starts[victim] as number;
  damage(bytes, random, from + ATTRIBUTES_AT, starts[victim + 1] as number);
  const hurt = scan(bytes, view, bytes.length, !isCanary);
  assert(
    hurt.validBytes === from,
    `${where}: damage in the batch at ${from}, but ${hurt.validBytes} bytes are valid (${hurt.stopReason})`,
  );

  damage(bytes, random, 0, bytes.length);
  const wild = scan(bytes, view, bytes.length, true);
  assert(
    wild.validBytes <= from || starts.includes(wild.validBytes),
    `${where}: ends inside a batch`,
  );
}

function scan(bytes: Uint8Array, view: DataView, to: number, checkCrc: boolean): ScanResult {
  const result = scanBatches(bytes, view, 0, to, { checkCrc });
  assert(
    result.validBytes >= 0 && result.validBytes <= to && result.lastOffset >= result.firstOffset,
    'a scan contradicts itself',
  );
  return result;
}

function checkOne(random: Prng, where: string): void {
  const batch = randomBatch(random, 0, random.chance(0.7) ? 0 : random.between(1, 4));
  const { bytes } = batch;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out = createBatchCheck();
  const isFine = checkBatch({ bytes, view }, 0, bytes.length, rules, out);
  assert(isFine, `${where}: a valid batch is refused: ${out.errorCode} ${out.reason}`);

  damage(bytes, random, 0, bytes.length);
  // Also without the checksum in front of it: the walk itself must withstand anything.
  for (const checkCrc of [true, false]) {
    const passed = checkBatch({ bytes, view }, 0, bytes.length, { ...rules, checkCrc }, out);
    assert(passed === (out.errorCode === 0), `${where}: outcome and code disagree`);
    if (!passed || (out.attributes & 7) !== 0) continue;
    const cursor = new RecordCursor();
    cursor.reset(bytes, view, 0);
    let count = 0;
    while (cursor.next()) count++;
    assert(count === out.recordCount, `${where}: ${count} records pass as ${out.recordCount}`);
  }
}

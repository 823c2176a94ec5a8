/**
 * A machine that dies with durable records in the journals of its shards, on real files: a copy of the data directory, taken
 * while the broker runs, in which the segments have lost what nothing but a journal had on the disk.
 */

import { cpSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { batchBaseOffset, batchSize } from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { recordsOf } from '../../engine/format/records.ts';
import { defaultLogConfig, type Engine, Marks, openEngine, ReadPlan } from '../../engine/index.ts';

const PARTITIONS = 6;
const LOG = '00000000000000000000.log';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-power-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function openAll(dataDir: string, shards: number): Promise<[Engine, number[], string[]]> {
  const engine = await openEngine({ dataDir, shards });
  // Nothing but a flush that is asked for: the segments stay behind the journal.
  const config = {
    ...defaultLogConfig,
    segmentBytes: 1 << 20,
    flushMessages: 1,
    flushTailMs: 3_600_000,
  };
  const specs = Array.from({ length: PARTITIONS }, (_, partition) => {
    return { topic: 'safe', partition, topicId: null, leaderEpoch: 0, config };
  });
  const refs = await engine.openPartitions(specs);
  return [engine, refs.map(({ slot }) => slot), refs.map(({ directory }) => directory)];
}

function textOf(partition: number, round: number): string {
  return `partition ${partition}, round ${round}`;
}

function batchOf(partition: number, round: number): Uint8Array {
  const value = Buffer.from(textOf(partition, round));
  return buildBatch({ records: [{ value, timestamp: 1 }] });
}

function journalsIn(dataDir: string): number {
  return readdirSync(dataDir).filter((name) => name.endsWith('.journal')).length;
}

async function appendTo(engine: Engine, slots: readonly number[], round: number): Promise<void> {
  const appends = slots.map((slot, partition) =>
    engine.client.append(slot, batchOf(partition, round)),
  );
  for (const { errorCode, baseOffset } of await Promise.all(appends)) {
    expect([errorCode, baseOffset]).toEqual([0, round]);
  }
}

function valuesIn(engine: Engine, slot: number, directory: string): string[] {
  const reader = engine.client.reader(slot, directory);
  const plan = new ReadPlan();
  const values: string[] = [];
  while (reader.locate(values.length, 'highWatermark', 1 << 20, true, null, plan) === 'ok') {
    const bytes = Buffer.alloc(plan.size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    reader.read(plan, bytes, 0);
    for (let at = 0; at < bytes.length; at += batchSize(view, at)) {
      if (batchBaseOffset(view, at) < values.length) continue;
      const batch = bytes.subarray(at, at + batchSize(view, at));
      for (const { value } of recordsOf(batch)) values.push(String(value));
    }
  }
  reader.close();
  return values;
}

test('journals of another number of shards are written back before the partitions are opened', async () => {
  const dataDir = join(folder, 'data');
  const [engine, slots] = await openAll(dataDir, 2);
  const marks = new Marks();
  const recoveryPoints = (): number[] =>
    slots.map((slot) => {
      engine.client.marks(slot, marks);
      return marks.recoveryPoint;
    });
  // A pass that finds one log alone syncs its file: until most have a tail that only a journal has on the disk.
  let rounds = 0;
  const hasTails = (): boolean => recoveryPoints().filter((point) => rounds - point > 3).length > 3;
  while (!hasTails()) await appendTo(engine, slots, rounds++);
  const safeInSegment = recoveryPoints();
  const copy = join(folder, 'copy');
  cpSync(dataDir, copy, { recursive: true });
  await engine.close();
  expect(journalsIn(dataDir)).toBe(0);

  expect(journalsIn(copy)).toBe(2);
  safeInSegment.forEach((point, partition) => {
    let size = 0;
    for (let round = 0; round < point; round++) size += batchOf(partition, round).length;
    truncateSync(join(copy, `safe-${partition}`, LOG), size);
  });
  const [again, copied, directories] = await openAll(copy, 1);
  expect(journalsIn(copy)).toBe(0);
  directories.forEach((directory, partition) => {
    const wanted = Array.from({ length: rounds }, (_, round) => textOf(partition, round));
    expect(valuesIn(again, copied[partition]!, directory)).toEqual(wanted);
  });
  await again.close();
});

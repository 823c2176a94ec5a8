/**
 * A process killed while it appends, partly through the shard and partly on its behalf: after the next start every
 * acknowledged record is where it was said to be, and the log is whole.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { crc32c } from '../../engine/base/crc32c.ts';
import {
  ATTRIBUTES_AT,
  batchBaseOffset,
  batchCrc,
  batchLastOffset,
  batchSize,
} from '../../engine/format/batch.ts';
import { RecordCursor } from '../../engine/format/records.ts';
import { openEngine, type PartitionReader, ReadPlan } from '../../engine/index.ts';

interface Load {
  readonly inFlight: number;
  readonly valueBytes: number;
  readonly partitions: number;
  readonly durability: 'durable' | 'plain';
  /** Acknowledgements after which the process is killed. */
  readonly count: number;
}

interface Acknowledged {
  readonly offsets: Map<number, number>;
  direct: number;
}

/** Runs until so many records are acknowledged, then kills; what was said before the end counts. */
async function appendAndKill(dataDir: string, load: Load): Promise<Acknowledged> {
  const program = join(import.meta.dirname, 'engine-appending.ts');
  const child: ChildProcess = spawn(
    process.execPath,
    [
      program,
      dataDir,
      `${load.inFlight}`,
      `${load.valueBytes}`,
      `${load.partitions}`,
      load.durability,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const acknowledged: Acknowledged = { offsets: new Map(), direct: 0 };
  for await (const line of createInterface({ input: child.stdout! })) {
    const [number, offset, direct] = line.split(' ').map(Number);
    acknowledged.offsets.set(number!, offset!);
    acknowledged.direct = direct!;
    if (acknowledged.offsets.size === load.count) child.kill('SIGKILL');
  }
  return acknowledged;
}

/** Offset of each number in its log; checks every batch on the way. */
async function readAll(dataDir: string, partitions: number): Promise<Map<number, number>> {
  const engine = await openEngine({ dataDir, shards: 1 });
  const found = new Map<number, number>();
  for (let partition = 0; partition < partitions; partition++) {
    const spec = { topic: 'numbers', partition, topicId: null, leaderEpoch: 0 };
    const [ref] = await engine.openPartitions([spec]);
    readPartition(engine.client.reader(ref!.slot, ref!.directory), found);
  }
  await engine.close();
  return found;
}

function readPartition(reader: PartitionReader, found: Map<number, number>): void {
  const plan = new ReadPlan();
  let next = 0;
  while (reader.locate(next, 'highWatermark', 1 << 20, true, null, plan) === 'ok') {
    const bytes = Buffer.alloc(plan.size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    reader.read(plan, bytes, 0);
    for (let at = 0; at + 61 <= bytes.length && at + batchSize(view, at) <= bytes.length; ) {
      const size = batchSize(view, at);
      expect(crc32c(bytes, at + ATTRIBUTES_AT, at + size)).toBe(batchCrc(view, at));
      if (batchBaseOffset(view, at) >= next) {
        expect(batchBaseOffset(view, at)).toBe(next);
        found.set(numberIn(bytes, view, at), next);
      }
      next = batchLastOffset(view, at) + 1;
      at += size;
    }
  }
  reader.close();
}

function numberIn(bytes: Buffer, view: DataView, at: number): number {
  const records = new RecordCursor();
  records.reset(bytes, view, at);
  records.next();
  return view.getInt32(records.valueAt);
}

const plain = { partitions: 1, durability: 'plain' } as const;
const durable = { partitions: 7, durability: 'durable', inFlight: 40 } as const;
const loads: Record<string, Load> = {
  'one at a time, mostly appended by the client': {
    ...plain,
    inFlight: 1,
    valueBytes: 200,
    count: 700,
  },
  'two at a time': { ...plain, inFlight: 2, valueBytes: 3000, count: 500 },
  'many at a time, mostly appended by the shard': {
    ...plain,
    inFlight: 40,
    valueBytes: 2000,
    count: 900,
  },
  // Small ones are synced in the journal, much of the large ones in their segments.
  'through the journal': { ...durable, valueBytes: 500, count: 900 },
  'through the journal and past it': { ...durable, valueBytes: 60_000, count: 300 },
};

for (const [name, load] of Object.entries(loads)) {
  test(`engine: killed while appending, ${name}: nothing acknowledged is missing or elsewhere`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
    try {
      const { offsets, direct } = await appendAndKill(dataDir, load);
      expect(offsets.size).toBeGreaterThanOrEqual(load.count);
      if (load.inFlight === 1) expect(direct).toBeGreaterThan(load.count / 2);
      const found = await readAll(dataDir, load.partitions);
      for (const [number, offset] of offsets) expect(found.get(number)).toBe(offset);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
}

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
import { openEngine, ReadPlan } from '../../engine/index.ts';

interface Acknowledged {
  readonly offsets: Map<number, number>;
  direct: number;
}

/** Runs until so many records are acknowledged, then kills; what was said before the end counts. */
async function appendAndKill(
  dataDir: string,
  load: { inFlight: number; valueBytes: number; count: number },
): Promise<Acknowledged> {
  const program = join(import.meta.dirname, 'engine-appending.ts');
  const child: ChildProcess = spawn(
    process.execPath,
    [program, dataDir, `${load.inFlight}`, `${load.valueBytes}`],
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

/** Offset of each number in the log; checks every batch on the way. */
async function readAll(dataDir: string): Promise<Map<number, number>> {
  const engine = await openEngine({ dataDir, shards: 1 });
  const spec = { topic: 'numbers', partition: 0, topicId: null, leaderEpoch: 0 };
  const [ref] = await engine.openPartitions([spec]);
  const reader = engine.client.reader(ref!.slot, ref!.directory);
  const plan = new ReadPlan();
  const found = new Map<number, number>();
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
  await engine.close();
  return found;
}

function numberIn(bytes: Buffer, view: DataView, at: number): number {
  const records = new RecordCursor();
  records.reset(bytes, view, at);
  records.next();
  return view.getInt32(records.valueAt);
}

for (const load of [
  {
    name: 'one at a time, mostly appended by the client',
    inFlight: 1,
    valueBytes: 200,
    count: 700,
  },
  { name: 'two at a time', inFlight: 2, valueBytes: 3000, count: 500 },
  {
    name: 'many at a time, mostly appended by the shard',
    inFlight: 40,
    valueBytes: 2000,
    count: 900,
  },
]) {
  test(`engine: killed while appending, ${load.name}: nothing acknowledged is missing or elsewhere`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
    try {
      const { offsets, direct } = await appendAndKill(dataDir, load);
      expect(offsets.size).toBeGreaterThanOrEqual(load.count);
      if (load.inFlight === 1) expect(direct).toBeGreaterThan(load.count / 2);
      const found = await readAll(dataDir);
      for (const [number, offset] of offsets) expect(found.get(number)).toBe(offset);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
}

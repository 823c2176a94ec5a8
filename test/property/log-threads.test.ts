/**
 * A log on one thread, its readers on this one, nothing between them but the slot of the partition table and the files.
 * Allowed outcomes of a read: whole, valid batches from the asked offset on, in order, of the history that the marks of
 * the read belong to; or the word that it came too late.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Prng } from '../../engine/base/prng.ts';
import { batchBaseOffset, batchLeaderEpoch, batchSize } from '../../engine/format/batch.ts';
import { scanBatches } from '../../engine/format/scan.ts';
import { DescriptorCache } from '../../engine/io/descriptor-cache.ts';
import { realFileSystem } from '../../engine/io/real-file-system.ts';
import { ReadCursor, ReadProgress } from '../../engine/log/read-progress.ts';
import { PartitionReader, ReadPlan } from '../../engine/log/reader.ts';
import { PartitionTable } from '../../engine/shard/partition-table.ts';

const CUTS_MAX = 5000;
const MILLISECONDS = Number(process.env.LOG_THREADS_MS ?? 1500);

test('a reader on another thread never sees a torn batch, a gap or a history that was cut off', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
  const table = new PartitionTable(new SharedArrayBuffer(PartitionTable.bytes(1)));
  const cuts = new Float64Array(new SharedArrayBuffer(8 * CUTS_MAX));
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const seed = Number(process.env.LOG_SEED ?? Date.now() % 100_000);
  const directory = join(scratch, 't-0');
  const worker = new Worker(new URL('log-writer-thread.ts', import.meta.url), {
    workerData: { table: table.shared, cuts: cuts.buffer, stop: stop.buffer, directory, seed },
  });
  const ended = new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
  const failure = new Promise<never>((_, reject) => worker.on('error', reject));
  try {
    await Promise.race([readOn(table, cuts, directory, seed), failure]);
  } finally {
    Atomics.store(stop, 0, 1);
    await ended;
    rmSync(scratch, { recursive: true, force: true });
  }
});

async function readOn(
  table: PartitionTable,
  cuts: Float64Array,
  directory: string,
  seed: number,
): Promise<void> {
  const random = new Prng(seed + 1);
  const marks = table.source(0);
  const descriptors = new DescriptorCache(realFileSystem, 6);
  const reader = new PartitionReader({ fs: realFileSystem, directory, marks, descriptors });
  const plan = new ReadPlan();
  const hint = new ReadCursor();
  const progress = new ReadProgress();
  const buffer = Buffer.alloc(64 * 1024);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  const counts = { batches: 0, late: 0, outOfRange: 0 };
  const until = Date.now() + MILLISECONDS;
  // On a busy machine the writer may take seconds to begin: go on until something has happened.
  const isEnough = (): boolean => counts.batches > 100 && counts.late + counts.outOfRange > 0;
  let offset = 0;
  for (let round = 0; Date.now() < until || !isEnough(); round++) {
    // The writer needs a turn on a machine with one core, and its errors are told on the event loop.
    if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    const maxBytes = random.between(1, buffer.length / 2);
    const status = reader.locate(offset, 'logEndOffset', maxBytes, true, hint, plan);
    if (status === 'outOfRange') {
      counts.outOfRange++;
      offset = plan.logStartOffset + random.below(plan.logEndOffset - plan.logStartOffset + 1);
      continue;
    }
    if (status === 'atEnd') {
      offset = Math.max(plan.logStartOffset, plan.logEndOffset - random.below(300));
      continue;
    }
    if (status !== 'ok') continue;
    const { position, size, truncations } = plan;
    const count =
      random.below(4) === 0
        ? await reader.readAsync(plan, buffer, 0)
        : reader.read(plan, buffer, 0);
    if (count < 0) {
      counts.late++;
      continue;
    }
    const where = `seed ${seed}: offset ${offset} at ${position} of ${plan.baseOffset}, ${truncations} truncations`;
    expect(count, where).toBe(size);
    progress.begin(plan);
    progress.note(view, 0, count);
    const whole = progress.leave(hint);
    const scan = scanBatches(buffer, view, 0, whole);
    expect([scan.validBytes, scan.stopReason], where).toEqual([whole, 'end']);
    expect(scan.batchCount, where).toBeGreaterThan(0);
    expect(batchBaseOffset(view, 0), where).toBeLessThanOrEqual(offset);
    expect(scan.recordCount, where).toBe(scan.lastOffset + 1 - scan.firstOffset);
    for (let at = 0; at < whole; at += batchSize(view, at)) {
      counts.batches++;
      const epoch = batchLeaderEpoch(view, at);
      const cut = Math.floor(truncations / 2);
      // Between its two moves a truncation is under way, and the next epoch has not begun.
      expect(epoch, where).toBeLessThanOrEqual(cut);
      if (batchBaseOffset(view, at) >= cuts[cut]!) expect(epoch, where).toBe(cut);
    }
    offset = scan.lastOffset + 1;
  }
  reader.close();
  expect(descriptors.openCount).toBe(0);
}

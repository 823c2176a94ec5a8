/** How often threads wake each other, counted: a wake-up costs more than the append that caused it. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DIRECT_PAUSE_MS, DIRECT_SLOW_MS, KIB } from '../../engine/base/limits.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { type Engine, openEngine, type PartitionRef } from '../../engine/index.ts';
import { realFileSystem } from '../../engine/io/real-file-system.ts';

let engine: Engine;
let ref: PartitionRef;
let keepAlive: NodeJS.Timeout;
const batch = buildBatch({ records: [{ value: Buffer.alloc(100), timestamp: 1 }] });

let dataDir: string;

async function open(directAppends: boolean): Promise<void> {
  engine = await openEngine({ dataDir, shards: 1, directAppends });
  const spec = { topic: 'quiet', partition: 0, topicId: null, leaderEpoch: 0 };
  [ref] = (await engine.openPartitions([spec])) as [PartitionRef];
}

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-wake-ups-'));
  keepAlive = setInterval(() => undefined, 1 << 30);
});
afterEach(async () => {
  clearInterval(keepAlive);
  await engine.close();
  rmSync(dataDir, { recursive: true });
});

test('wake-ups: one small append at a time wakes nobody, but for flushes', async () => {
  await open(true);
  for (let i = 0; i < 1000; i++) await engine.client.append(ref.slot, batch);
  const { direct, batches, shardWakeUps, clientWakeUps } = engine.statistics();
  expect(direct + batches).toBe(1000);
  // A flush leaves the partition clean now and then.
  expect(direct).toBeGreaterThan(900);
  expect(shardWakeUps).toBeLessThan(150);
  expect(clientWakeUps).toBeLessThan(150);
});

test('wake-ups: large appends wake the shard every 4 MiB, and their index entries are found', async () => {
  await open(true);
  const large = buildBatch({ records: [{ value: Buffer.alloc(64 * KIB), timestamp: 1 }] });
  for (let i = 0; i < 500; i++) await engine.client.append(ref.slot, large);
  const { direct, shardWakeUps } = engine.statistics();
  // On a busy machine the shard may still be on its way to sleep when the next one comes.
  expect(direct).toBeGreaterThan(300);
  expect(shardWakeUps).toBeLessThan(200);
  const { directory } = ref;
  await engine.close();
  // One entry for each batch but the first, in order: what the clients noted and what the shard added itself.
  const index = readFileSync(join(directory, '00000000000000000000.index'));
  expect(index.length).toBe(499 * 8);
  for (let i = 1; i < 500; i++) {
    expect(index.readInt32BE((i - 1) * 8)).toBe(i);
    expect(index.readInt32BE((i - 1) * 8 + 4)).toBe(i * large.length);
  }
});

test('wake-ups: a burst wakes the shard about once, and the client once per pass of the shard at most', async () => {
  await open(false);
  const { client } = engine;
  await client.append(ref.slot, batch);
  const before = engine.statistics();
  const address = client.slab.allocate(2000 * batch.length);
  let completed = 0;
  let turns = 0;
  const done = new Promise<void>((resolve) => {
    client.onCompletion = () => {
      if (++completed === 2000) resolve();
    };
  });
  client.onDrained = () => turns++;
  for (let i = 0; i < 2000; i++) {
    const at = address + i * batch.length;
    client.memory.bytes.set(batch, at);
    expect(client.submit(ref.slot, at, batch.length, i, 0)).toBe(true);
  }
  client.ring();
  await done;
  const after = engine.statistics();
  const drains = after.drains - before.drains;
  expect(after.batches - before.batches).toBe(2000);
  expect(after.groups - before.groups).toBe(drains);
  expect(drains).toBeLessThan(100);
  expect(after.shardWakeUps - before.shardWakeUps).toBeLessThanOrEqual(drains);
  expect(after.clientWakeUps - before.clientWakeUps).toBeLessThanOrEqual(drains + 1);
  expect(turns).toBeLessThanOrEqual(drains + 1);
});

test('wake-ups: a client whose file was slow leaves appends to the shard for a while, and then takes them up again', async () => {
  await open(true);
  const { client } = engine;
  const appendUntil = async (isEnough: () => boolean): Promise<void> => {
    while (!isEnough()) await client.append(ref.slot, batch);
  };
  const direct = (): number => engine.statistics().direct;
  await appendUntil(() => direct() > 10);
  const { pwrite } = realFileSystem;
  let wasSlow = false;
  const slow = vi.spyOn(realFileSystem, 'pwrite').mockImplementation((...args) => {
    pwrite(...args);
    // Of this thread alone: the shard has its own module.
    if (!wasSlow) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, DIRECT_SLOW_MS + 5);
    wasSlow = true;
  });
  await appendUntil(() => wasSlow);
  slow.mockRestore();
  const before = direct();
  const slowAt = performance.now();
  for (let i = 0; i < 20; i++) await client.append(ref.slot, batch);
  expect(direct()).toBe(before);
  await appendUntil(() => direct() > before);
  expect(performance.now() - slowAt).toBeGreaterThan(DIRECT_PAUSE_MS - 100);
});

test('wake-ups: an engine that has nothing to do is not woken', async () => {
  await open(true);
  await engine.client.append(ref.slot, batch);
  await engine.flush();
  const before = engine.statistics();
  // Requests of the control plane are answered by waking the shard once each; nothing else may happen in between.
  for (let i = 0; i < 20; i++) await engine.producers(ref.slot);
  const after = engine.statistics();
  expect(after.shardWakeUps - before.shardWakeUps).toBeLessThanOrEqual(20);
  expect(after.clientWakeUps - before.clientWakeUps).toBe(0);
});

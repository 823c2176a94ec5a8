/** The engine with real threads: clients that append at once, one that follows, shards between them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  batchBaseOffset,
  batchCrc,
  batchLastOffset,
  batchSize,
} from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import {
  defaultLogConfig,
  type Engine,
  type EngineOptions,
  type LogConfig,
  Marks,
  openEngine,
  type PartitionSpec,
  ReadPlan,
} from '../../engine/index.ts';
import type { EngineAppenderData, EngineAppenderReport } from './engine-appender.ts';
import type { EngineFollowerData, EngineFollowerReport } from './engine-follower.ts';
import { startPeer } from './peer.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const replay = `replay: SEED=${seed} npx vitest run test/concurrency/engine.test.ts`;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-engine-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

interface Crowd {
  readonly partitions: number;
  readonly appenders: number;
  readonly count: number;
  readonly valueBytesMax: number;
  readonly pauseStepsMax: number;
  readonly inFlightMax: number;
  readonly config: Partial<LogConfig>;
  /** Called over and over while the appenders run. */
  readonly meanwhile?: (engine: Engine, slots: readonly number[], round: number) => Promise<void>;
}

async function appendAndFollow(options: Omit<EngineOptions, 'dataDir'>, crowd: Crowd) {
  const engine = await openEngine({ dataDir, ...options });
  const config = { ...defaultLogConfig, ...crowd.config };
  const specs = Array.from({ length: crowd.partitions }, (_, partition) => {
    return { topic: 'crowd', partition, topicId: null, leaderEpoch: 3, config };
  });
  const partitions = await engine.openPartitions(specs);
  const slots = partitions.map(({ slot }) => slot);
  const total = crowd.appenders * crowd.count;
  const followerHandle = engine.clientHandle();
  const followerData: EngineFollowerData = { handle: followerHandle, partitions, count: total };
  const follower = startPeer('./engine-follower.ts', followerData, followerHandle.transferList);
  await follower.ready;
  const appenders = Array.from({ length: crowd.appenders }, (_, index) => {
    const handle = engine.clientHandle();
    const appenderData: EngineAppenderData = {
      handle,
      slots,
      count: crowd.count,
      seed: seed + index,
      valueBytesMax: crowd.valueBytesMax,
      pauseStepsMax: crowd.pauseStepsMax,
      inFlightMax: crowd.inFlightMax,
    };
    return startPeer('./engine-appender.ts', appenderData, handle.transferList);
  });
  let isOver = false;
  const disturbing = (async () => {
    for (let round = 0; !isOver && crowd.meanwhile !== undefined; round++) {
      await crowd.meanwhile(engine, slots, round);
    }
  })();
  const reports = (await Promise.all(
    appenders.map((peer) => peer.result),
  )) as EngineAppenderReport[];
  const followed = (await follower.result) as EngineFollowerReport;
  isOver = true;
  await disturbing;
  const statistics = engine.statistics();
  await engine.close();
  await expectSame(specs, followed);

  expect(followed.faults, replay).toEqual([]);
  for (let partition = 0; partition < crowd.partitions; partition++) {
    for (const { appended, failures } of reports) {
      expect(failures, replay).toEqual([]);
      // What one client appends to one partition keeps its order.
      const offsets = appended[partition]!.map(([offset]) => offset);
      expect(offsets, replay).toEqual(offsets.toSorted((a, b) => a - b));
    }
    const expected = reports.flatMap(({ appended }) => appended[partition]!);
    expect(followed.seen[partition], replay).toEqual(expected.toSorted((a, b) => a[0] - b[0]));
  }
  return { reports, followed, statistics };
}

/** After a restart the log holds the same batches, sound as recovery and a fresh reader see them. */
async function expectSame(specs: PartitionSpec[], followed: EngineFollowerReport): Promise<void> {
  const engine = await openEngine({ dataDir, shards: 0 });
  const refs = await engine.openPartitions(specs);
  const plan = new ReadPlan();
  for (const [partition, { slot, directory }] of refs.entries()) {
    const reader = engine.client.reader(slot, directory);
    let next = 0;
    const found: [number, number][] = [];
    while (reader.locate(next, 'highWatermark', 1 << 20, true, null, plan) === 'ok') {
      const bytes = Buffer.alloc(plan.size);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      reader.read(plan, bytes, 0);
      for (let at = 0; at + 61 <= bytes.length && at + batchSize(view, at) <= bytes.length; ) {
        if (batchBaseOffset(view, at) >= next)
          found.push([batchBaseOffset(view, at), batchCrc(view, at)]);
        next = batchLastOffset(view, at) + 1;
        at += batchSize(view, at);
      }
    }
    reader.close();
    expect(found, replay).toEqual(followed.seen[partition]);
  }
  await engine.close();
}

test('engine: two clients append while a third follows: offsets dense, bytes equal, order kept', async () => {
  const { statistics, followed } = await appendAndFollow(
    { shards: 2 },
    {
      partitions: 5,
      appenders: 2,
      count: 4000,
      valueBytesMax: 3000,
      pauseStepsMax: 3000,
      inFlightMax: 1000,
      config: { segmentBytes: 4 << 20 },
    },
  );
  expect(statistics.batches, replay).toBe(8000);
  expect(statistics.groups, replay).toBeLessThanOrEqual(8000);
  expect(followed.notices, replay).toBeGreaterThan(0);
});

test('engine: a slab much smaller than the load holds the clients back and loses nothing', async () => {
  const { reports } = await appendAndFollow(
    { shards: 1, slabBytes: 512 << 10, slabGiantBytes: 1 << 20 },
    {
      partitions: 2,
      appenders: 2,
      count: 1500,
      valueBytesMax: 30_000,
      pauseStepsMax: 0,
      inFlightMax: 1000,
      config: {},
    },
  );
  expect(reports[0]!.fullSlab + reports[1]!.fullSlab, replay).toBeGreaterThan(0);
});

test('engine: clients that append for a sleeping shard and the shard itself never lose or mix up anything', async () => {
  // Everything that takes the partition back from the clients happens often: index entries, rolls, flushes that leave the
  // partition clean, new leader epochs, other configurations.
  const config: Partial<LogConfig> = {
    segmentBytes: 200_000,
    indexIntervalBytes: 2000,
    retentionMs: Number.POSITIVE_INFINITY,
    flushTailMs: 1,
  };
  const { statistics } = await appendAndFollow(
    { shards: 1 },
    {
      partitions: 2,
      appenders: 2,
      count: 4000,
      valueBytesMax: 300,
      pauseStepsMax: 3000,
      inFlightMax: 2,
      config,
      meanwhile: async (engine, slots, round) => {
        const slot = slots[round % slots.length]!;
        await engine.setLeaderEpoch(slot, 4 + round);
        const flushMessages = round % 8 === 0 ? 1 : Number.POSITIVE_INFINITY;
        await engine.configure([
          { slot, config: { ...defaultLogConfig, ...config, flushMessages } },
        ]);
        if (round % 5 === 0) await engine.maintain();
        const { direct, batches } = engine.statistics();
        const next = direct + batches + 50;
        await until(() => {
          const now = engine.statistics();
          return now.direct + now.batches >= next || now.direct + now.batches >= 8000;
        });
      },
    },
  );
  // Otherwise one of the two ways was not taken, and the test said nothing.
  expect(statistics.direct, replay).toBeGreaterThan(500);
  expect(statistics.batches, replay).toBeGreaterThan(500);
  expect(statistics.direct + statistics.batches, replay).toBeGreaterThanOrEqual(8000);
});

test('engine: closing while appends are under way answers each of them, and what was acknowledged is there', async () => {
  const engine = await openEngine({ dataDir, shards: 1 });
  const spec = { topic: 'busy', partition: 0, topicId: null, leaderEpoch: 0 };
  const [ref] = await engine.openPartitions([spec]);
  const outcomes = Array.from({ length: 3000 }, (_, index) => {
    const batch = buildBatch({ records: [{ value: Buffer.from(`${index}`), timestamp: 1 }] });
    return engine.client.append(ref!.slot, batch).then(
      ({ baseOffset }) => baseOffset,
      () => -1,
    );
  });
  await engine.close();
  const offsets = await Promise.all(outcomes);
  const acknowledged = offsets.filter((offset) => offset >= 0);
  expect(acknowledged).toEqual(acknowledged.map((_, index) => index));
  expect(acknowledged.length).toBeGreaterThan(0);

  const again = await openEngine({ dataDir, shards: 1 });
  const [reopened] = await again.openPartitions([spec]);
  const marks = new Marks();
  expect(again.client.marks(reopened!.slot, marks)).toBe(true);
  expect(marks.logEndOffset).toBe(acknowledged.length);
  await again.close();
});

test('engine: a client appends by itself from the third time on, not before', async () => {
  await using engine = await openEngine({ dataDir, shards: 1 });
  const specs = Array.from({ length: 20 }, (_, partition) => {
    return { topic: 'few', partition, topicId: null, leaderEpoch: 0 };
  });
  const partitions = await engine.openPartitions(specs);
  const batch = buildBatch({ records: [{ value: Buffer.from('v'), timestamp: Date.now() }] });
  for (const expected of [0, 1]) {
    for (const { slot } of partitions) {
      expect((await engine.client.append(slot, batch)).baseOffset).toBe(expected);
    }
    expect(engine.statistics().direct).toBe(0);
  }
  // Whether the shard sleeps at the moment is not known: in the end it does.
  const slot = partitions[0]!.slot;
  for (let next = 2; engine.statistics().direct === 0; next++) {
    expect((await engine.client.append(slot, batch)).baseOffset).toBe(next);
  }
});

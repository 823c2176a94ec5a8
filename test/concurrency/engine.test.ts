/** The engine with real threads: clients that append at once, one that follows, shards between them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { defaultLogConfig, type EngineOptions, openEngine } from '../../engine/index.ts';
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

interface Crowd {
  readonly partitions: number;
  readonly appenders: number;
  readonly count: number;
  readonly valueBytesMax: number;
  readonly pauseStepsMax: number;
}

async function appendAndFollow(options: Omit<EngineOptions, 'dataDir'>, crowd: Crowd) {
  const engine = await openEngine({ dataDir, ...options });
  const config = { ...defaultLogConfig, segmentBytes: 4 << 20 };
  const specs = Array.from({ length: crowd.partitions }, (_, partition) => {
    return { topic: 'crowd', partition, topicId: null, leaderEpoch: 3, config };
  });
  const partitions = await engine.openPartitions(specs);
  const total = crowd.appenders * crowd.count;
  const followerHandle = engine.clientHandle();
  const followerData: EngineFollowerData = { handle: followerHandle, partitions, count: total };
  const follower = startPeer('./engine-follower.ts', followerData, followerHandle.transferList);
  await follower.ready;
  const appenders = Array.from({ length: crowd.appenders }, (_, index) => {
    const handle = engine.clientHandle();
    const appenderData: EngineAppenderData = {
      handle,
      slots: partitions.map(({ slot }) => slot),
      count: crowd.count,
      seed: seed + index,
      valueBytesMax: crowd.valueBytesMax,
      pauseStepsMax: crowd.pauseStepsMax,
    };
    return startPeer('./engine-appender.ts', appenderData, handle.transferList);
  });
  const reports = (await Promise.all(
    appenders.map((peer) => peer.result),
  )) as EngineAppenderReport[];
  const followed = (await follower.result) as EngineFollowerReport;
  const statistics = engine.statistics();
  await engine.close();

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

test('engine: two clients append while a third follows: offsets dense, bytes equal, order kept', async () => {
  const { statistics, followed } = await appendAndFollow(
    { shards: 2 },
    { partitions: 5, appenders: 2, count: 4000, valueBytesMax: 3000, pauseStepsMax: 3000 },
  );
  expect(statistics.batches, replay).toBe(8000);
  expect(statistics.groups, replay).toBeLessThanOrEqual(8000);
  expect(followed.notices, replay).toBeGreaterThan(0);
});

test('engine: a slab much smaller than the load holds the clients back and loses nothing', async () => {
  const { reports } = await appendAndFollow(
    { shards: 1, slabBytes: 512 << 10, slabGiantBytes: 1 << 20 },
    { partitions: 2, appenders: 2, count: 1500, valueBytesMax: 30_000, pauseStepsMax: 0 },
  );
  expect(reports[0]!.fullSlab + reports[1]!.fullSlab, replay).toBeGreaterThan(0);
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
  const { Marks } = await import('../../engine/index.ts');
  const marks = new Marks();
  expect(again.client.marks(reopened!.slot, marks)).toBe(true);
  expect(marks.logEndOffset).toBe(acknowledged.length);
  await again.close();
});

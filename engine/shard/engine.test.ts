import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ErrorCode } from '../base/error-codes.ts';
import { JOURNAL_HALF_BYTES } from '../base/limits.ts';
import { randomUuid } from '../base/uuid.ts';
import { setBatchBaseOffset, setBatchLeaderEpoch } from '../format/batch.ts';
import { buildBatch } from '../format/batch-builder.ts';
import { FaultyFileSystem } from '../io/faulty-file-system.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { defaultLogConfig, type LogConfig } from '../log/log-config.ts';
import { ReadPlan } from '../log/reader.ts';
import { openEngine } from './engine.ts';
import type { Engine, EngineOptions, PartitionRef, PartitionSpec } from './engine-api.ts';
import { Marks, PartitionState } from './partition-table.ts';

let dataDir: string;
const engines: Engine[] = [];
const marks = new Marks();

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-engine-'));
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function open(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await openEngine({ dataDir, shards: 0, ...options });
  engines.push(engine);
  return engine;
}

function spec(partition: number, config: Partial<LogConfig> = {}): PartitionSpec {
  return {
    topic: 'orders',
    partition,
    topicId: null,
    leaderEpoch: 0,
    config: { ...defaultLogConfig, ...config },
  };
}

async function openOne(engine: Engine, config: Partial<LogConfig> = {}): Promise<PartitionRef> {
  const [ref] = await engine.openPartitions([spec(0, config)]);
  return ref!;
}

function batchOf(...values: string[]): Uint8Array {
  return buildBatch({
    records: values.map((value) => ({ value: Buffer.from(value), timestamp: 1 })),
  });
}

function endOffset(engine: Engine, slot: number): number {
  engine.client.marks(slot, marks);
  return marks.logEndOffset;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('engine: an append is answered with its offset, moves the marks and can be read', async () => {
  const engine = await open({ shards: 1 });
  const ref = await openOne(engine);
  const first = await engine.client.append(ref.slot, batchOf('a', 'b'));
  expect(first).toEqual({
    errorCode: 0,
    baseOffset: 0,
    logAppendTimeMs: -1,
    logStartOffset: 0,
    detail: null,
  });
  expect((await engine.client.append(ref.slot, batchOf('c'))).baseOffset).toBe(2);
  expect(engine.client.marks(ref.slot, marks)).toBe(true);
  expect([marks.logStartOffset, marks.highWatermark, marks.logEndOffset]).toEqual([0, 3, 3]);

  const reader = engine.client.reader(ref.slot, ref.directory);
  const plan = new ReadPlan();
  expect(reader.locate(0, 'highWatermark', 1 << 20, true, null, plan)).toBe('ok');
  const bytes = Buffer.alloc(plan.size);
  expect(reader.read(plan, bytes, 0)).toBe(plan.size);
  const second = Buffer.from(batchOf('c'));
  const view = new DataView(second.buffer, second.byteOffset);
  setBatchBaseOffset(view, 0, 2);
  setBatchLeaderEpoch(view, 0, 0);
  expect(bytes.subarray(bytes.length - second.length)).toEqual(second);
  reader.close();
});

test('engine: a refused batch says why, record by record, and leaves nothing', async () => {
  const engine = await open();
  const ref = await openOne(engine, { cleanupPolicy: { delete: false, compact: true } });
  const outcome = await engine.client.append(ref.slot, batchOf('without key', 'nor here'));
  expect(outcome.errorCode).toBe(ErrorCode.INVALID_RECORD);
  expect(outcome.baseOffset).toBe(-1);
  expect(outcome.detail?.recordErrors?.map(({ index }) => index)).toEqual([0, 1]);
  expect(endOffset(engine, ref.slot)).toBe(0);
});

test('engine: an append to a slot without a partition is refused, the others of the same pass are not', async () => {
  const engine = await open();
  const ref = await openOne(engine);
  const [lost, kept] = await Promise.all([
    engine.client.append(ref.slot + 1, batchOf('x')),
    engine.client.append(ref.slot, batchOf('x')),
  ]);
  expect(lost.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect(kept.errorCode).toBe(ErrorCode.NONE);
});

test('engine: what was closed is there again, also with another number of shards', async () => {
  const specs = Array.from({ length: 7 }, (_, partition) => {
    return { ...spec(partition), topicId: randomUuid((bytes) => bytes.fill(7)) };
  });
  for (const shards of [1, 3, 2]) {
    const engine = await open({ shards });
    const before = shards === 1 ? 0 : shards === 3 ? 1 : 2;
    expect(engine.discovered.map(({ partition }) => partition).sort()).toEqual(
      before === 0 ? [] : [0, 1, 2, 3, 4, 5, 6],
    );
    const refs = await engine.openPartitions(specs);
    for (const { slot } of refs) {
      expect(endOffset(engine, slot)).toBe(before);
      expect((await engine.client.append(slot, batchOf(`${shards}`))).baseOffset).toBe(before);
    }
    await engine.close();
    const manifests = readdirSync(dataDir).filter((name) => name.endsWith('.manifest'));
    expect(manifests.length).toBe(shards);
  }
});

test('engine: after kills with other numbers of shards, the manifest that was written last counts', async () => {
  const specs = [spec(0, { segmentBytes: 1 << 16 }), spec(1, { segmentBytes: 1 << 16 })];
  const first = await open({ shards: 1 });
  await first.openPartitions(specs);
  await first.close();
  let from = dataDir;
  for (const [shards, logStart] of [
    [2, 0],
    [1, 2],
    [3, 4],
    [2, 6],
  ] as const) {
    const engine = await open({ dataDir: from, shards });
    for (const { slot } of await engine.openPartitions(specs)) {
      engine.client.marks(slot, marks);
      expect({ shards, logStart: marks.logStartOffset }).toEqual({ shards, logStart });
      for (const value of ['a', 'b', 'c']) await engine.client.append(slot, batchOf(value));
      await engine.deleteRecords(slot, logStart + 2);
    }
    // A kill leaves the files as they are while the engine runs.
    const killed = join(dataDir, `killed-${shards}-${logStart}`);
    mkdirSync(killed);
    for (const name of readdirSync(from)) {
      if (!name.startsWith('killed'))
        cpSync(join(from, name), join(killed, name), { recursive: true });
    }
    from = killed;
  }
});

test('engine: a deleted name is free at once, and the old place says that it is deleted', async () => {
  const engine = await open({ shards: 1 });
  const old = await openOne(engine, { fileDeleteDelayMs: 0 });
  await engine.client.append(old.slot, batchOf('a'));
  const reader = engine.client.reader(old.slot, old.directory);
  await engine.deletePartitions([old.slot]);
  expect(engine.client.marks(old.slot, marks)).toBe(false);
  expect(marks.state).toBe(PartitionState.DELETED);
  expect(reader.locate(0, 'highWatermark', 100, true, null, new ReadPlan())).toBe('gone');
  const fresh = await openOne(engine);
  expect(fresh.slot).not.toBe(old.slot);
  expect(fresh.directory).toBe(old.directory);
  expect(endOffset(engine, fresh.slot)).toBe(0);
  expect((await engine.client.append(old.slot, batchOf('late'))).errorCode).toBe(
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  );
  await until(() => !readdirSync(dataDir).some((name) => name.endsWith('-delete')));
});

test('engine: a partition whose directory somebody removed can be deleted, and its name used again', async () => {
  const engine = await open();
  const ref = await openOne(engine);
  await engine.client.append(ref.slot, batchOf('a'));
  rmSync(ref.directory, { recursive: true });
  await engine.deletePartitions([ref.slot]);
  const fresh = await openOne(engine);
  expect((await engine.client.append(fresh.slot, batchOf('b'))).baseOffset).toBe(0);
});

test('engine: while thousands of partitions are opened and deleted, others go on', async () => {
  const engine = await open({ shards: 1, dataDir: null });
  const ref = await openOne(engine);
  // With all in one part, the append would be answered behind the last of them.
  const during = async <T>(work: Promise<T>): Promise<T> => {
    const order: string[] = [];
    const append = engine.client.append(ref.slot, batchOf('a')).then(() => order.push('append'));
    const result = await work;
    order.push('work');
    await append;
    expect(order).toEqual(['append', 'work']);
    return result;
  };
  const specs = Array.from({ length: 2000 }, (_, partition) => ({
    ...spec(partition),
    topic: 't',
  }));
  const refs = await during(engine.openPartitions(specs));
  expect(refs.map(({ errorCode }) => errorCode)).toEqual(specs.map(() => 0));
  expect(new Set(refs.map(({ slot }) => slot)).size).toBe(2000);
  await during(engine.deletePartitions(refs.map(({ slot }) => slot)));
});

test('engine: a topic with the longest name can be deleted', async () => {
  const engine = await open();
  const topic = 'x'.repeat(249);
  const [ref] = await engine.openPartitions([{ ...spec(0), topic }]);
  await engine.deletePartitions([ref!.slot]);
  const [again] = await engine.openPartitions([{ ...spec(0), topic }]);
  expect(again!.errorCode).toBe(0);
});

test('engine: opening an open partition is wrong use', async () => {
  const engine = await open();
  await openOne(engine);
  await expect(openOne(engine)).rejects.toThrow('partition orders-0 is open');
});

test('engine: a watch reports one advance', async () => {
  const engine = await open();
  const ref = await openOne(engine);
  const seen: number[] = [];
  engine.client.onAdvance = (slot) => seen.push(slot);
  await engine.client.append(ref.slot, batchOf('unwatched'));
  engine.client.watch(ref.slot);
  await engine.client.append(ref.slot, batchOf('watched'));
  await engine.client.append(ref.slot, batchOf('not any more'));
  expect(seen).toEqual([ref.slot]);
});

test('engine: when advance notices overflow the ring, every watched partition is reported all the same', async () => {
  const engine = await open({ shards: 0, dataDir: null, fileSystem: new MemoryFileSystem() });
  const specs = Array.from({ length: 3000 }, (_, partition) => spec(partition));
  const refs = await engine.openPartitions(specs);
  const seen = new Set<number>();
  engine.client.onAdvance = (slot) => seen.add(slot);
  for (const { slot } of refs) engine.client.watch(slot);
  // Control requests of an inline engine run at once: all notices come before the client has its turn.
  const moves = refs.map(({ slot }) => engine.setLeaderEpoch(slot, 1));
  await Promise.all(moves);
  await until(() => seen.size === refs.length);
});

test('engine: marks and epochs can be moved from outside, as replication does', async () => {
  const engine = await open();
  const [ref] = await engine.openPartitions([{ ...spec(0), autoAdvance: false }]);
  const { slot } = ref!;
  await engine.client.append(slot, batchOf('a', 'b'));
  await engine.setLeaderEpoch(slot, 4);
  await engine.client.append(slot, batchOf('c', 'd'));
  engine.client.marks(slot, marks);
  expect([marks.highWatermark, marks.logEndOffset, marks.leaderEpoch]).toEqual([0, 4, 4]);
  await engine.advanceHighWatermark(slot, 3);
  engine.client.marks(slot, marks);
  expect(marks.highWatermark).toBe(3);
  expect(await engine.endOffsetForEpoch(slot, 0)).toEqual({
    errorCode: 0,
    leaderEpoch: 0,
    endOffset: 2,
  });
  expect(await engine.deleteRecords(slot, 4)).toEqual({
    errorCode: ErrorCode.OFFSET_OUT_OF_RANGE,
    lowWatermark: -1,
  });
  expect(await engine.deleteRecords(slot, 2)).toEqual({ errorCode: 0, lowWatermark: 2 });
  await engine.truncate(slot, 3);
  engine.client.marks(slot, marks);
  expect(marks.logEndOffset).toBe(2);
});

test('engine: with flush.messages=1 all appends of one pass share one sync, and come after it', async () => {
  const fs = new MemoryFileSystem();
  let syncs = 0;
  fs.sync = () => {
    syncs++;
  };
  const engine = await open({ shards: 0, dataDir: null, fileSystem: fs });
  const refs = await engine.openPartitions([spec(0, { flushMessages: 1 }), spec(1)]);
  const [durable, plain] = refs.map(({ slot }) => slot);
  await engine.client.append(durable!, batchOf('makes the file'));
  syncs = 0;
  const order: string[] = [];
  await Promise.all([
    ...['a', 'b', 'c'].map((value) =>
      engine.client.append(durable!, batchOf(value)).then(() => order.push(`${value}${syncs}`)),
    ),
    engine.client.append(plain!, batchOf('p')).then(() => order.push('p')),
  ]);
  expect(syncs).toBe(1);
  expect(order.toSorted()).toEqual(['a1', 'b1', 'c1', 'p']);
  engine.client.marks(durable!, marks);
  expect(marks.recoveryPoint).toBe(4);
});

test('engine: a disk that fails takes its partition offline, others go on', async () => {
  const fs = new FaultyFileSystem(Math.random);
  const lines: string[] = [];
  const engine = await open({
    shards: 0,
    dataDir: '/data',
    fileSystem: fs,
    log: (line) => lines.push(line),
  });
  const refs = await engine.openPartitions([spec(0, { flushMessages: 1 }), spec(1)]);
  const [failing, healthy] = refs.map(({ slot }) => slot);
  await engine.client.append(failing!, batchOf('fine'));
  engine.client.watch(failing!);
  const told: number[] = [];
  engine.client.onAdvance = (slot) => told.push(slot);
  fs.setFault({ call: 1, operation: 'sync', kind: 'io' });
  const outcome = await engine.client.append(failing!, batchOf('lost'));
  expect(outcome.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(engine.client.marks(failing!, marks)).toBe(false);
  expect(marks.state).toBe(PartitionState.OFFLINE);
  expect(told).toEqual([failing]);
  expect(lines.some((line) => line.includes('orders-0'))).toBe(true);
  expect((await engine.client.append(healthy!, batchOf('fine'))).errorCode).toBe(0);
});

test('engine: durable appends outlive a power failure; where they cannot be written back the partition stays offline', async () => {
  const fs = new FaultyFileSystem(() => 0.1);
  const start = async (): Promise<{ engine: Engine; refs: PartitionRef[] }> => {
    const engine = await openEngine({ shards: 0, dataDir: '/data', fileSystem: fs });
    const config = { flushMessages: 1, segmentBytes: 100_000 };
    return { engine, refs: await engine.openPartitions([spec(0, config), spec(1, config)]) };
  };
  const first = await start();
  for (const value of ['makes the files', 'in the journal']) {
    const appends = first.refs.map(({ slot }) => first.engine.client.append(slot, batchOf(value)));
    for (const { errorCode } of await Promise.all(appends)) expect(errorCode).toBe(0);
  }
  expect(fs.exists('/data/shard-0-of-1.journal')).toBe(true);

  fs.restart('power');
  fs.setFault({ call: 1, operation: 'sync', kind: 'io' });
  const second = await start();
  const refused = ErrorCode.KAFKA_STORAGE_ERROR;
  expect(second.refs.map(({ errorCode }) => errorCode)).toEqual([refused, refused]);
  await second.engine.close();

  const third = await start();
  expect(third.refs.map(({ errorCode }) => errorCode)).toEqual([0, 0]);
  expect(third.refs.map(({ slot }) => endOffset(third.engine, slot))).toEqual([2, 2]);
  await third.engine.close();
  expect(fs.exists('/data/shard-0-of-1.journal')).toBe(false);
});

test('engine: bytes are flushed in the background, with nobody asking', async () => {
  const engine = await open({ shards: 1 });
  const ref = await openOne(engine, { flushTailMs: 1 });
  await engine.client.append(ref.slot, batchOf('a'));
  await until(() => {
    engine.client.marks(ref.slot, marks);
    return marks.recoveryPoint === 1;
  });
});

test('engine: when half of the journal is full its partitions are flushed, with no other reason to', async () => {
  const engine = await open({ shards: 0, dataDir: '/data', fileSystem: new MemoryFileSystem() });
  const never = { flushTailMs: Number.POSITIVE_INFINITY, flushTailBytes: Number.POSITIVE_INFINITY };
  const config = { ...never, flushMessages: 1, segmentBytes: 2 * JOURNAL_HALF_BYTES };
  const refs = await engine.openPartitions([spec(0, config), spec(1, config)]);
  const recoveryPoints = (): number[] =>
    refs.map(({ slot }) => {
      engine.client.marks(slot, marks);
      return marks.recoveryPoint;
    });
  const batch = batchOf('x'.repeat(60_000));
  const passOfBoth = () => Promise.all(refs.map(({ slot }) => engine.client.append(slot, batch)));
  for (let bytes = 0; bytes < 0.9 * JOURNAL_HALF_BYTES; bytes += 2 * batch.length) {
    await passOfBoth();
  }
  expect(recoveryPoints()).toEqual([1, 1]);
  for (let bytes = 0; bytes < 0.2 * JOURNAL_HALF_BYTES; bytes += 2 * batch.length) {
    await passOfBoth();
  }
  await until(() => recoveryPoints().every((point) => point > 1));
});

test('engine: a batch larger than the slab can ever hold is refused with its size', async () => {
  const engine = await open({ slabBytes: 1 << 20, slabGiantBytes: 2 << 20 });
  const ref = await openOne(engine);
  await expect(engine.client.append(ref.slot, Buffer.alloc(3 << 20))).rejects.toThrow(
    'batch of 3145728 bytes, at most 2097152',
  );
});

test('engine: in memory nothing is left behind, and several engines do not meet', async () => {
  const [one, two] = [await open({ dataDir: null, shards: 1 }), await open({ dataDir: null })];
  const [first, second] = [await openOne(one), await openOne(two)];
  await one.client.append(first.slot, batchOf('a'));
  expect([endOffset(one, first.slot), endOffset(two, second.slot)]).toEqual([1, 0]);
  expect(existsSync(first.directory)).toBe(true);
  await one.close();
  await two.close();
  expect([existsSync(one.dataDir), existsSync(two.dataDir)]).toEqual([false, false]);
});

test('engine: an error that nobody foresaw in a shard is fatal, once, and rejects what was asked', async () => {
  const fatal: Error[] = [];
  const engine = await openEngine({
    dataDir,
    shards: 1,
    onFatal: (error) => fatal.push(error),
  });
  const ref = await openOne(engine);
  await engine.configure([{ slot: ref.slot, config: {} as LogConfig }]);
  const unanswered = engine.client.append(ref.slot, batchOf('trips over it'));
  await until(() => fatal.length > 0);
  expect(fatal[0]!.message).toContain('undefined');
  await expect(engine.producers(ref.slot)).rejects.toThrow('undefined');
  expect(fatal.length).toBe(1);
  engine.client.close();
  await expect(unanswered).rejects.toThrow('client was closed');
});

/**
 * Appends that are prepared off the shard's thread (engine/shard/preparations.ts) end as if the shard had done everything
 * itself: same outcomes, same bytes in the log, in the same order; and others do not wait for them.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crc32c } from '../../engine/base/crc32c.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { KIB, MIB } from '../../engine/base/limits.ts';
import { Prng } from '../../engine/base/prng.ts';
import {
  ATTRIBUTES_AT,
  batchSize,
  Codec,
  CRC_AT,
  MAX_TIMESTAMP_AT,
} from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import {
  type AppendOutcome,
  type Engine,
  openEngine,
  type PartitionRef,
  ReadPlan,
} from '../../engine/index.ts';
import { defaultLogConfig, type LogConfig } from '../../engine/log/log-config.ts';
import { codec, recordInput, runs } from './format-arbitraries.ts';

let inline: Engine;
let threaded: Engine;

beforeAll(async () => {
  inline = await openEngine({ dataDir: null, shards: 0 });
  threaded = await openEngine({ dataDir: null, shards: 2 });
});
afterAll(() => Promise.all([inline.close(), threaded.close()]));

interface Planned {
  readonly partition: number;
  readonly batch: Uint8Array;
}

const NOT_A_PRODUCER = -1;
const config: fc.Arbitrary<Partial<LogConfig>> = fc.record({
  compressionType: fc.constantFrom('producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'),
  walkCompressed: fc.boolean(),
  cleanupPolicy: fc.boolean().map((compact) => ({ delete: !compact, compact })),
  messageTimestampType: fc.constantFrom('CreateTime', 'LogAppendTime'),
  maxMessageBytes: fc.constantFrom(2 * KIB, MIB),
});

/** Batches as clients send them, some of them wrong, some twice. */
const plan: fc.Arbitrary<Planned[]> = fc
  .array(
    fc.record({
      partition: fc.integer({ min: 0, max: 2 }),
      records: fc.array(recordInput, { minLength: 1, maxLength: 4 }),
      codec,
      damage: fc.constantFrom('none', 'none', 'none', 'records', 'checksum'),
      damageAt: fc.nat(),
      isOfProducer: fc.boolean(),
      isRepeated: fc.boolean(),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((list) => {
    const sequences = [0, 0, 0];
    return list.flatMap(({ partition, records, damage, damageAt, ...how }) => {
      const baseSequence = how.isOfProducer ? sequences[partition]! : NOT_A_PRODUCER;
      const batch = buildBatch({
        records,
        codec: how.codec,
        producerId: how.isOfProducer ? 7 : NOT_A_PRODUCER,
        producerEpoch: how.isOfProducer ? 0 : NOT_A_PRODUCER,
        baseSequence,
      });
      if (how.isOfProducer) sequences[partition] = baseSequence + records.length;
      if (damage !== 'none') harm(batch, damage === 'checksum', damageAt);
      const planned = { partition, batch };
      return how.isRepeated ? [planned, planned] : [planned];
    });
  });

/** Flips a bit of the records; unless the checksum is to tell, it is made to fit again. */
function harm(batch: Uint8Array, checksumTells: boolean, at: number): void {
  const recordsAt = 61;
  batch[recordsAt + (at % (batch.length - recordsAt))]! ^= 1 << (at & 7);
  if (checksumTells) return;
  const crc = crc32c(batch, ATTRIBUTES_AT, batch.length);
  new DataView(batch.buffer, batch.byteOffset).setUint32(CRC_AT, crc);
}

async function partitions(engine: Engine, topic: string, more: Partial<LogConfig>) {
  const specs = [0, 1, 2].map((partition) => ({
    topic,
    partition,
    topicId: null,
    leaderEpoch: 0,
    config: { ...defaultLogConfig, ...more, fileDeleteDelayMs: 0 },
  }));
  return engine.openPartitions(specs);
}

/** All at once, so that they queue up behind each other. */
function appendAll(
  engine: Engine,
  refs: PartitionRef[],
  list: Planned[],
): Promise<AppendOutcome[]> {
  return Promise.all(
    list.map(({ partition, batch }) => engine.client.append(refs[partition]!.slot, batch)),
  );
}

/** What does not depend on when it happened: messages may name the time. */
function described({ errorCode, baseOffset, logStartOffset, detail }: AppendOutcome) {
  const wrong = detail?.recordErrors?.map(({ index }) => index);
  return { errorCode, baseOffset, logStartOffset, hasMessage: detail?.message != null, wrong };
}

/** The whole log; where the log stamps them, without timestamps. */
function stored(engine: Engine, ref: PartitionRef, isStamped: boolean): Buffer {
  const reader = engine.client.reader(ref.slot, ref.directory);
  const parts: Buffer[] = [];
  const found = new ReadPlan();
  let offset = 0;
  while (reader.locate(offset, 'logEndOffset', MIB, true, null, found) === 'ok' && found.size > 0) {
    const bytes = Buffer.alloc(found.size);
    reader.read(found, bytes, 0);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = 0; at < bytes.length; at += batchSize(view, at)) {
      offset = Number(view.getBigInt64(at)) + view.getInt32(at + 23) + 1;
      if (isStamped) bytes.fill(0, at + CRC_AT, at + CRC_AT + 4);
      if (isStamped) bytes.fill(0, at + MAX_TIMESTAMP_AT, at + MAX_TIMESTAMP_AT + 8);
    }
    parts.push(bytes);
  }
  reader.close();
  return Buffer.concat(parts);
}

test('appends prepared elsewhere end as those that the shard does itself', async () => {
  let topics = 0;
  await fc.assert(
    fc.asyncProperty(config, plan, async (more, list) => {
      const topic = `t${topics++}`;
      const results = await Promise.all(
        [inline, threaded].map(async (engine) => {
          const refs = await partitions(engine, topic, more);
          const outcomes = await appendAll(engine, refs, list);
          const isStamped = more.messageTimestampType === 'LogAppendTime';
          const logs = refs.map((ref) => stored(engine, ref, isStamped));
          await engine.deletePartitions(refs.map(({ slot }) => slot));
          return { outcomes: outcomes.map(described), logs };
        }),
      );
      expect(results[1]).toEqual(results[0]);
    }),
    { numRuns: runs },
  );
}, 120_000);

const noise = Buffer.alloc(MIB - KIB);
new Prng(1).fill(noise);
const large = buildBatch({ records: [{ value: noise, timestamp: 1 }] });
const small = buildBatch({
  records: [{ value: Buffer.from('x'), timestamp: 1 }],
  codec: Codec.GZIP,
});

test('others do not wait for those that are prepared', async () => {
  await using engine = await openEngine({ dataDir: null, shards: 1 });
  const [slow] = await partitions(engine, 'slow', { compressionType: 'gzip' });
  const [fast] = await partitions(engine, 'fast', {});
  const order: string[] = [];
  const appends = Array.from({ length: 8 }, () =>
    engine.client.append(slow!.slot, large).then(() => order.push('slow')),
  );
  appends.push(engine.client.append(fast!.slot, small).then(() => order.push('fast')));
  await Promise.all(appends);
  expect(order[0]).toBe('fast');
});

test('batches keep their order when the topic changes its codec meanwhile', async () => {
  const [ref] = await partitions(threaded, 'changing', { compressionType: 'gzip' });
  const { slot } = ref!;
  const appends: Promise<AppendOutcome>[] = [];
  const change = async (compressionType: LogConfig['compressionType']): Promise<void> => {
    for (let i = 0; i < 4; i++) appends.push(threaded.client.append(slot, i % 2 ? small : large));
    await threaded.configure([{ slot, config: { ...defaultLogConfig, compressionType } }]);
  };
  for (const type of ['zstd', 'producer', 'lz4', 'uncompressed', 'snappy'] as const) {
    await change(type);
  }
  const outcomes = await Promise.all(appends);
  expect(outcomes.map(({ baseOffset }) => baseOffset)).toEqual(appends.map((_, index) => index));
});

test('a partition that goes answers what waits for it, and a close appends what is left', async () => {
  const engine = await openEngine({ dataDir: null, shards: 1 });
  const [gone, kept] = await partitions(engine, 'converting', { compressionType: 'gzip' });
  const appends = [gone, kept].map((ref) =>
    Promise.all(
      [large, large, large, small].map((batch) => engine.client.append(ref!.slot, batch)),
    ),
  );
  await engine.deletePartitions([gone!.slot]);
  expect((await appends[0]!).map(({ errorCode }) => errorCode)).toEqual(
    Array(4).fill(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
  );
  const outcomes = appends[1]!.then((list) => list.map(({ baseOffset }) => baseOffset));
  await engine.close();
  expect(await outcomes).toEqual([0, 1, 2, 3]);
}, 20_000);

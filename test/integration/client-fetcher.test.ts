/** The fetcher against brokers that lose connections, cut responses, move leaders and damage bytes. */

import { afterEach, expect, test } from 'vitest';
import { Client, Fetcher, type FetcherOptions, resolvePosition } from '../../client/index.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { Prng } from '../../engine/base/prng.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import {
  Api,
  FakeBrokers,
  type FakeOptions,
  type FakePartition,
  type Verdict,
} from './fake-brokers.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(fake: FakeOptions = {}, options: FetcherOptions = {}) {
  const brokers = await FakeBrokers.start(fake);
  const client = new Client({ brokers: brokers.address, retryBackoffMs: 1, retryMs: 500 });
  const fetcher = new Fetcher(client, options);
  cleanups.push(
    () => brokers.close(),
    () => client.close(),
    () => fetcher.stop(),
  );
  return { brokers, client, fetcher };
}

/** Appends batches of `batchSize` records whose values are their offsets. */
function fill(partition: FakePartition, count: number, batchSize = 10): void {
  for (let from = 0; from < count; from += batchSize) {
    const size = Math.min(batchSize, count - from);
    const records = Array.from({ length: size }, (_, index) => ({
      timestamp: 1000 + from + index,
      key: null,
      value: Buffer.from(String(partition.endOffset + index)),
    }));
    partition.append(buildBatch({ records }));
  }
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => String(from + index));

async function valuesOf(fetcher: Fetcher): Promise<string[]> {
  const values: string[] = [];
  for await (const record of fetcher) values.push(String(record.value));
  return values;
}

test('fetcher: reads from an offset inside a batch to one inside another', async () => {
  const { brokers, fetcher } = await setUp();
  const [partition] = brokers.addTopic('t');
  fill(partition!, 100);
  fetcher.assign([{ topic: 't', partition: 0, offset: 17, endOffset: 43 }]);
  expect(await valuesOf(fetcher)).toEqual(range(17, 43));
  expect(fetcher.positions()).toEqual([]);
});

test('fetcher: a record has all that was written', async () => {
  const { brokers, fetcher } = await setUp();
  const [partition] = brokers.addTopic('t');
  const headers = [
    { key: 'h', value: Buffer.from('x') },
    { key: 'n', value: null },
  ];
  partition!.append(
    buildBatch({
      records: [{ timestamp: 77, key: Buffer.from('k'), value: null, headers }],
      codec: 1,
    }),
  );
  fetcher.assign([{ topic: 't', partition: 0, offset: 0, endOffset: 1 }]);
  for await (const record of fetcher) {
    expect(record).toEqual({
      topic: 't',
      partition: 0,
      offset: 0,
      timestampMs: 77,
      key: Buffer.from('k'),
      value: null,
      headers,
    });
  }
});

test('fetcher: batches come whole and as they are stored', async () => {
  const { brokers, fetcher } = await setUp();
  const [partition] = brokers.addTopic('t');
  fill(partition!, 25);
  fetcher.assign([{ topic: 't', partition: 0, offset: 12, endOffset: 25 }]);
  const seen: [number, number, number][] = [];
  for await (const batch of fetcher.batches()) {
    seen.push([batch.baseOffset, batch.lastOffset, batch.recordCount]);
    expect(batch.bytes).toEqual(partition!.batches[batch.baseOffset / 10]!.bytes);
  }
  expect(seen).toEqual([
    [10, 19, 10],
    [20, 24, 5],
  ]);
});

for (let version = 4; version <= 18; version++) {
  test(`fetcher: fetch version ${version} works`, async () => {
    const { brokers, fetcher } = await setUp({ newest: { [Api.FETCH]: version } });
    const [partition] = brokers.addTopic('t');
    fill(partition!, 30);
    fetcher.assign([{ topic: 't', partition: 0, offset: 5, endOffset: 30 }]);
    expect(await valuesOf(fetcher)).toEqual(range(5, 30));
  });
}

test.each([1, 2, 3, 4])(
  'fetcher: through lost connections, cut responses, errors and moving leaders every record comes once (seed %i)',
  async (seed) => {
    const prng = new Prng(seed);
    const faults: Verdict[] = [
      'drop',
      'serve-then-drop',
      { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER },
    ];
    const { brokers, fetcher } = await setUp(
      {
        brokers: 2,
        judge: (apiKey) => (apiKey === Api.FETCH && prng.chance(0.3) ? prng.pick(faults) : 'serve'),
      },
      { partitionMaxBytes: 700, maxBytes: 1000 },
    );
    const partitions = brokers.addTopic('t', 3);
    for (const partition of partitions) fill(partition, 200, 7);
    fetcher.assign(
      partitions.map((_, partition) => ({
        topic: 't',
        partition,
        offset: partition,
        endOffset: 200,
      })),
    );
    const seen: string[][] = [[], [], []];
    for await (const { partition, value } of fetcher) {
      seen[partition]!.push(String(value));
      if (prng.chance(0.02)) for (const each of partitions) each.leaderId = prng.below(2);
    }
    expect(seen).toEqual([range(0, 200), range(1, 200), range(2, 200)]);
  },
);

test('fetcher: what comes later is read when it comes, and stop ends the reading', async () => {
  const { brokers, fetcher } = await setUp();
  const [partition] = brokers.addTopic('t');
  fetcher.assign([{ topic: 't', partition: 0, offset: 0 }]);
  const values: string[] = [];
  const reading = (async () => {
    for await (const record of fetcher) values.push(String(record.value));
  })();
  fill(partition!, 3);
  await expect.poll(() => values).toEqual(range(0, 3));
  fill(partition!, 2);
  await expect.poll(() => values).toEqual(range(0, 5));
  fetcher.stop();
  await reading;
});

test('fetcher: memory that was given back is used again, and what was not is left alone', async () => {
  const { brokers, fetcher } = await setUp({}, { partitionMaxBytes: 100_000, maxBytes: 100_000 });
  const [partition] = brokers.addTopic('t');
  fill(partition!, 20_000, 1000);
  fetcher.assign([{ topic: 't', partition: 0, offset: 0, endOffset: 20_000 }]);
  const kept = await fetcher.next();
  const copy = Buffer.from(kept!.bytes);
  const memories = new Set<unknown>();
  for (let chunk = await fetcher.next(); chunk !== null; chunk = await fetcher.next()) {
    memories.add(chunk.bytes.buffer);
    chunk.release();
  }
  expect(memories.size).toBeLessThan(5);
  expect(kept!.bytes.equals(copy)).toBe(true);
});

test('fetcher: damaged bytes are an error that names partition and offset', async () => {
  const { brokers, fetcher } = await setUp();
  const [partition] = brokers.addTopic('t');
  fill(partition!, 30);
  const { bytes } = partition!.batches[1]!;
  bytes[80] = bytes[80]! ^ 1;
  fetcher.assign([{ topic: 't', partition: 0, offset: 0 }]);
  await expect(valuesOf(fetcher)).rejects.toThrow(
    "partition 0 of 't' is corrupt at offset 10: bad-crc",
  );
});

test('fetcher: records that do not parse under a right checksum are an error too', async () => {
  const { brokers, fetcher } = await setUp({}, { checkCrc: false });
  const [partition] = brokers.addTopic('t');
  fill(partition!, 10);
  partition!.batches[0]!.bytes[61] = 0x7f;
  fetcher.assign([{ topic: 't', partition: 0, offset: 0 }]);
  await expect(valuesOf(fetcher)).rejects.toMatchObject({ code: 'corrupt' });
});

test.each([
  ['fail', null],
  ['beginning', range(40, 60)],
  ['end', []],
] as const)(
  'fetcher: an offset that is gone, with onOutOfRange %s',
  async (onOutOfRange, values) => {
    const { brokers, fetcher } = await setUp({}, { onOutOfRange });
    const [partition] = brokers.addTopic('t');
    fill(partition!, 60);
    partition!.startOffset = 40;
    fetcher.assign([{ topic: 't', partition: 0, offset: 3, endOffset: 60 }]);
    if (values === null) await expect(valuesOf(fetcher)).rejects.toThrow('OFFSET_OUT_OF_RANGE');
    else if (values.length > 0) expect(await valuesOf(fetcher)).toEqual(values);
    else
      await expect
        .poll(() => fetcher.hasChunk || fetcher.positions())
        .toEqual([{ topic: 't', partition: 0, offset: 3 }]);
  },
);

test('fetcher: a partition that cannot be read for too long is an error', async () => {
  const { brokers, fetcher } = await setUp(
    {
      judge: (apiKey) =>
        apiKey === Api.FETCH ? { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER } : 'serve',
    },
    { retryMs: 50 },
  );
  brokers.addTopic('t');
  fetcher.assign([{ topic: 't', partition: 0, offset: 0 }]);
  await expect(valuesOf(fetcher)).rejects.toThrow('NOT_LEADER_OR_FOLLOWER');
});

test('fetcher: a partition that does not exist, and an error that nothing cures, are errors at once', async () => {
  const { brokers, client, fetcher } = await setUp({
    judge: (apiKey) =>
      apiKey === Api.FETCH ? { errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED } : 'serve',
  });
  brokers.addTopic('t');
  fetcher.assign([{ topic: 't', partition: 0, offset: 0 }]);
  await expect(valuesOf(fetcher)).rejects.toThrow('TOPIC_AUTHORIZATION_FAILED');
  const other = new Fetcher(client, { retryMs: 20 });
  other.assign([{ topic: 't', partition: 9, offset: 0 }]);
  await expect(valuesOf(other)).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION');
  other.stop();
});

test('positions: offsets, and places counted from the end, for every partition', async () => {
  const { brokers, client } = await setUp();
  const [first, second] = brokers.addTopic('t', 2);
  fill(first!, 50);
  fill(second!, 5);
  first!.startOffset = 10;
  const at = async (position: Parameters<typeof resolvePosition>[2]): Promise<number[]> => [
    ...(await resolvePosition(client, 't', position, [0, 1])).values(),
  ];
  expect(await at('beginning')).toEqual([10, 0]);
  expect(await at('end')).toEqual([50, 5]);
  expect(await at({ offset: 7 })).toEqual([7, 7]);
  expect(await at({ offset: -20 })).toEqual([30, 0]);
  expect(await at({ offset: -45 })).toEqual([10, 0]);
});

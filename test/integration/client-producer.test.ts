/** The producer against brokers that misbehave: nothing lost, nothing twice, nothing out of order. */

import { afterEach, expect, test } from 'vitest';
import { Client, Producer, type ProducerOptions } from '../../client/index.ts';
import { partitionForKey } from '../../client/murmur2.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { Prng } from '../../engine/base/prng.ts';
import { Api, FakeBrokers, type FakeOptions, type Verdict } from './fake-brokers.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(fake: FakeOptions = {}, options: ProducerOptions = {}) {
  const brokers = await FakeBrokers.start(fake);
  const client = new Client({ brokers: brokers.address, retryBackoffMs: 1, retryMs: 2000 });
  const producer = new Producer(client, options);
  cleanups.push(
    () => brokers.close(),
    () => client.close(),
    () => producer.abort(),
  );
  return { brokers, client, producer };
}

/** Judges only produce requests; everything else is served. */
const onProduce =
  (judge: () => Verdict) =>
  (apiKey: number): Verdict =>
    apiKey === Api.PRODUCE ? judge() : 'serve';

test('producer: records get the offsets at which they lie', async () => {
  const { brokers, producer } = await setUp();
  const [partition] = brokers.addTopic('t');
  const sent = await Promise.all(
    ['a', 'b', 'c'].map((value) => producer.send({ topic: 't', value, timestampMs: 5 })),
  );
  expect(sent).toEqual(
    [0, 1, 2].map((offset) => ({ topic: 't', partition: 0, offset, timestampMs: 5 })),
  );
  expect(partition!.values()).toEqual(['a', 'b', 'c']);
});

test('producer: without linger, what is sent in one turn of the event loop goes in one batch', async () => {
  const { brokers, producer } = await setUp({}, { lingerMs: 0 });
  const [partition] = brokers.addTopic('t');
  await producer.send({ topic: 't', value: 'first' });
  await Promise.all(['a', 'b', 'c'].map((value) => producer.send({ topic: 't', value })));
  expect(partition!.batches.length).toBe(2);
});

for (let version = 3; version <= 13; version++) {
  test(`producer: produce version ${version} works`, async () => {
    const { brokers, producer } = await setUp({ newest: { [Api.PRODUCE]: version } });
    const [partition] = brokers.addTopic('t');
    await producer.send({ topic: 't', value: 'x', key: 'k', headers: [{ key: 'h', value: null }] });
    expect(partition!.values()).toEqual(['x']);
  });
}

test('producer: a broker that tells no topic ids gets names', async () => {
  const { brokers, producer } = await setUp({ hasTopicIds: false });
  const [partition] = brokers.addTopic('t');
  await producer.send({ topic: 't', value: 'x' });
  expect(partition!.values()).toEqual(['x']);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'producer: through lost connections, lost answers and errors every record arrives once and in order (seed %i)',
  async (seed) => {
    const prng = new Prng(seed);
    const faults: Verdict[] = [
      'drop',
      'serve-then-drop',
      { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS },
      { errorCode: ErrorCode.REQUEST_TIMED_OUT },
    ];
    const { brokers, producer } = await setUp(
      { brokers: 2, judge: onProduce(() => (prng.chance(0.3) ? prng.pick(faults) : 'serve')) },
      { batchBytes: 200, lingerMs: 0 },
    );
    const partitions = brokers.addTopic('t', 2);
    const writer = await producer.open('t');
    const wanted: string[][] = [[], []];
    for (let index = 0; index < 600; index++) {
      const value = Buffer.from(`value ${index} of the stream`);
      const key = Buffer.from(String(index % 7));
      while (!writer.append(key, 0, key.length, value, 0, value.length, 0)) await writer.whenRoom();
      if (index % 50 === 49) {
        await new Promise(setImmediate);
        for (const partition of partitions) partition.leaderId = prng.below(2);
      }
    }
    await producer.flush();
    for (let index = 0; index < 600; index++) {
      const key = Buffer.from(String(index % 7));
      wanted[partitionForKey(key, 0, key.length, 2)]!.push(`value ${index} of the stream`);
    }
    expect(partitions.map((partition) => partition.values())).toEqual(wanted);
  },
);

test('producer: without idempotence nothing is lost, though it may come twice', async () => {
  const prng = new Prng(3);
  const { brokers, producer } = await setUp(
    {
      judge: onProduce(() =>
        prng.chance(0.4) ? prng.pick(['drop', 'serve-then-drop'] as const) : 'serve',
      ),
    },
    { acks: 1, batchBytes: 100, lingerMs: 0 },
  );
  const [partition] = brokers.addTopic('t');
  const values = Array.from({ length: 100 }, (_, index) => `v${index}`);
  await Promise.all(values.map((value) => producer.send({ topic: 't', value })));
  expect([...new Set(partition!.values())].sort()).toEqual([...values].sort());
});

test('producer: with acks 0 nothing is answered and offsets are unknown', async () => {
  const { brokers, producer } = await setUp({}, { acks: 0 });
  const [partition] = brokers.addTopic('t');
  expect(await producer.send({ topic: 't', value: 'x' })).toMatchObject({ offset: -1 });
  await expect.poll(() => partition!.values()).toEqual(['x']);
});

test('producer: an error that no retry cures is thrown at once, and later records go on', async () => {
  let isRefusing = true;
  const { brokers, producer } = await setUp({
    judge: onProduce(() =>
      isRefusing ? { errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED } : 'serve',
    ),
  });
  const [partition] = brokers.addTopic('t');
  await expect(producer.send({ topic: 't', value: 'no' })).rejects.toThrow(
    'TOPIC_AUTHORIZATION_FAILED',
  );
  isRefusing = false;
  expect(await producer.send({ topic: 't', value: 'yes' })).toMatchObject({ offset: 0 });
  expect(partition!.values()).toEqual(['yes']);
});

test.each([ErrorCode.UNKNOWN_PRODUCER_ID, ErrorCode.INVALID_PRODUCER_EPOCH])(
  'producer: a broker that does not know the producer any more (%i) gets the records under a new epoch',
  async (errorCode) => {
    let count = 0;
    const { brokers, producer } = await setUp({
      judge: onProduce(() => (++count === 2 ? { errorCode } : 'serve')),
    });
    const [partition] = brokers.addTopic('t');
    await producer.send({ topic: 't', value: 'a' });
    await producer.send({ topic: 't', value: 'b' });
    expect(partition!.values()).toEqual(['a', 'b']);
    expect([...partition!.producers.values()].map((state) => state.epoch)).toEqual([1]);
  },
);

test('producer: a gap that nothing in flight explains fails the batch, and the next goes on under a new epoch', async () => {
  const { brokers, producer } = await setUp();
  const [partition] = brokers.addTopic('t');
  await producer.send({ topic: 't', value: 'a' });
  // As if the leader had lost what it acknowledged.
  for (const state of partition!.producers.values()) state.nextSequence = 100;
  await expect(producer.send({ topic: 't', value: 'b' })).rejects.toThrow(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
  );
  await producer.send({ topic: 't', value: 'c' });
  expect(partition!.values()).toEqual(['a', 'c']);
});

test('producer: a batch that is too large is split until its records fit', async () => {
  const { brokers, producer } = await setUp();
  const [partition] = brokers.addTopic('t');
  partition!.maxBatchBytes = 150;
  const values = Array.from({ length: 40 }, (_, index) => `a value with some length ${index}`);
  const sent = await Promise.allSettled([
    ...values.map((value) => producer.send({ topic: 't', value })),
    producer.send({ topic: 't', value: 'x'.repeat(200) }),
  ]);
  expect(sent.filter((each) => each.status === 'rejected').length).toBe(1);
  expect(partition!.values()).toEqual(values);
  await producer.flush();
  expect(producer.heldBytes).toBe(0);
});

test('producer: a leader that moves is followed', async () => {
  const { brokers, producer } = await setUp({ brokers: 2 });
  const [partition] = brokers.addTopic('t');
  for (let index = 0; index < 6; index++) {
    partition!.leaderId = index % 2;
    await producer.send({ topic: 't', value: String(index) });
  }
  expect(partition!.values()).toEqual(['0', '1', '2', '3', '4', '5']);
});

test('producer: partitions that are added are used once metadata is asked for again', async () => {
  const { brokers, client, producer } = await setUp();
  const partitions = brokers.addTopic('t', 1);
  await producer.send({ topic: 't', value: 'x' });
  partitions.push(...brokers.addTopic('more', 1));
  brokers.topics.set('t', partitions);
  client.metadata.markStale('t');
  await producer.send({ topic: 't', value: 'x' });
  expect(await producer.send({ topic: 't', value: 'x', partition: 1 })).toMatchObject({
    offset: 0,
  });
});

test('producer: a record that no request could carry is refused', async () => {
  const { brokers, producer } = await setUp();
  brokers.addTopic('t');
  const value = Buffer.alloc(100 * 1024 * 1024);
  await expect(producer.send({ topic: 't', value })).rejects.toMatchObject({ code: 'too-large' });
});

test('producer: what cannot be delivered in time fails, and says so', async () => {
  const { brokers, producer } = await setUp(
    { judge: onProduce(() => 'drop') },
    { deliveryTimeoutMs: 100 },
  );
  brokers.addTopic('t');
  await expect(producer.send({ topic: 't', value: 'x' })).rejects.toThrow(/ended|not acknowledged/);
});

test('producer: a broker that never answers is given up', async () => {
  const { brokers, producer } = await setUp(
    { judge: onProduce(() => 'ignore') },
    { deliveryTimeoutMs: 100, requestTimeoutMs: -4950 },
  );
  brokers.addTopic('t');
  await expect(producer.send({ topic: 't', value: 'x' })).rejects.toMatchObject({
    code: 'timeout',
  });
});

test('producer: what is not acknowledged is bounded, and order is kept over the waiting', async () => {
  const { brokers, producer } = await setUp({}, { bufferBytes: 1000, batchBytes: 300 });
  const [partition] = brokers.addTopic('t');
  const values = Array.from({ length: 200 }, (_, index) => `${index} ${'x'.repeat(50)}`);
  let most = 0;
  const sends = values.map((value) =>
    producer.send({ topic: 't', value }).then(() => {
      most = Math.max(most, producer.heldBytes);
    }),
  );
  most = Math.max(most, producer.heldBytes);
  await Promise.all(sends);
  expect(partition!.values()).toEqual(values);
  expect(most).toBeLessThan(1100);
  expect(producer.heldBytes).toBe(0);
});

test('producer: a writer refuses records while there is no room', async () => {
  const { brokers, producer } = await setUp({}, { bufferBytes: 500, lingerMs: 60_000 });
  const [partition] = brokers.addTopic('t');
  const writer = await producer.open('t');
  const value = Buffer.alloc(100, 'x');
  let count = 0;
  while (writer.append(value, 0, -1, value, 0, 100, 0)) count++;
  expect(count).toBe(5);
  await writer.whenRoom();
  expect(writer.append(value, 0, -1, value, 0, 100, 0)).toBe(true);
  await producer.flush();
  expect(partition!.values().length).toBe(6);
});

test('producer: an unknown topic is an error when it may not be created', async () => {
  const { producer } = await setUp({}, { mayCreateTopics: false });
  await expect(producer.send({ topic: 'none', value: 'x' })).rejects.toThrow(
    'UNKNOWN_TOPIC_OR_PARTITION',
  );
});

test('producer: a partition that is not there is an error', async () => {
  const { brokers, producer } = await setUp();
  brokers.addTopic('t', 2);
  await expect(producer.send({ topic: 't', value: 'x', partition: 2 })).rejects.toThrow('0 to 1');
  await expect(producer.open('t', { partition: -1 })).rejects.toThrow('0 to 1');
});

test('producer: closing flushes, aborting fails what is left; both refuse what comes later', async () => {
  const { brokers, client, producer } = await setUp({}, { lingerMs: 60_000 });
  const [partition] = brokers.addTopic('t');
  const kept = producer.send({ topic: 't', value: 'kept' });
  await producer.flush();
  await producer.close();
  expect(await kept).toMatchObject({ offset: 0 });
  await expect(producer.send({ topic: 't', value: 'late' })).rejects.toMatchObject({
    code: 'closed',
  });
  const other = new Producer(client, { lingerMs: 60_000 });
  await other.open('t');
  const lost = other.send({ topic: 't', value: 'lost' });
  other.abort();
  await expect(lost).rejects.toMatchObject({ code: 'closed' });
  expect(partition!.values()).toEqual(['kept']);
});

test.each([
  [{ acks: 1, idempotent: true }, "needs acks 'all'"],
  [{ maxInFlight: 6 }, '5 requests in flight'],
  [{ batchBytes: 0 }, 'not possible'],
  [{ codec: 'lzma' as 'none' }, "no such codec: 'lzma'"],
] as const)('producer: options that contradict each other are refused: %j', (options, words) => {
  const client = new Client({ brokers: '127.0.0.1:1' });
  expect(() => new Producer(client, options)).toThrow(words);
});

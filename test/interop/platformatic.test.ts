/**
 * @platformatic/kafka against the broker: every codec, idempotent production, offsets, and its admin
 * calls. Consumption goes through its low-level fetch, which needs no group.
 */

import {
  Admin,
  Consumer,
  ListOffsetTimestamps,
  Producer,
  stringSerializers,
} from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchAll } from './low-level-fetch.ts';
import { freshTopic, type TestBroker, testBroker } from './npm-clients.ts';
import { keyedLines } from './sample-text.ts';

let broker: TestBroker;
let admin: Admin;
let consumer: Consumer;

beforeAll(async () => {
  broker = await testBroker();
  const common = { clientId: 'platformatic-test', bootstrapBrokers: [broker.address] };
  admin = new Admin(common);
  consumer = new Consumer({ ...common, groupId: 'unused' });
});

afterAll(async () => {
  await admin?.close();
  await consumer?.close(true);
  await broker?.close();
});

const producerOf = (options: { idempotent: boolean }) =>
  new Producer({
    clientId: 'platformatic-producer',
    bootstrapBrokers: [broker.address],
    serializers: stringSerializers,
    ...options,
  });

describe('what @platformatic/kafka produces it reads back', () => {
  const lines = keyedLines(2000, 9);

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    for (const idempotent of [false, true]) {
      test(`${compression}${idempotent ? ', idempotent' : ''}`, async () => {
        const topic = freshTopic(`platformatic-${compression}`);
        await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
        const producer = producerOf({ idempotent });
        for (let at = 0; at < lines.length; at += 400) {
          const sent = await producer.send({
            compression,
            ...(idempotent ? {} : { acks: -1 }),
            messages: lines.slice(at, at + 400).map((line, index) => ({
              topic,
              partition: 0,
              ...line,
              headers: { line: String(at + index) },
            })),
          });
          expect(Number(sent.offsets?.[0]?.offset)).toBe(at);
        }
        await producer.close();
        const read = await fetchAll(consumer, { topic, partition: 0, until: lines.length });
        expect(read.map(({ key, value }) => ({ key, value }))).toEqual(lines);
        expect(read[1234]).toMatchObject({ offset: 1234, headers: [['line', '1234']] });
      });
    }
  }

  test('a fetch inside a batch brings the batch from its start, the client skips', async () => {
    const topic = freshTopic('platformatic-inside');
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    const producer = producerOf({ idempotent: false });
    await producer.send({
      acks: -1,
      messages: lines.slice(0, 100).map((line) => ({ topic, partition: 0, ...line })),
    });
    await producer.close();
    const read = await fetchAll(consumer, {
      topic,
      partition: 0,
      from: 42,
      until: 100,
      maxBytes: 1,
    });
    expect(read[0]?.offset).toBe(42);
    expect(read).toHaveLength(58);
  });
});

describe('@platformatic/kafka admin', () => {
  test('topics are created, listed, widened and deleted', async () => {
    const topic = freshTopic('platformatic-admin');
    const created = await admin.createTopics({
      topics: [topic],
      partitions: 2,
      replicas: 1,
      configs: [{ name: 'retention.ms', value: '3600000' }],
    });
    expect(created[0]).toMatchObject({ name: topic, partitions: 2, replicas: 1 });
    expect(await admin.listTopics()).toContain(topic);
    await admin.createPartitions({ topics: [{ name: topic, count: 3 }] });
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
    expect(metadata.topics.get(topic)?.partitionsCount).toBe(3);
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
  });

  test('offsets are listed: earliest, latest', async () => {
    const topic = freshTopic('platformatic-offsets');
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    const producer = producerOf({ idempotent: false });
    await producer.send({
      acks: -1,
      messages: ['a', 'b', 'c'].map((value) => ({ topic, partition: 0, value })),
    });
    await producer.close();
    const at = async (timestamp: bigint) =>
      (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic)?.map(Number);
    expect(await at(ListOffsetTimestamps.EARLIEST)).toEqual([0]);
    expect(await at(ListOffsetTimestamps.LATEST)).toEqual([3]);
  });
});

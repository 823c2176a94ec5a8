/**
 * kafkajs against the broker: every codec it can be given, idempotent production, and its admin
 * calls. Its consumer works in groups only, so what it produces is read with another npm client's
 * low-level fetch.
 */

import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { Consumer as PlatformaticConsumer } from '@platformatic/kafka';
import { type Admin, CompressionCodecs, CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { compressSync, uncompressSync } from 'snappy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchAll } from './low-level-fetch.ts';
import { freshTopic, type TestBroker, testBroker } from './npm-clients.ts';
import { keyedLines } from './sample-text.ts';

type Codec = () => {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
};
const codecs = CompressionCodecs as unknown as Record<number, Codec>;
codecs[CompressionTypes.Snappy] = () => ({
  compress: async (encoder) => compressSync(encoder.buffer),
  decompress: async (buffer) => uncompressSync(buffer) as Buffer,
});
codecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder) => compressFrameSync(encoder.buffer),
  decompress: async (buffer) => decompressFrameSync(buffer),
});
codecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => zstdCompressSync(encoder.buffer),
  decompress: async (buffer) => zstdDecompressSync(buffer),
});

let broker: TestBroker;
let kafka: Kafka;
let admin: Admin;
let reader: PlatformaticConsumer;

beforeAll(async () => {
  broker = await testBroker();
  kafka = new Kafka({
    clientId: 'kafkajs-test',
    brokers: [broker.address],
    logLevel: logLevel.NOTHING,
    retry: { retries: 3 },
  });
  admin = kafka.admin();
  await admin.connect();
  reader = new PlatformaticConsumer({
    groupId: 'unused',
    clientId: 'reader',
    bootstrapBrokers: [broker.address],
  });
});

afterAll(async () => {
  await admin?.disconnect();
  await reader?.close(true);
  await broker?.close();
});

describe('kafkajs produces, another client reads the same records', () => {
  const lines = keyedLines(2000, 5);

  for (const [name, compression] of Object.entries({
    none: CompressionTypes.None,
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4,
    zstd: CompressionTypes.ZSTD,
  })) {
    for (const idempotent of [false, true]) {
      test(`${name}${idempotent ? ', idempotent' : ''}`, async () => {
        const topic = freshTopic(`kafkajs-${name}`);
        await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
        const producer = kafka.producer(
          idempotent ? { idempotent: true, maxInFlightRequests: 1 } : { maxInFlightRequests: 5 },
        );
        await producer.connect();
        for (let at = 0; at < lines.length; at += 500) {
          const sent = await producer.send({
            topic,
            compression,
            acks: -1,
            messages: lines.slice(at, at + 500).map((line, index) => ({
              ...line,
              headers: { line: String(at + index) },
            })),
          });
          expect(sent[0]).toMatchObject({ errorCode: 0, baseOffset: String(at) });
        }
        await producer.disconnect();

        const read = await fetchAll(reader, { topic, partition: 0, until: lines.length });
        expect(read.map(({ key, value }) => ({ key, value }))).toEqual(lines);
        expect(read.map(({ offset }) => offset)).toEqual(lines.map((_, index) => index));
        expect(read.at(-1)?.headers).toEqual([['line', String(lines.length - 1)]]);
      });
    }
  }

  test('several topics and partitions in one batch of sends', async () => {
    const topics = [freshTopic('kafkajs-a'), freshTopic('kafkajs-b')];
    await admin.createTopics({
      topics: topics.map((topic) => ({ topic, numPartitions: 3 })),
      waitForLeaders: true,
    });
    const producer = kafka.producer();
    await producer.connect();
    await producer.sendBatch({
      topicMessages: topics.map((topic) => ({
        topic,
        messages: lines.slice(0, 90).map((line, index) => ({ ...line, partition: index % 3 })),
      })),
    });
    await producer.disconnect();
    for (const topic of topics) {
      for (let partition = 0; partition < 3; partition++) {
        const read = await fetchAll(reader, { topic, partition, until: 30 });
        expect(read.map((record) => record.value)).toEqual(
          lines
            .slice(0, 90)
            .filter((_, index) => index % 3 === partition)
            .map((line) => line.value),
        );
      }
    }
  });

  test('an unknown topic is created on the way, as the broker allows it', async () => {
    const topic = freshTopic('kafkajs-auto');
    const producer = kafka.producer({ allowAutoTopicCreation: true });
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'first' }] });
    await producer.disconnect();
    expect(await admin.fetchTopicOffsets(topic)).toContainEqual(
      expect.objectContaining({ low: '0', high: '1' }),
    );
  });
});

describe('kafkajs admin', () => {
  test('topics are created, listed, described, widened and deleted', async () => {
    const topic = freshTopic('kafkajs-admin');
    expect(await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })).toBe(true);
    expect(await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })).toBe(false);
    expect(await admin.listTopics()).toContain(topic);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions.map((one) => one.partitionId).sort()).toEqual([0, 1, 2, 3]);
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
  });

  test('configs are described and altered', async () => {
    const topic = freshTopic('kafkajs-configs');
    await admin.createTopics({
      topics: [{ topic, configEntries: [{ name: 'retention.ms', value: '7200000' }] }],
    });
    const read = async (): Promise<Map<string, string>> => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: topic }],
      });
      return new Map(
        resources[0]?.configEntries.map((entry) => [entry.configName, entry.configValue]),
      );
    };
    expect((await read()).get('retention.ms')).toBe('7200000');
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        { type: 2, name: topic, configEntries: [{ name: 'max.message.bytes', value: '2000000' }] },
      ],
    });
    const after = await read();
    expect(after.get('max.message.bytes')).toBe('2000000');
    // A whole set was written: what is not in it is back at its default.
    expect(after.get('retention.ms')).toBe('604800000');
  });

  test('offsets by position and by time, and records deleted before one', async () => {
    const topic = freshTopic('kafkajs-offsets');
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic,
      messages: [1000, 2000, 3000].map((at) => ({ value: `at ${at}`, timestamp: `${at}` })),
    });
    await producer.disconnect();
    expect(await admin.fetchTopicOffsets(topic)).toEqual([
      { partition: 0, offset: '3', high: '3', low: '0' },
    ]);
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, 1500)).toEqual([
      { partition: 0, offset: '1' },
    ]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    expect(await admin.fetchTopicOffsets(topic)).toEqual([
      { partition: 0, offset: '3', high: '3', low: '2' },
    ]);
  });

  test('the cluster describes itself', async () => {
    const cluster = await admin.describeCluster();
    expect(cluster.brokers).toHaveLength(1);
    const [only] = cluster.brokers;
    expect(`${only?.host}:${only?.port}`).toBe(broker.address);
    expect(cluster.controller).toBe(only?.nodeId);
    expect(cluster.clusterId).not.toBe('');
  });
});

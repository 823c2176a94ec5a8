/** What a front answers from its image of the cluster and from the partition table: topics, partitions, offsets by time. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { type Broker, startBroker } from '../../net/broker.ts';
import { createTopic, METADATA, PRODUCE, produceBody, RawClient } from './raw-client.ts';

const LIST_OFFSETS = 2;
const DESCRIBE_TOPIC_PARTITIONS = 75;

interface Metadata {
  clusterId: string | null;
  topics: {
    errorCode: number;
    name: string | null;
    topicId: string;
    partitions: { partitionIndex: number; leaderId: number }[];
    topicAuthorizedOperations: number;
  }[];
}

describe.each([0, 1])('with %i net threads', (netThreads) => {
  let broker: Broker;
  let client: RawClient;

  beforeAll(async () => {
    broker = await startBroker({
      storage: 'memory',
      listeners: [{ host: '127.0.0.1', port: 0 }],
      netThreads,
      settings: { 'num.partitions': '3' },
    });
    client = new RawClient(broker.port);
    await createTopic(client, 'alpha', 2);
    await createTopic(client, 'beta', 3);
  });

  afterAll(async () => {
    client.end();
    await broker.close();
  });

  const metadata = (version: number, body: object) =>
    client.request<Metadata>(METADATA, version, { allowAutoTopicCreation: false, ...body });

  describe('metadata', () => {
    test('null asks for all topics, an empty list for none, except in version 0', async () => {
      const names = async (version: number, topics: object[] | null) =>
        (await metadata(version, { topics })).topics.map(({ name }) => name).sort();
      expect(await names(4, null)).toEqual(['alpha', 'beta']);
      expect(await names(4, [])).toEqual([]);
      const v0 = await client.request<Metadata>(METADATA, 0, { topics: [] });
      expect(v0.topics.map(({ name }) => name).sort()).toEqual(['alpha', 'beta']);
    });

    test('a topic is found by its id; an unknown id is told with no name', async () => {
      const [alpha] = (await metadata(12, { topics: [{ name: 'alpha' }] })).topics;
      const unknown = 'BBBBBBBBBBBBBBBBBBBBBA';
      const { topics } = await metadata(12, {
        topics: [
          { topicId: alpha!.topicId, name: null },
          { topicId: unknown, name: null },
        ],
      });
      const byId = new Map(topics.map((topic) => [topic.topicId, topic]));
      expect(byId.get(alpha!.topicId)).toMatchObject({ errorCode: 0, name: 'alpha' });
      expect(byId.get(unknown)).toMatchObject({ errorCode: 100, name: null, partitions: [] });
    });

    test('a topic is made when client and settings allow it, and is whole in the first answer', async () => {
      const first = await metadata(9, { topics: [{ name: 'made' }] });
      expect(first.topics).toMatchObject([{ errorCode: 3, partitions: [] }]);
      const { topics } = await metadata(9, {
        topics: [{ name: 'made' }],
        allowAutoTopicCreation: true,
      });
      expect(topics[0]).toMatchObject({ errorCode: 0, name: 'made' });
      expect(topics[0]!.partitions.map(({ leaderId }) => leaderId)).toEqual([1, 1, 1]);
      const answer = await client.request<{
        responses: { partitionResponses: { errorCode: number }[] }[];
      }>(PRODUCE, 9, produceBody('made', 2, batchAt(1)));
      expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
    });

    test('authorised operations are told to who asks', async () => {
      const asked = await metadata(9, {
        topics: [{ name: 'alpha' }],
        includeTopicAuthorizedOperations: true,
      });
      expect(asked.topics[0]!.topicAuthorizedOperations).toBe(3576);
      const not = await metadata(9, { topics: [{ name: 'alpha' }] });
      expect(not.topics[0]!.topicAuthorizedOperations).toBe(-2147483648);
    });
  });

  describe('DescribeTopicPartitions', () => {
    interface Described {
      topics: { name: string; errorCode: number; partitions: { partitionIndex: number }[] }[];
      nextCursor: { topicName: string; partitionIndex: number } | null;
    }

    test('goes through all partitions page by page, in the order of the names', async () => {
      const seen: string[] = [];
      let cursor: Described['nextCursor'] = null;
      do {
        const page: Described = await client.request<Described>(DESCRIBE_TOPIC_PARTITIONS, 0, {
          topics: [{ name: 'beta' }, { name: 'alpha' }],
          responsePartitionLimit: 2,
          cursor,
        });
        for (const { name, partitions } of page.topics) {
          for (const { partitionIndex } of partitions) seen.push(`${name}-${partitionIndex}`);
        }
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual(['alpha-0', 'alpha-1', 'beta-0', 'beta-1', 'beta-2']);
    });

    test('a cursor of a topic that was not asked for is an invalid request', async () => {
      const { topics } = await client.request<Described>(DESCRIBE_TOPIC_PARTITIONS, 0, {
        topics: [{ name: 'beta' }],
        responsePartitionLimit: 2,
        cursor: { topicName: 'alpha', partitionIndex: 0 },
      });
      expect(topics).toMatchObject([{ errorCode: 42, name: 'beta' }]);
    });
  });

  describe('offsets by time', () => {
    const list = async (timestamp: number, version = 7) => {
      const { topics } = await client.request<{
        topics: { partitions: { errorCode: number; offset: number; timestamp: number }[] }[];
      }>(LIST_OFFSETS, version, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: 'times', partitions: [{ partitionIndex: 0, timestamp }] }],
      });
      const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!;
      return [errorCode, offset, found];
    };

    beforeAll(async () => {
      await createTopic(client, 'times');
      for (const timestamp of [1000, 3000, 2000, 5000, 4000]) {
        await client.request(PRODUCE, 9, produceBody('times', 0, batchAt(timestamp)));
      }
    });

    test('the ends of the log, and the record with the largest timestamp', async () => {
      expect(await list(-1)).toEqual([0, 5, -1]);
      expect(await list(-2)).toEqual([0, 0, -1]);
      expect(await list(-3)).toEqual([0, 3, 5000]);
    });

    test('the first record that is not before a time; none after the last', async () => {
      expect(await list(0)).toEqual([0, 0, 1000]);
      expect(await list(1001)).toEqual([0, 1, 3000]);
      expect(await list(3001)).toEqual([0, 3, 5000]);
      expect(await list(5001)).toEqual([0, -1, -1]);
    });

    test('special times of later versions are unsupported in earlier ones', async () => {
      expect(await list(-3, 6)).toEqual([35, -1, -1]);
      expect(await list(-4, 7)).toEqual([35, -1, -1]);
      expect(await list(-4, 8)).toEqual([0, 0, -1]);
      expect(await list(-5, 9)).toEqual([0, -1, -1]);
    });
  });
});

function batchAt(timestamp: number): Uint8Array {
  return buildBatch({ records: [{ timestamp, value: Buffer.from('v') }] });
}

/**
 * Every version of every request that is advertised, with a request that can succeed: the answer comes, decodes whole
 * and holds no error. A field that a version lacks, or a version that a handler forgot, shows here.
 *
 * `MILLRACE_TEST_BOOTSTRAP=host:port` asks another broker instead, such as a real Kafka.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { ApiKey, SERVED_APIS } from '../../net/wire/versions.ts';
import { type TestBroker, testBroker } from '../interop/npm-clients.ts';
import { batchOf, RawClient } from './raw-client.ts';

const TOPIC = `every-version-${randomBytes(3).toString('hex')}`;
const TOPIC_RESOURCE = 2;

let broker: TestBroker;
let client: RawClient;
let topicId = '';
let fresh = 0;

interface Named {
  readonly name: string;
  readonly topicId: string;
}

async function createTopic(name: string): Promise<void> {
  await client.request(ApiKey.CreateTopics, 5, {
    topics: [{ name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5000,
    validateOnly: false,
  });
}

const freshTopic = (): string => `${TOPIC}-${++fresh}`;
const partition = (fields: object) => [{ ...fields }];

/** A request that can succeed, by API; some need something made for them first. */
const requests: Readonly<Record<number, (version: number) => object | Promise<object>>> = {
  [ApiKey.Produce]: (version) => ({
    transactionalId: null,
    acks: -1,
    timeoutMs: 5000,
    topicData: [
      {
        ...(version >= 13 ? { topicId } : { name: TOPIC }),
        partitionData: partition({ index: 0, records: batchOf(`version ${version}`) }),
      },
    ],
  }),
  [ApiKey.Fetch]: (version) => ({
    replicaId: -1,
    maxWaitMs: 100,
    minBytes: 0,
    maxBytes: 1 << 20,
    sessionEpoch: -1,
    topics: [
      {
        ...(version >= 13 ? { topicId } : { topic: TOPIC }),
        partitions: partition({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }),
      },
    ],
  }),
  [ApiKey.ListOffsets]: () => ({
    replicaId: -1,
    topics: [{ name: TOPIC, partitions: partition({ partitionIndex: 0, timestamp: -1 }) }],
  }),
  [ApiKey.Metadata]: () => ({ topics: [{ name: TOPIC }], allowAutoTopicCreation: true }),
  [ApiKey.ApiVersions]: (version) =>
    version >= 3 ? { clientSoftwareName: 'test', clientSoftwareVersion: '1' } : {},
  [ApiKey.CreateTopics]: () => ({
    topics: [
      { name: freshTopic(), numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ],
    timeoutMs: 5000,
  }),
  [ApiKey.DeleteTopics]: async (version) => {
    const name = freshTopic();
    await createTopic(name);
    return version >= 6
      ? { topics: [{ name }], timeoutMs: 5000 }
      : { topicNames: [name], timeoutMs: 5000 };
  },
  [ApiKey.CreatePartitions]: async () => {
    const name = freshTopic();
    await createTopic(name);
    return { topics: [{ name, count: 3, assignments: null }], timeoutMs: 5000 };
  },
  [ApiKey.DeleteRecords]: () => ({
    topics: [{ name: TOPIC, partitions: partition({ partitionIndex: 1, offset: 0 }) }],
    timeoutMs: 5000,
  }),
  [ApiKey.InitProducerId]: () => ({ transactionalId: null, transactionTimeoutMs: 60_000 }),
  [ApiKey.OffsetForLeaderEpoch]: () => ({
    replicaId: -1,
    topics: [{ topic: TOPIC, partitions: partition({ partition: 0, leaderEpoch: 0 }) }],
  }),
  [ApiKey.FindCoordinator]: (version) =>
    version >= 4 ? { keyType: 0, coordinatorKeys: ['group'] } : { key: 'group' },
  [ApiKey.DescribeConfigs]: () => ({
    resources: [{ resourceType: TOPIC_RESOURCE, resourceName: TOPIC, configurationKeys: null }],
  }),
  [ApiKey.AlterConfigs]: () => ({
    resources: [
      {
        resourceType: TOPIC_RESOURCE,
        resourceName: TOPIC,
        configs: [{ name: 'retention.ms', value: '7200000' }],
      },
    ],
  }),
  [ApiKey.IncrementalAlterConfigs]: () => ({
    resources: [
      {
        resourceType: TOPIC_RESOURCE,
        resourceName: TOPIC,
        configs: [{ name: 'retention.ms', configOperation: 0, value: '7300000' }],
      },
    ],
  }),
  [ApiKey.DescribeLogDirs]: () => ({ topics: [{ topic: TOPIC, partitions: [0, 1] }] }),
  [ApiKey.DescribeCluster]: (version) => (version >= 1 ? { endpointType: 1 } : {}),
  [ApiKey.DescribeProducers]: () => ({ topics: [{ name: TOPIC, partitionIndexes: [0] }] }),
  [ApiKey.ListConfigResources]: () => ({ resourceTypes: [] }),
  [ApiKey.DescribeTopicPartitions]: () => ({
    topics: [{ name: TOPIC }],
    responsePartitionLimit: 100,
  }),
};

/** The right answer of some is an error: there are no coordinators to be found. */
const rightErrors: Readonly<Record<number, (version: number) => readonly number[]>> = {
  [ApiKey.FindCoordinator]: (version) => [
    version < 4 ? ErrorCode.COORDINATOR_NOT_AVAILABLE : ErrorCode.UNSUPPORTED_VERSION,
  ],
};

/** Every error code in an answer. */
function errorsIn(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(errorsIn);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'errorCode' && member !== 0 ? [member as number] : errorsIn(member),
  );
}

beforeAll(async () => {
  broker = await testBroker();
  client = new RawClient(Number(broker.address.split(':').at(-1)));
  await createTopic(TOPIC);
  const { topics } = await client.request<{ topics: Named[] }>(ApiKey.Metadata, 12, {
    topics: [{ name: TOPIC }],
  });
  topicId = topics[0]?.topicId ?? '';
  await client.request(ApiKey.Produce, 9, await (requests[ApiKey.Produce]?.(9) as object));
});

afterAll(async () => {
  client?.end();
  await broker?.close();
});

describe('every version of', () => {
  for (const { key: apiKey, name, versionMin, versionMax } of SERVED_APIS) {
    const count = versionMax - versionMin + 1;
    const versions = Array.from({ length: count }, (_, index) => versionMin + index);

    test.each(versions)(`${name} is answered: version %i`, async (version) => {
      const request = requests[apiKey];
      if (request === undefined) throw new Error(`no request for API ${apiKey}: add one here`);
      const answer = await client.request<object>(apiKey, version, await request(version));
      expect(errorsIn(answer)).toEqual(rightErrors[apiKey]?.(version) ?? []);
      if (apiKey === ApiKey.Fetch) {
        const { responses } = answer as {
          responses: { partitions: { records: Uint8Array | null }[] }[];
        };
        expect(responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(60);
      }
    });
  }
});

import { beforeEach, describe, expect, test } from 'vitest';
import { ErrorCode } from '../engine/base/error-codes.ts';
import { Prng } from '../engine/base/prng.ts';
import type { DiscoveredPartition } from '../engine/index.ts';
import { defaultLogConfig } from '../engine/log/log-config.ts';
import { FakeEngine } from '../test/cluster/fake-engine.ts';
import { Controller, type TopicRules } from './controller.ts';
import { type ImageDelta, MetadataImage } from './metadata-image.ts';
import { ResourceConfigs } from './resource-configs.ts';
import { MemoryMetadataStore } from './store/memory-metadata-store.ts';
import type { TopicCreation } from './topic-plans.ts';

/** `size` is the one config there is. */
const rules: TopicRules = {
  defaultPartitions: 3,
  defaultReplicationFactor: 1,
  problem: (configs) => {
    const unknown = Object.keys(configs).find((name) => name !== 'size');
    return unknown === undefined ? null : `Unknown topic config name: ${unknown}`;
  },
  resolve: (configs) => ({
    log: { ...defaultLogConfig, maxMessageBytes: Number(configs.size ?? 1000) },
    minInsyncReplicas: 1,
  }),
};

let store: MemoryMetadataStore;
let engine: FakeEngine;
let controller: Controller;
let log: string[];
/** What a net thread holds: built from the deltas alone. */
let image: MetadataImage;
let deltas: ImageDelta[];

beforeEach(async () => {
  store = new MemoryMetadataStore();
  engine = new FakeEngine();
  log = [];
  controller = await open();
});

async function open(discovered: readonly DiscoveredPartition[] = []): Promise<Controller> {
  engine.discovered = discovered;
  const random = new Prng(7);
  const opened = await Controller.open({
    store,
    engine,
    rules,
    resourceConfigs: new ResourceConfigs(store),
    clusterId: 'cluster',
    nodeId: 1,
    random: (bytes) => random.fill(bytes),
    log: (line) => log.push(line),
  });
  image = new MetadataImage();
  image.apply(structuredClone(opened.image.snapshot()));
  deltas = [];
  opened.publish = async (delta) => {
    deltas.push(delta);
    image.apply(structuredClone(delta));
  };
  return opened;
}

/** The broker starts again on the same store; the engine finds the directories that were left. */
async function restart(): Promise<void> {
  const discovered = engine.directories();
  engine = new FakeEngine();
  controller = await open(discovered);
}

function topic(name: string, more: Partial<TopicCreation> = {}): TopicCreation {
  return { name, partitions: -1, replicationFactor: -1, assignments: [], configs: [], ...more };
}

describe('controller: creating topics', () => {
  test('a created topic has its partitions in the engine and in every image', async () => {
    const [outcome] = await controller.createTopics([topic('a')]);
    expect(outcome).toMatchObject({ name: 'a', partitions: 3, replicationFactor: 1 });
    expect(image.topicByName('a')?.partitions).toEqual(
      [0, 1, 2].map((partition) => ({
        partition,
        slot: partition,
        directory: `/data/a-${partition}`,
        leaderId: 1,
        leaderEpoch: 0,
        replicas: [1],
        isr: [1],
        offline: [],
      })),
    );
    expect([...engine.partitions.values()].map(({ topicId }) => topicId)).toEqual(
      new Array(3).fill(controller.topic('a')!.record.id),
    );
  });

  test('what can be created is, whatever happens to the rest; each has its own answer', async () => {
    await controller.createTopics([topic('a.b')]);
    const outcomes = await controller.createTopics([
      topic('a.b'),
      topic('a_b'),
      topic('bad name'),
      topic('c', { partitions: 0 }),
      topic('c', { replicationFactor: 2 }),
      topic('c', { configs: [{ name: 'nope', value: '1' }] }),
      topic('c', { configs: [{ name: '__proto__', value: '1' }] }),
      topic('c', { configs: [{ name: 'size', value: null }] }),
      topic('good', { configs: [{ name: 'size', value: '5' }] }),
    ]);
    expect(outcomes.map((outcome) => ('errorCode' in outcome ? outcome.errorCode : 0))).toEqual([
      ErrorCode.TOPIC_ALREADY_EXISTS,
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      ErrorCode.INVALID_PARTITIONS,
      ErrorCode.INVALID_REPLICATION_FACTOR,
      ErrorCode.INVALID_CONFIG,
      ErrorCode.INVALID_CONFIG,
      ErrorCode.INVALID_CONFIG,
      ErrorCode.NONE,
    ]);
    expect(image.topicByName('good')?.maxMessageBytes).toBe(5);
    expect(image.topicCount).toBe(2);
  });

  test('validating only changes nothing', async () => {
    const [outcome] = await controller.createTopics([topic('a')], { validateOnly: true });
    expect(outcome).toMatchObject({ name: 'a', partitions: 3 });
    expect(engine.partitions.size).toBe(0);
    expect(controller.topic('a')).toBeUndefined();
    expect((await store.range('')).values).toEqual([]);
  });

  test('a thousand partitions are one row, one call and one small delta', async () => {
    await controller.createTopics([topic('wide', { partitions: 1000 })]);
    expect((await store.range('topics/')).revision).toBe(1);
    expect(engine.calls).toEqual(['open 1000']);
    expect(deltas).toHaveLength(1);
    expect(JSON.stringify(deltas[0]).length).toBeLessThan(6000);
    expect(image.topicByName('wide')?.partitions[999]).toMatchObject({ slot: 999, leaderId: 1 });
  });

  test('more than 10,000 partitions in one request are refused, all of them', async () => {
    const outcomes = await controller.createTopics([
      topic('a', { partitions: 9999 }),
      topic('b', { partitions: 2 }),
    ]);
    expect(outcomes).toEqual(
      new Array(2).fill({
        errorCode: ErrorCode.POLICY_VIOLATION,
        message: 'Excessively large number of partitions per request.',
      }),
    );
  });

  test('two requests for one name at the same time: one creates it, the other is told', async () => {
    const [[first], [second]] = await Promise.all([
      controller.createTopics([topic('a')]),
      controller.createTopics([topic('a')]),
    ]);
    expect(first).toMatchObject({ name: 'a' });
    expect(second).toMatchObject({ errorCode: ErrorCode.TOPIC_ALREADY_EXISTS });
  });

  test('a partition that cannot be opened leaves a line and does not keep the topic from being', async () => {
    engine.broken.add('a-1');
    await controller.createTopics([topic('a')]);
    expect(log).toEqual(['partition a-1 is offline: the disk is broken']);
    expect(image.topicByName('a')?.partitions).toHaveLength(3);
  });
});

describe('controller: deleting topics', () => {
  test('a deleted topic is gone from store, engine and images, and its name is free', async () => {
    await controller.createTopics([topic('a'), topic('b')]);
    const before = controller.topic('a')!.record.id;
    expect(await controller.deleteTopics(['a', 'nope'])).toEqual(new Set(['a']));
    expect(image.topicByName('a')).toBeUndefined();
    expect(image.topicById(before)).toBeUndefined();
    expect(engine.partitions.size).toBe(3);
    expect((await store.range('')).values.map(({ key }) => key)).toEqual(['topics/b']);
    await controller.createTopics([topic('a')]);
    expect(controller.topic('a')!.record.id).not.toBe(before);
    expect(image.topicById(controller.topic('a')!.record.id)?.name).toBe('a');
  });

  test('images forget a topic before its files go', async () => {
    await controller.createTopics([topic('a')]);
    engine.beforeDelete = () => expect(image.topicByName('a')).toBeUndefined();
    await controller.deleteTopics(['a']);
    expect(engine.calls.at(-1)).toBe('delete 3');
  });

  test('a deletion that a crash cut short is finished at the next start', async () => {
    await controller.createTopics([topic('a'), topic('b')]);
    engine.beforeDelete = () => {
      throw new Error('crash');
    };
    await expect(controller.deleteTopics(['a'])).rejects.toThrow('crash');
    await restart();
    expect(controller.topic('a')).toBeUndefined();
    expect([...engine.partitions.values()].map(({ topic }) => topic)).toEqual(['b', 'b', 'b']);
    expect((await store.range('')).values.map(({ key }) => key)).toEqual(['topics/b']);
  });

  test('a name with a dot is free for its sibling once it is deleted', async () => {
    await controller.createTopics([topic('a.b')]);
    await controller.deleteTopics(['a.b']);
    expect(await controller.createTopics([topic('a_b')])).toMatchObject([{ name: 'a_b' }]);
  });
});

describe('controller: adding partitions', () => {
  test('new partitions come behind the old ones, which stay as they are', async () => {
    await controller.createTopics([topic('a')]);
    const outcomes = await controller.createPartitions([
      { name: 'a', count: 5, assignments: null },
    ]);
    expect(outcomes).toEqual([null]);
    expect(image.topicByName('a')?.partitions.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4]);
    await restart();
    expect(controller.image.topicByName('a')?.partitions).toHaveLength(5);
  });

  test('wrong counts, unknown topics and wrong assignments are refused, each for itself', async () => {
    await controller.createTopics([topic('a'), topic('b'), topic('c')]);
    const outcomes = await controller.createPartitions([
      { name: 'a', count: 3, assignments: null },
      { name: 'nope', count: 3, assignments: null },
      { name: 'b', count: 4, assignments: [[9]] },
      { name: 'c', count: 4, assignments: [[1]] },
    ]);
    expect(outcomes.map((outcome) => outcome?.errorCode ?? 0)).toEqual([
      ErrorCode.INVALID_PARTITIONS,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      ErrorCode.NONE,
    ]);
  });
});

describe('controller: configs', () => {
  const change = (name: string, size: string): ReturnType<Controller['alterTopicConfigs']> =>
    controller.alterTopicConfigs([name], (_name, configs) => ({ configs: { ...configs, size } }));

  test('changed configs are stored, reach the logs and every image', async () => {
    await controller.createTopics([topic('a')]);
    expect(await change('a', '77')).toEqual([null]);
    expect([...engine.partitions.values()].map(({ config }) => config.maxMessageBytes)).toEqual([
      77, 77, 77,
    ]);
    expect(image.topicByName('a')?.maxMessageBytes).toBe(77);
    await restart();
    expect(controller.topic('a')?.record.configs).toEqual({ size: '77' });
    expect([...engine.partitions.values()][0]?.config.maxMessageBytes).toBe(77);
  });

  test('changes at the same time see each other', async () => {
    await controller.createTopics([topic('a', { configs: [{ name: 'size', value: '1' }] })]);
    const increment = (): ReturnType<Controller['alterTopicConfigs']> =>
      controller.alterTopicConfigs(['a'], (_name, { size }) => ({
        configs: { size: String(Number(size) + 1) },
      }));
    await Promise.all([increment(), increment(), increment()]);
    expect(controller.topic('a')?.record.configs.size).toBe('4');
  });

  test('wrong configs and unknown topics are refused and change nothing', async () => {
    await controller.createTopics([topic('a')]);
    expect(await change('nope', '1')).toEqual([
      {
        errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        message: "The topic 'nope' does not exist.",
      },
    ]);
    const refused = await controller.alterTopicConfigs(['a'], () => ({
      configs: { errorCode: '5' },
    }));
    expect(refused).toEqual([
      {
        errorCode: ErrorCode.INVALID_CONFIG,
        message: 'Unknown topic config name: errorCode',
      },
    ]);
    expect(controller.topic('a')?.record.configs).toEqual({});
  });
});

describe('controller: starting', () => {
  test('everything is as it was', async () => {
    await controller.createTopics([topic('a'), topic('b', { partitions: 1 })]);
    const before = controller.image.snapshot();
    await restart();
    expect(controller.image.snapshot().topics?.map(({ topicId }) => topicId)).toEqual(
      before.topics?.map(({ topicId }) => topicId),
    );
    expect(engine.calls).toEqual(['open 4']);
    expect(log).toEqual([]);
  });

  test('unknown directories are adopted as topics under their own ids, once', async () => {
    const found = (topic: string, partition: number, topicId: string | null) => ({
      topic,
      partition,
      topicId,
      directory: `/data/${topic}-${partition}`,
    });
    engine = new FakeEngine();
    engine.epochs.set('a-2', 5);
    engine.producerIds.push({ name: 'old-0', producerId: 41 });
    controller = await open([
      found('a', 0, 'AAAAAAAAAAAAAAAAAAAAEA'),
      found('a', 2, 'AAAAAAAAAAAAAAAAAAAAEA'),
      found('old', 0, null),
      found('__consumer_offsets', 0, 'AAAAAAAAAAAAAAAAAAAAIA'),
      found('__cluster_metadata', 0, null),
    ]);
    expect(controller.topic('a')?.record).toMatchObject({
      id: 'AAAAAAAAAAAAAAAAAAAAEA',
      partitions: 3,
      leaderEpochs: [0, 0, 5],
    });
    expect(controller.image.topicByName('a')?.partitions[2]?.leaderEpoch).toBe(5);
    expect(await controller.producerIds.next()).toBe(42);
    expect(controller.topic('old')?.record.id).toHaveLength(22);
    expect(controller.image.topicByName('__consumer_offsets')?.isInternal).toBe(true);
    expect(controller.topic('__cluster_metadata')).toBeUndefined();
    expect(log).toHaveLength(1);
    await restart();
    expect(log).toHaveLength(1);
    expect([...controller.topics()]).toHaveLength(3);
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type { Engine } from '../../engine/index.ts';
import { FakeEngine } from '../../test/cluster/fake-engine.ts';
import { loadSettings } from '../settings/broker-settings.ts';
import { type ControlPlane, openControlPlane } from './control-plane.ts';

const CREATE_TOPICS = 19;
const DELETE_TOPICS = 20;
const INIT_PRODUCER_ID = 22;
const DESCRIBE_CONFIGS = 32;
const INCREMENTAL_ALTER_CONFIGS = 44;
const TOPIC = 2;
const BROKER = 4;
const SET = 0;

let dataDir: string;
let engine: FakeEngine;
let log: string[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-control-'));
  engine = new FakeEngine(dataDir);
  log = [];
  return () => rmSync(dataDir, { recursive: true });
});

function open(flags: string[] = [], where: string | null = dataDir): Promise<ControlPlane> {
  return openControlPlane({
    dataDir: where,
    engine: engine as unknown as Engine,
    settings: loadSettings({ flags }),
    log: (line) => log.push(line),
  });
}

/** Closes the control plane and opens it again on the same directory; the engine finds its partitions. */
async function reopen(control: ControlPlane, flags: string[] = []): Promise<ControlPlane> {
  await control.close();
  const discovered = engine.directories();
  engine = new FakeEngine(dataDir);
  engine.discovered = discovered;
  return open(flags);
}

// biome-ignore lint/suspicious/noExplicitAny: answers of many APIs, looked into by hand
const ask = (control: ControlPlane, apiKey: number, body: object): Promise<any> =>
  control.admin.handle(apiKey, apiKey === DELETE_TOPICS ? 6 : 4, body, {
    clientId: null,
    listener: 'PLAINTEXT',
  });

const create = (control: ControlPlane, name: string): Promise<unknown> =>
  ask(control, CREATE_TOPICS, {
    topics: [{ name, numPartitions: 2, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: 1000,
    validateOnly: false,
  });

const producerId = async (control: ControlPlane): Promise<number> =>
  (
    await ask(control, INIT_PRODUCER_ID, {
      transactionalId: null,
      transactionTimeoutMs: 0,
      producerId: -1,
      producerEpoch: -1,
    })
  ).producerId;

const alter = async (
  control: ControlPlane,
  resource: [type: number, name: string],
  config: [name: string, value: string],
): Promise<number> => {
  const [resourceType, resourceName] = resource;
  const configs = [{ name: config[0], configOperation: SET, value: config[1] }];
  const { responses } = await ask(control, INCREMENTAL_ALTER_CONFIGS, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly: false,
  });
  return responses[0].errorCode;
};

const describeConfig = async (
  control: ControlPlane,
  resource: [type: number, name: string],
  name: string,
): Promise<string> => {
  const [resourceType, resourceName] = resource;
  const { results } = await ask(control, DESCRIBE_CONFIGS, {
    resources: [{ resourceType, resourceName, configurationKeys: [name] }],
    includeSynonyms: false,
    includeDocumentation: false,
  });
  return results[0].configs[0].value;
};

describe('control plane', () => {
  test('topics, their configs and ids are there after a restart', async () => {
    let control = await open();
    await create(control, 'a');
    expect(await alter(control, [TOPIC, 'a'], ['max.message.bytes', '77'])).toBe(ErrorCode.NONE);
    const { topicId } = control.image.topicByName('a')!;
    control = await reopen(control);
    expect(control.image.topicByName('a')).toMatchObject({ topicId, maxMessageBytes: 77 });
    expect(await describeConfig(control, [TOPIC, 'a'], 'max.message.bytes')).toBe('77');
    expect(log).toEqual([]);
    await control.close();
  });

  test('dynamic broker settings hold for topics and threads at once, and after a restart', async () => {
    let control = await open();
    await create(control, 'a');
    const seen: number[] = [];
    control.onSettingsChanged = (values) => seen.push(values.messageMaxBytes);
    expect(await alter(control, [BROKER, ''], ['message.max.bytes', '88'])).toBe(ErrorCode.NONE);
    expect(await alter(control, [BROKER, '1'], ['message.max.bytes', '99'])).toBe(ErrorCode.NONE);
    expect(seen).toEqual([88, 99]);
    expect(control.image.topicByName('a')?.maxMessageBytes).toBe(99);
    control = await reopen(control);
    expect(control.image.topicByName('a')?.maxMessageBytes).toBe(99);
    expect([...engine.partitions.values()][0]?.config.maxMessageBytes).toBe(99);
    await control.close();
  });

  test('no producer id is given twice, however often the broker starts and however many it gives', async () => {
    const given: number[] = [];
    let control = await open();
    for (let start = 0; start < 3; start++) {
      given.push(...(await Promise.all(Array.from({ length: 5 }, () => producerId(control)))));
      control = await reopen(control);
    }
    given.push(...(await Promise.all(Array.from({ length: 2500 }, () => producerId(control)))));
    expect(new Set(given).size).toBe(given.length);
    expect(given.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 1000]);
    await control.close();
  });

  test('the identity is kept in the data directory', async () => {
    let control = await open(['node.id=7']);
    const { clusterId } = control;
    expect(control.nodeId).toBe(7);
    expect(readFileSync(join(dataDir, 'meta.properties'), 'utf8')).toMatch(
      new RegExp(`^cluster\\.id=${clusterId}\\ndirectory\\.id=.{22}\\nnode\\.id=7\\nversion=1\\n$`),
    );
    control = await reopen(control);
    expect(control).toMatchObject({ clusterId, nodeId: 7 });
    expect(await describeConfig(control, [BROKER, '7'], 'node.id')).toBe('7');
    await control.close();
    await expect(open(['node.id=8'])).rejects.toMatchObject({
      code: 'setting',
      message: expect.stringMatching(/^node\.id=8: allowed is 7/),
    });
  });

  test("Kafka's identity is honoured, that of its older versions too", async () => {
    const path = join(dataDir, 'meta.properties');
    writeFileSync(path, '#\n#Sun Nov 22\ncluster.id=abc\nversion=1\nnode.id=3\n');
    let control = await open();
    expect(control).toMatchObject({ clusterId: 'abc', nodeId: 3 });
    await control.close();
    writeFileSync(path, 'version=0\nbroker.id=4\ncluster.id=def\n');
    control = await open();
    expect(control).toMatchObject({ clusterId: 'def', nodeId: 4 });
    await control.close();
    writeFileSync(path, 'version=1\n');
    await expect(open()).rejects.toThrow(/is damaged/);
  });

  test('in memory nothing is written and everything works', async () => {
    const control = await open([], null);
    await create(control, 'a');
    expect(control.image.topicByName('a')?.partitions).toHaveLength(2);
    await control.close();
  });

  test('a Metadata request creates what it names, where it may', async () => {
    let control = await open(['num.partitions=4']);
    const created = await control.admin.createForMetadata(['a', 'b c', 'a', '__consumer_offsets']);
    expect(created.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', ErrorCode.NONE],
      ['b c', ErrorCode.INVALID_TOPIC_EXCEPTION],
      ['a', ErrorCode.NONE],
      ['__consumer_offsets', ErrorCode.NONE],
    ]);
    expect(control.image.topicByName('a')?.partitions).toHaveLength(4);
    expect(control.image.topicByName('__consumer_offsets')).toMatchObject({ isInternal: true });
    expect(control.image.topicByName('__consumer_offsets')?.partitions).toHaveLength(50);
    expect(await describeConfig(control, [TOPIC, '__consumer_offsets'], 'cleanup.policy')).toBe(
      'compact',
    );
    control = await reopen(control, ['auto.create.topics.enable=false']);
    expect(await control.admin.createForMetadata(['z'])).toEqual([
      { name: 'z', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    ]);
    await control.close();
  });

  test('deletion can be forbidden', async () => {
    const control = await open(['delete.topic.enable=false']);
    await create(control, 'a');
    const { responses } = await ask(control, DELETE_TOPICS, {
      topics: [{ name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
      topicNames: [],
      timeoutMs: 1000,
    });
    expect(responses).toMatchObject([
      { errorCode: ErrorCode.TOPIC_DELETION_DISABLED, errorMessage: 'Topic deletion is disabled.' },
    ]);
    expect(control.image.topicByName('a')).toBeDefined();
    await control.close();
  });

  test('an administrative call is answered after every image has applied its outcome', async () => {
    const control = await open();
    const events: string[] = [];
    control.publish = async ({ topics }) => {
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`applied ${topics?.map(({ name }) => name)}`);
    };
    await create(control, 'a').then(() => events.push('answered'));
    expect(events).toEqual(['applied a', 'answered']);
    await control.close();
  });
});

/** `millrace topic` as a child process against a real broker. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Broker, startBroker } from '../../index.ts';
import { run } from './cli-runner.ts';

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker({
    storage: 'memory',
    listeners: [{ host: '127.0.0.1', port: 0 }],
    netThreads: 0,
    shards: 0,
  });
});

afterAll(async () => {
  await broker.close();
});

async function topic(...args: string[]) {
  const { exitCode, stdout, stderr } = await run(['topic', ...args, '--broker', broker.address]);
  return { exitCode, stdout: stdout.toString(), stderr };
}

test('topic: the life of one, from create to delete', async () => {
  const created = await topic(
    'create',
    'orders',
    '-p',
    '3',
    '-c',
    'retention.ms=1000',
    '-c',
    'segment.bytes=1048576',
  );
  expect(created).toEqual({ exitCode: 0, stdout: 'created topic orders\n', stderr: '' });
  expect((await topic('list')).stdout).toBe('orders\n');

  await run(['produce', 'orders', '-p', '1', '-b', broker.address], { stdin: 'a\nb\n' });
  const described = await topic('describe', 'orders');
  expect(described.stdout).toMatch(/partitions {2}3\n/);
  expect(described.stdout).toMatch(/config {6}retention\.ms=1000\n/);
  expect(described.stdout).toMatch(/^ +1 +1 +1 +1 +0 +2$/m);

  const altered = await topic(
    'alter',
    'orders',
    '-p',
    '5',
    '-c',
    'segment.ms=60000',
    '-u',
    'retention.ms',
  );
  expect(altered.stdout).toBe(
    'altered configs of topic orders: segment.ms, retention.ms\ntopic orders has 5 partitions\n',
  );
  const [json] = JSON.parse((await topic('describe', 'orders', '--json')).stdout);
  expect(json).toMatchObject({
    name: 'orders',
    topicId: expect.stringMatching(/^[\w-]{22}$/),
    configs: { 'segment.bytes': '1048576', 'segment.ms': '60000' },
  });
  expect(json.configs['retention.ms']).toBeUndefined();
  expect(json.partitions.map((each: { endOffset: number }) => each.endOffset)).toEqual([
    0, 2, 0, 0, 0,
  ]);
  const all = JSON.parse((await topic('describe', 'orders', '--json', '--all-configs')).stdout);
  expect(all[0].configs['retention.ms']).toBe('604800000');

  expect(await topic('delete', 'orders')).toEqual({
    exitCode: 0,
    stdout: 'deleted topic orders\n',
    stderr: '',
  });
  expect((await topic('list')).stdout).toBe('');
});

test('topic: several names are all worked on, and one that fails makes the command fail', async () => {
  await topic('create', 'twice');
  const { exitCode, stdout, stderr } = await topic('create', 'one', 'twice', 'three');
  expect(exitCode).toBe(1);
  expect(stdout).toBe('created topic one\ncreated topic three\n');
  expect(stderr).toMatch(/^millrace: cannot create topic 'twice': TOPIC_ALREADY_EXISTS [^\n]+\n$/);
  expect((await topic('create', 'twice', '--if-not-exists')).exitCode).toBe(0);
  const deleted = await topic('delete', 'one', 'nothing', 'three');
  expect([deleted.exitCode, deleted.stdout]).toEqual([
    1,
    'deleted topic one\ndeleted topic three\n',
  ]);
  expect((await topic('delete', 'nothing', '--if-exists')).exitCode).toBe(0);
  const list = JSON.parse((await topic('list', '--json')).stdout);
  expect(list).toMatchObject([{ name: 'twice', partitions: 1, isInternal: false }]);
});

test.each([
  [1, ['create', 'a b'], 'INVALID_TOPIC_EXCEPTION'],
  [1, ['create', 'wrong', '-c', 'retention.ms=soon'], 'INVALID_CONFIG'],
  [1, ['describe', 'missing'], "topic 'missing': UNKNOWN_TOPIC_OR_PARTITION"],
  [1, ['alter', 'twice', '-c', 'no.such.config=1'], 'INVALID_CONFIG'],
  [2, ['create', 'x', '-p', 'many'], '--partitions: a whole number of at least 1'],
  [2, ['create', 'x', '-c', 'novalue'], '--config: name=value is needed'],
  [2, ['alter', 'x'], 'nothing to alter'],
  [2, ['describe'], "missing required argument 'name'"],
  [2, ['rename'], "unknown command 'rename'"],
])('topic: exit code %i for %j', async (exitCode, args, line) => {
  const result = await topic(...args);
  expect(result.stderr).toContain(line);
  expect(result.exitCode).toBe(exitCode);
});

import { expect, test } from 'vitest';
import type { Transaction, TransactionResult } from '../../cluster/metadata-store.ts';
import { MemoryMetadataStore } from '../../cluster/store/memory-metadata-store.ts';
import { AssertionFailed } from '../../engine/base/assert.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { MillraceError } from '../../engine/base/errors.ts';
import { openAdmin } from '../../test/cluster/open-admin.ts';
import type { AdminApi } from './index.ts';

/** A store whose disk is full while `isFull`. */
class FullStore extends MemoryMetadataStore {
  isFull = false;

  override async txn(transaction: Transaction): Promise<TransactionResult> {
    if (this.isFull) {
      throw new MillraceError('metadata-store', 'metadata cannot be written: the disk is full', {});
    }
    return super.txn(transaction);
  }
}

const topic = (name: string): object => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
});
const ask = (admin: AdminApi, apiKey: number, version: number, body: object): Promise<object> =>
  admin.handle(apiKey, version, body, { clientId: null, listener: 'PLAINTEXT' });

const storage = ErrorCode.KAFKA_STORAGE_ERROR;
const zero = 'AAAAAAAAAAAAAAAAAAAAAA';

test('admin: on a full disk each thing asked gets its row, and what is there stays as it was', async () => {
  const store = new FullStore();
  const { admin, controller, engine } = await openAdmin({ store });
  const create = (...names: string[]): Promise<object> =>
    ask(admin, 19, 7, { topics: names.map(topic), timeoutMs: 1000, validateOnly: false });
  await create('a');
  store.isFull = true;

  const resources = [
    {
      resourceType: 2,
      resourceName: 'a',
      configs: [{ name: 'segment.ms', configOperation: 0, value: '5' }],
    },
    {
      resourceType: 4,
      resourceName: '1',
      configs: [{ name: 'log.retention.ms', configOperation: 0, value: '5' }],
    },
  ];
  expect(await create('b', 'c')).toMatchObject({
    topics: [
      { name: 'b', errorCode: storage },
      { name: 'c', errorCode: storage },
    ],
  });
  expect(
    await ask(admin, 20, 6, {
      topics: [
        { name: 'a', topicId: zero },
        { name: 'nope', topicId: zero },
      ],
      topicNames: [],
      timeoutMs: 1000,
    }),
  ).toMatchObject({
    responses: [
      { name: 'nope', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { name: 'a', errorCode: storage },
    ],
  });
  expect(
    await ask(admin, 37, 3, {
      topics: [{ name: 'a', count: 3, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    }),
  ).toMatchObject({ results: [{ name: 'a', errorCode: storage }] });
  expect(await ask(admin, 44, 1, { resources, validateOnly: false })).toMatchObject({
    responses: [{ errorCode: storage }, { errorCode: storage }],
  });
  expect(
    await ask(admin, 22, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
      producerId: -1,
      producerEpoch: -1,
    }),
  ).toMatchObject({ errorCode: storage, producerId: -1 });
  expect(await admin.createForMetadata(['d'])).toMatchObject([
    { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
  ]);

  store.isFull = false;
  expect([...controller.topics()].map(({ name }) => name)).toEqual(['a']);
  expect(controller.topic('a')?.record).toMatchObject({ partitions: 1, configs: {} });
  expect(engine.partitions.size).toBe(1);
  expect(await create('b')).toMatchObject({ topics: [{ name: 'b', errorCode: ErrorCode.NONE }] });
});

test('admin: a broken invariant is no answer', async () => {
  const { admin, engine } = await openAdmin();
  engine.openPartitions = async () => {
    throw new AssertionFailed('engine: broken');
  };
  const asked = ask(admin, 19, 7, { topics: [topic('a')], timeoutMs: 1000, validateOnly: false });
  await expect(asked).rejects.toThrow('engine: broken');
});

/** A broker that may open few files serves many partitions, refuses connections beyond what it can, and goes on. */

import { expect, test } from 'vitest';
import { Client, Fetcher, Producer } from '../../client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { createTopic, RawClient } from './raw-client.ts';

const DESCRIBE_CLUSTER = 60;
const PARTITIONS = 200;
const OPEN_FILES = 160;

test('many partitions, many connections, few files', async () => {
  const broker = await BrokerProcess.start({ openFilesMax: OPEN_FILES });
  try {
    const first = new RawClient(broker.port);
    await createTopic(first, 't', PARTITIONS);
    const client = new Client({ brokers: broker.address });
    const producer = new Producer(client);
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        partitions.map((partition) =>
          producer.send({ topic: 't', partition, value: Buffer.from(`${round}`) }),
        ),
      );
    }
    await producer.close();
    const fetcher = new Fetcher(client);
    fetcher.assign(
      partitions.map((partition) => ({ topic: 't', partition, offset: 0, endOffset: 3 })),
    );
    let count = 0;
    for await (const _ of fetcher) count++;
    expect(count).toBe(3 * PARTITIONS);
    await client.close();

    const many = Array.from({ length: OPEN_FILES }, () => new RawClient(broker.port));
    await Promise.any(many.map(({ closed }) => closed));
    // Carried out by a module that was not needed so far.
    const { brokers } = await first.request<{ brokers: object[] }>(DESCRIBE_CLUSTER, 0, {
      includeClusterAuthorizedOperations: false,
    });
    expect(brokers.length).toBe(1);
    for (const each of many) each.end();
    first.end();
  } finally {
    await broker.stop();
  }
  expect(broker.output).toContain('connections are');
});

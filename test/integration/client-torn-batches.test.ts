/** A fetch response may end anywhere inside a batch: the fetcher reads on from there, however short the piece is. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, Fetcher, Producer } from '../../client/index.ts';
import { type Broker, startBroker } from '../../index.ts';

let broker: Broker;
let client: Client;

beforeAll(async () => {
  broker = await startBroker({ storage: 'memory', listeners: [{ host: '127.0.0.1', port: 0 }] });
  client = new Client({ brokers: broker.address });
});

afterAll(async () => {
  client?.close();
  await broker?.close();
});

test('batches come whole from responses that are cut after every possible number of bytes', async () => {
  const producer = new Producer(client, { lingerMs: 0, maxInFlight: 1 });
  for (let index = 0; index < 6; index++) {
    await producer.send({ topic: 'torn', partition: 0, value: `record ${index}` });
  }
  const read = async (partitionMaxBytes: number) => {
    using fetcher = new Fetcher(client, { partitionMaxBytes });
    fetcher.assign([{ topic: 'torn', partition: 0, offset: 0, endOffset: 6 }]);
    const batches: number[] = [];
    for await (const batch of fetcher.batches()) batches.push(batch.bytes.length);
    return batches;
  };
  const whole = await read(1 << 20);
  const batchBytes = whole[0] ?? 0;
  for (let pieceBytes = 0; pieceBytes <= batchBytes; pieceBytes++) {
    expect(await read(batchBytes + pieceBytes)).toEqual(whole);
  }
  expect(batchBytes).toBeGreaterThan(60);
});

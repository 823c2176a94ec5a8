/** Many requests on one connection before any answer: order, and what is done for a client that has gone. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Broker, startBroker } from '../../net/broker.ts';
import {
  API_VERSIONS,
  batchOf,
  createTopic,
  decodeResponse,
  FETCH,
  FETCH_VERSION,
  type FetchAnswer,
  fetchBody,
  METADATA,
  METADATA_VERSION,
  PRODUCE,
  PRODUCE_VERSION,
  type ProduceAnswer,
  produceBody,
  RawClient,
  requestFrame,
} from './raw-client.ts';

describe.each([
  { netThreads: 0, shards: 1 },
  { netThreads: 1, shards: 2 },
])('with $netThreads net threads and $shards shards', ({ netThreads, shards }) => {
  let broker: Broker;

  beforeAll(async () => {
    broker = await startBroker({
      storage: 'memory',
      listeners: [{ host: '127.0.0.1', port: 0 }],
      netThreads,
      shards,
    });
  });

  afterAll(() => broker.close());

  test('answers come in the order of the requests, and offsets in the order of the sending', async () => {
    const client = new RawClient(broker.port);
    await createTopic(client, 'order', 4);
    const frames: Buffer[] = [];
    const kinds: { apiKey: number; version: number }[] = [];
    for (let id = 0; id < 600; id++) {
      const kind = id % 7 === 6 ? METADATA : id % 11 === 10 ? API_VERSIONS : PRODUCE;
      const version = kind === METADATA ? METADATA_VERSION : kind === API_VERSIONS ? 0 : 9;
      const body =
        kind === METADATA
          ? { topics: [{ name: 'order' }], allowAutoTopicCreation: false }
          : kind === API_VERSIONS
            ? {}
            : produceBody('order', id % 4, batchOf(`record ${id}`));
      kinds.push({ apiKey: kind, version });
      frames.push(await requestFrame(kind, version, body, 1000 + id));
    }
    client.write(Buffer.concat(frames));
    const nextOffset = [0, 0, 0, 0];
    for (const [id, { apiKey, version }] of kinds.entries()) {
      const { correlationId, body } = await decodeResponse(await client.next(), apiKey, version);
      expect(correlationId).toBe(1000 + id);
      if (apiKey !== PRODUCE) continue;
      const row = (body as ProduceAnswer).responses[0]!.partitionResponses[0]!;
      expect(row).toMatchObject({ index: id % 4, errorCode: 0, baseOffset: nextOffset[id % 4]! });
      nextOffset[id % 4]!++;
    }
    client.end();
  });

  test('what follows a waiting fetch waits with it, on that connection and on no other', async () => {
    const [client, other] = [new RawClient(broker.port), new RawClient(broker.port)];
    await createTopic(client, 'waiting');
    const asked = [{ topic: 'waiting', partition: 0, offset: 0 }];
    client.write(
      Buffer.concat([
        await requestFrame(FETCH, FETCH_VERSION, fetchBody(asked, { maxWaitMs: 30_000 }), 1),
        await requestFrame(API_VERSIONS, 0, {}, 2),
      ]),
    );
    await other.request(PRODUCE, PRODUCE_VERSION, produceBody('waiting', 0, batchOf('wake up')));
    const first = await decodeResponse(await client.next(), FETCH, FETCH_VERSION);
    expect(first.correlationId).toBe(1);
    const records = (first.body as FetchAnswer).responses[0]!.partitions[0]!.records!;
    expect(Buffer.from(records).includes('wake up')).toBe(true);
    expect((await client.next()).readInt32BE(0)).toBe(2);
    client.end();
    other.end();
  });

  test('a fetch sees what its own connection produced just before it', async () => {
    const client = new RawClient(broker.port);
    await createTopic(client, 'own-writes');
    for (let round = 0; round < 20; round++) {
      const asked = [{ topic: 'own-writes', partition: 0, offset: round }];
      client.write(
        Buffer.concat([
          await requestFrame(
            PRODUCE,
            9,
            produceBody('own-writes', 0, batchOf(`round ${round}`)),
            1,
          ),
          await requestFrame(FETCH, FETCH_VERSION, fetchBody(asked), 2),
        ]),
      );
      await client.next();
      const { body } = await decodeResponse(await client.next(), FETCH, FETCH_VERSION);
      const { records } = (body as FetchAnswer).responses[0]!.partitions[0]!;
      expect(Buffer.from(records!).includes(`round ${round}`)).toBe(true);
    }
    client.end();
  });

  test('without acks, what was sent before the goodbye is appended', async () => {
    const [client, reader] = [new RawClient(broker.port), new RawClient(broker.port)];
    await createTopic(reader, 'goodbye');
    const frames = await Promise.all(
      Array.from({ length: 500 }, (_, id) =>
        requestFrame(PRODUCE, 9, produceBody('goodbye', 0, batchOf(`record ${id}`), 0), id),
      ),
    );
    client.write(Buffer.concat(frames));
    client.socket.end();
    await client.closed;
    // Each wait ends with the next append, however far they are.
    for (let appended = 0; appended < 500; ) {
      const answer = await reader.request<FetchAnswer>(
        FETCH,
        FETCH_VERSION,
        fetchBody([{ topic: 'goodbye', partition: 0, offset: appended }], { maxWaitMs: 20_000 }),
      );
      const { highWatermark } = answer.responses[0]!.partitions[0]!;
      expect(highWatermark).toBeGreaterThan(appended);
      appended = highWatermark;
    }
    reader.end();
  });

  test('a client that goes away while its fetch waits leaves nothing behind', async () => {
    const [client, other] = [new RawClient(broker.port), new RawClient(broker.port)];
    await createTopic(other, 'left');
    const asked = [{ topic: 'left', partition: 0, offset: 0 }];
    client.write(
      await requestFrame(FETCH, FETCH_VERSION, fetchBody(asked, { maxWaitMs: 60_000 }), 1),
    );
    // Answered on the same connection only after the fetch has begun to wait: it never is, so look from another one.
    await other.request(API_VERSIONS, 0, {});
    client.end();
    await client.closed;
    await other.request(PRODUCE, PRODUCE_VERSION, produceBody('left', 0, batchOf('x')));
    const answer = await other.request<FetchAnswer>(FETCH, FETCH_VERSION, fetchBody(asked));
    expect(answer.responses[0]!.partitions[0]!.highWatermark).toBe(1);
    other.end();
  });
});

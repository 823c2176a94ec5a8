/** Memory that is too small for what clients send, connections over the limit, idle ones, and the end of a broker. */

import { describe, expect, test } from 'vitest';
import { startBroker } from '../../net/broker.ts';
import {
  API_VERSIONS,
  batchOf,
  createTopic,
  FETCH,
  FETCH_VERSION,
  type FetchAnswer,
  fetchBody,
  METADATA,
  METADATA_VERSION,
  PRODUCE,
  type ProduceAnswer,
  produceBody,
  RawClient,
  requestFrame,
} from './raw-client.ts';

const listeners = [{ host: '127.0.0.1', port: 0 }];

describe('back-pressure', () => {
  test('forty connections push many times the receive memory through, and nothing is lost', async () => {
    await using broker = await startBroker({
      storage: 'memory',
      listeners,
      netThreads: 0,
      shards: 1,
      settings: { 'millrace.slab.bytes': String(4 * 1024 * 1024) },
    });
    const admin = new RawClient(broker.port);
    await createTopic(admin, 'pressure', 4);
    const rounds = 12;
    const value = 'p'.repeat(150_000);
    const clients = Array.from({ length: 40 }, () => new RawClient(broker.port));
    const answers = clients.map(async (client, index) => {
      const partition = index % 4;
      const frame = await requestFrame(
        PRODUCE,
        9,
        produceBody('pressure', partition, batchOf(value)),
        index,
      );
      // All at once: the broker reads on when it has room, the sockets hold the rest.
      for (let round = 0; round < rounds; round++) client.write(frame);
      for (let round = 0; round < rounds; round++) {
        const answer = await client.next();
        expect(answer.readInt32BE(0)).toBe(index);
      }
    });
    await Promise.all(answers);
    let records = 0;
    for (let partition = 0; partition < 4; partition++) {
      const asked = [{ topic: 'pressure', partition, offset: 0 }];
      const answer = await admin.request<FetchAnswer>(FETCH, FETCH_VERSION, fetchBody(asked));
      records += answer.responses[0]!.partitions[0]!.highWatermark;
    }
    expect(records).toBe(40 * rounds);
    for (const client of [...clients, admin]) client.end();
  });

  test('a frame larger than all ordinary receive memory is taken, one after the other', async () => {
    await using broker = await startBroker({
      storage: 'memory',
      listeners,
      netThreads: 0,
      shards: 1,
      settings: {
        'millrace.slab.bytes': String(4 * 1024 * 1024),
        'message.max.bytes': '20000000',
      },
    });
    const clients = Array.from({ length: 3 }, () => new RawClient(broker.port));
    await createTopic(clients[0]!, 'giant');
    const batch = batchOf('g'.repeat(9_000_000));
    const answers = await Promise.all(
      clients.map((client) =>
        client.request<ProduceAnswer>(PRODUCE, 9, produceBody('giant', 0, batch)),
      ),
    );
    const offsets = answers.map(({ responses }) => responses[0]!.partitionResponses[0]!.baseOffset);
    expect(offsets.sort()).toEqual([0, 1, 2]);
    for (const client of clients) client.end();
  });

  test('a client that reads no answers is not read from without end', async () => {
    await using broker = await startBroker({ storage: 'memory', listeners, netThreads: 0 });
    const [deaf, other] = [new RawClient(broker.port), new RawClient(broker.port)];
    await createTopic(other, 'deaf');
    await other.request(PRODUCE, 9, produceBody('deaf', 0, batchOf('d'.repeat(900_000))));
    const asked = [{ topic: 'deaf', partition: 0, offset: 0 }];
    const frame = await requestFrame(FETCH, FETCH_VERSION, fetchBody(asked), 1);
    deaf.socket.pause();
    for (let round = 0; round < 100; round++) deaf.write(frame);
    for (let round = 0; round < 20; round++) await other.request(API_VERSIONS, 0, {});
    deaf.socket.resume();
    for (let round = 0; round < 100; round++) {
      expect((await deaf.next()).length).toBeGreaterThan(900_000);
    }
    deaf.end();
    other.end();
  });
});

describe('connections', () => {
  test('over max.connections they are refused, those that are there go on', async () => {
    await using broker = await startBroker({
      storage: 'memory',
      listeners,
      netThreads: 0,
      shards: 0,
      settings: { 'max.connections': '2' },
    });
    const [first, second] = [new RawClient(broker.port), new RawClient(broker.port)];
    await first.request(API_VERSIONS, 0, {});
    await second.request(API_VERSIONS, 0, {});
    const third = new RawClient(broker.port);
    await third.closed;
    second.end();
    await second.closed;
    await first.request(API_VERSIONS, 0, {});
    first.end();
  });

  test.each([0, 1])('an address has at most max.connections.per.ip (%i net threads)', async (n) => {
    await using broker = await startBroker({
      storage: 'memory',
      listeners,
      netThreads: n,
      settings: {
        'max.connections.per.ip': '3',
        'max.connections.per.ip.overrides': '127.0.0.1:1',
      },
    });
    const first = new RawClient(broker.port);
    await first.request(API_VERSIONS, 0, {});
    const second = new RawClient(broker.port);
    await second.closed;
    first.end();
    // The place is free when the broker has seen the end: until then it refuses.
    for (let served = false; !served; ) {
      const third = new RawClient(broker.port);
      served = await third.request(API_VERSIONS, 0, {}).then(
        () => true,
        () => false,
      );
      third.end();
    }
  });

  test('clients of each listener are told the address of that listener', async () => {
    await using broker = await startBroker({
      storage: 'memory',
      netThreads: 0,
      shards: 0,
      settings: {
        listeners: 'INNER://127.0.0.1:0,OUTER://127.0.0.1:0',
        'listener.security.protocol.map': 'INNER:PLAINTEXT,OUTER:PLAINTEXT',
        'advertised.listeners': 'INNER://inner.example:1,OUTER://outer.example:2',
      },
    });
    const told: string[] = [];
    for (const { port } of broker.listeners) {
      const client = new RawClient(port);
      const { brokers } = await client.request<{ brokers: { host: string; port: number }[] }>(
        METADATA,
        METADATA_VERSION,
        { topics: [], allowAutoTopicCreation: false },
      );
      told.push(`${brokers[0]!.host}:${brokers[0]!.port}`);
      client.end();
    }
    expect(told).toEqual(['inner.example:1', 'outer.example:2']);
  });

  test('idle for connections.max.idle.ms they are ended, busy and waiting ones are not', async () => {
    await using broker = await startBroker({
      storage: 'memory',
      listeners,
      netThreads: 0,
      shards: 0,
      settings: { 'connections.max.idle.ms': '150' },
    });
    const [idle, waiting] = [new RawClient(broker.port), new RawClient(broker.port)];
    await createTopic(waiting, 'patience');
    const asked = [{ topic: 'patience', partition: 0, offset: 0 }];
    const answering = waiting.request(FETCH, FETCH_VERSION, fetchBody(asked, { maxWaitMs: 600 }));
    await idle.closed;
    await answering;
    waiting.end();
  });
});

describe('the end', () => {
  test.each([0, 2])(
    'with %i net threads a waiting fetch is answered, connections end, and the port is free',
    async (netThreads) => {
      const broker = await startBroker({ storage: 'memory', listeners, netThreads });
      const client = new RawClient(broker.port);
      await createTopic(client, 'end');
      const asked = [{ topic: 'end', partition: 0, offset: 0 }];
      const answering = client.request<FetchAnswer>(
        FETCH,
        FETCH_VERSION,
        fetchBody(asked, { maxWaitMs: 60_000 }),
      );
      // The fetch waits by the time that a later connection is answered.
      const other = new RawClient(broker.port);
      await other.request(API_VERSIONS, 0, {});
      await broker.close();
      expect((await answering).responses.length).toBe(1);
      await Promise.all([client.closed, other.closed]);
      const refused = new RawClient(broker.port);
      await refused.closed;
    },
  );

  test('closing twice is closing once', async () => {
    const broker = await startBroker({ storage: 'memory', listeners, shards: 0 });
    expect(broker.close()).toBe(broker.close());
    await broker.close();
  });

  test('an address that is taken is one clear line, and nothing is left running', async () => {
    await using broker = await startBroker({ storage: 'memory', listeners, shards: 0 });
    const { host, port } = broker;
    await expect(
      startBroker({ storage: 'memory', listeners: [{ host, port }], shards: 0 }),
    ).rejects.toThrow(`cannot listen on 127.0.0.1:${port}: the address is in use`);
  });
});

/** Connections against brokers old, foreign, silent and broken: negotiation, pipelining, errors. */

import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Client } from '../../client/index.ts';
import { metadataApi } from '../../client/metadata.ts';
import { Api, FakeBrokers, type FakeOptions } from './fake-brokers.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(fake: FakeOptions = {}, options: object = {}) {
  const brokers = await FakeBrokers.start(fake);
  const client = new Client({
    brokers: brokers.address,
    retryBackoffMs: 1,
    retryMs: 300,
    ...options,
  });
  cleanups.push(
    () => brokers.close(),
    () => client.close(),
  );
  return { brokers, client };
}

/** A server that does with a connection what it is told. */
async function serverThat(behave: (socket: Socket) => void): Promise<string> {
  const server: Server = createServer(behave);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

function clientOf(brokers: string, options: object = {}): Client {
  const client = new Client({ brokers, retryMs: 0, ...options });
  cleanups.push(() => client.close());
  return client;
}

test.each([0, 1, 2, 3, 4])(
  'connection: a broker that knows ApiVersions up to %i is understood',
  async (newestApiVersions) => {
    const { client, brokers } = await setUp({ newestApiVersions, newest: { [Api.METADATA]: 5 } });
    const connection = await client.anyConnection();
    expect(connection.versionOf(metadataApi)).toBe(5);
    expect((await client.metadata.cluster()).brokers).toEqual([
      { nodeId: 0, host: '127.0.0.1', port: brokers.ports[0], rack: null },
    ]);
  },
);

for (let version = 0; version <= 13; version++) {
  test(`connection: metadata version ${version} is asked for and understood`, async () => {
    const { client, brokers } = await setUp({ newest: { [Api.METADATA]: version } });
    brokers.addTopic('b', 2);
    brokers.addTopic('a');
    expect((await client.metadata.topic('b', { mayCreate: version < 4 })).partitions.length).toBe(
      2,
    );
    expect((await client.metadata.allTopics()).map((topic) => topic.name)).toEqual(['a', 'b']);
  });
}

test('connection: a broker that serves no common version is an error that names both ranges', async () => {
  const { client } = await setUp();
  const connection = await client.anyConnection();
  const api = {
    request: {
      ...metadataApi.request,
      versions: [20, 21] as const,
      read: () => null as never,
      write: () => {},
    },
    response: metadataApi.response,
  };
  expect(() => connection.versionOf(api)).toThrow(
    'only in versions 0 to 13; this client knows 20 to 21',
  );
});

test('connection: requests are pipelined and each gets its own answer', async () => {
  const { client, brokers } = await setUp();
  for (let index = 0; index < 20; index++) brokers.addTopic(`t${index}`, index + 1);
  const infos = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      client.metadata.topic(`t${index}`, { mayCreate: false }),
    ),
  );
  expect(infos.map((info) => info.partitions.length)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});

test('connection: what waits for an answer when the connection ends is told so, and the next call connects again', async () => {
  let isServing = false;
  const { client, brokers } = await setUp({
    judge: (apiKey) => (apiKey === Api.METADATA && !isServing ? 'drop' : 'serve'),
  });
  brokers.addTopic('t');
  await expect(client.metadata.topic('t', { mayCreate: false })).rejects.toMatchObject({
    code: 'disconnected',
  });
  isServing = true;
  expect((await client.metadata.topic('t', { mayCreate: false })).name).toBe('t');
});

test('connection: no answer in time ends the connection with an error that says so', async () => {
  const { client } = await setUp(
    { judge: (apiKey) => (apiKey === Api.METADATA ? 'ignore' : 'serve') },
    { requestTimeoutMs: 50 },
  );
  await expect(client.metadata.cluster()).rejects.toMatchObject({ code: 'timeout' });
});

test('connection: a bootstrap list is tried to its end', async () => {
  const { brokers } = await setUp();
  brokers.addTopic('t');
  const client = clientOf(`127.0.0.1:1,${brokers.address}`);
  expect((await client.metadata.topic('t', { mayCreate: false })).name).toBe('t');
});

test('connection: nobody there is an error of its own', async () => {
  await expect(clientOf('127.0.0.1:1').anyConnection()).rejects.toMatchObject({
    code: 'connect',
    message: expect.stringContaining('cannot connect to 127.0.0.1:1'),
  });
});

test('connection: a server of another protocol is recognized', async () => {
  const address = await serverThat((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await expect(clientOf(address).anyConnection()).rejects.toMatchObject({
    code: 'malformed',
    message: expect.stringContaining('is it a Kafka broker?'),
  });
});

test('connection: an answer to nothing that was asked ends the connection', async () => {
  const address = await serverThat((socket) =>
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 99])),
  );
  await expect(clientOf(address).anyConnection()).rejects.toMatchObject({ code: 'malformed' });
});

test('connection: a server that accepts and says nothing is given up', async () => {
  const address = await serverThat(() => {});
  await expect(clientOf(address, { connectTimeoutMs: 50 }).anyConnection()).rejects.toMatchObject({
    code: 'timeout',
  });
});

test('connection: a server that hangs up at once is an error, not a hang', async () => {
  const address = await serverThat((socket) => socket.destroy());
  await expect(clientOf(address).anyConnection()).rejects.toMatchObject({ code: 'disconnected' });
});

test('client: closed, it refuses calls and ends those under way', async () => {
  const { client } = await setUp({
    judge: (apiKey) => (apiKey === Api.METADATA ? 'ignore' : 'serve'),
  });
  await client.anyConnection();
  const waiting = client.metadata.cluster();
  await Promise.resolve();
  client.close();
  await expect(waiting).rejects.toMatchObject({ code: 'closed' });
  await expect(client.anyConnection()).rejects.toMatchObject({ code: 'closed' });
  await expect(client.pause(10_000)).rejects.toMatchObject({ code: 'closed' });
});

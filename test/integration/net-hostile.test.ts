/** Bytes that no client sends: the connection ends, and nothing else does. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Prng } from '../../engine/base/prng.ts';
import { type Broker, startBroker } from '../../net/broker.ts';
import {
  API_VERSIONS,
  batchOf,
  createTopic,
  METADATA,
  METADATA_VERSION,
  PRODUCE,
  PRODUCE_VERSION,
  type ProduceAnswer,
  produceBody,
  RawClient,
  requestFrame,
} from './raw-client.ts';

let broker: Broker;
let bystander: RawClient;
const lines: string[] = [];

beforeAll(async () => {
  broker = await startBroker({
    storage: 'memory',
    listeners: [{ host: '127.0.0.1', port: 0 }],
    netThreads: 0,
    shards: 0,
    settings: { 'socket.request.max.bytes': '4000000' },
    log: (line, level) => {
      if (level !== 'debug') lines.push(line);
    },
  });
  bystander = new RawClient(broker.port);
  await createTopic(bystander, 'topic');
});

afterAll(async () => {
  bystander.end();
  await broker.close();
});

/** Sends bytes on a connection of their own and waits for its end; then the bystander must be served as before. */
async function endsAlone(bytes: Uint8Array): Promise<void> {
  const client = new RawClient(broker.port);
  client.write(bytes);
  await client.closed;
  const answer = await bystander.request<ProduceAnswer>(
    PRODUCE,
    PRODUCE_VERSION,
    produceBody('topic', 0, batchOf('still here')),
  );
  expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
}

function frame(bytes: readonly number[]): Buffer {
  const out = Buffer.alloc(4 + bytes.length);
  out.writeInt32BE(bytes.length);
  out.set(bytes, 4);
  return out;
}

describe('a connection ends, and no other is touched, when it sends', () => {
  test('a negative frame size', async () => {
    await endsAlone(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  });

  test('a frame larger than socket.request.max.bytes, before any of it has come', async () => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(4_000_001);
    const line = lines.length;
    await endsAlone(size);
    expect(lines[line]).toContain('frame of 4000001 bytes');
  });

  test('an HTTP request', async () => {
    await endsAlone(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  });

  test('a TLS hello', async () => {
    await endsAlone(Buffer.from('16030100a50100', 'hex'));
  });

  test('a frame without a whole header', async () => {
    await endsAlone(frame([0, 18, 0]));
  });

  test('an unknown API', async () => {
    await endsAlone(frame([0x27, 0x10, 0, 0, 0, 0, 0, 1, 0xff, 0xff]));
  });

  test('a version that is not served', async () => {
    await endsAlone(frame([0, METADATA, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0]));
  });

  test('a client id longer than the frame', async () => {
    await endsAlone(frame([0, METADATA, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 65, 66]));
  });

  test('a body that ends too early', async () => {
    const whole = await requestFrame(
      PRODUCE,
      PRODUCE_VERSION,
      produceBody('topic', 0, batchOf('x')),
      1,
    );
    const cut = Buffer.from(whole.subarray(0, whole.length - 5));
    cut.writeInt32BE(cut.length - 4);
    await endsAlone(cut);
  });

  test('an array of two billion topics', async () => {
    await endsAlone(frame([0, METADATA, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]));
  });

  test('a produce and a fetch of more partitions than any broker has', async () => {
    const head = (apiKey: number, version: number) =>
      Buffer.from([0, apiKey, 0, version, 0, 0, 0, 1, 0xff, 0xff]);
    const topic = Buffer.from([0, 1, 116]);
    const partitions = (size: number) => {
      const number = Math.floor(3_900_000 / size);
      const bytes = Buffer.alloc(4 + number * size, 0xff);
      bytes.writeInt32BE(number);
      return bytes;
    };
    // Version 3: no transactional id, acks, timeout, one topic; partitions of index and null records.
    const produce = Buffer.concat([
      head(PRODUCE, 3),
      Buffer.from([0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]),
      topic,
      partitions(8),
    ]);
    await endsAlone(frame([...produce]));
    // Version 4: replica, wait, two limits, isolation, one topic; partitions of 16 bytes.
    const fetch = Buffer.concat([
      head(1, 4),
      Buffer.alloc(17),
      Buffer.from([0, 0, 0, 1]),
      topic,
      partitions(16),
    ]);
    await endsAlone(frame([...fetch]));
  });

  test('random bytes of every length, from a fixed seed', async () => {
    const prng = new Prng(20260711);
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.alloc(4 + prng.below(401));
      for (let at = 4; at < bytes.length; at++) bytes[at] = prng.below(256);
      bytes.writeInt32BE(bytes.length - 4);
      // A key and a version that exist, so that the body is read.
      if (bytes.length > 8) {
        bytes.writeInt16BE(prng.below(4), 4);
        bytes.writeInt16BE(3 + prng.below(11), 6);
      }
      const client = new RawClient(broker.port);
      client.write(bytes);
      client.socket.end();
      await client.closed;
    }
    await endsAlone(Buffer.from([0x80, 0, 0, 0]));
  });
});

test('an ApiVersions request of a version from the future is answered in version 0', async () => {
  const client = new RawClient(broker.port);
  client.write(frame([0, API_VERSIONS, 0, 77, 0, 0, 0, 5, 0xff, 0xff, 0]));
  const answer = await client.next();
  expect(answer.readInt32BE(0)).toBe(5);
  expect(answer.readInt16BE(4)).toBe(35);
  expect(answer.readInt32BE(6)).toBe(1);
  expect(answer.readInt16BE(10)).toBe(API_VERSIONS);
  const next = await client.request<{ errorCode: number }>(API_VERSIONS, 3, {
    clientSoftwareName: 'raw',
    clientSoftwareVersion: '1',
  });
  expect(next.errorCode).toBe(0);
  client.end();
});

test('a produce without acks that fails ends its connection', async () => {
  await endsAlone(
    await requestFrame(PRODUCE, PRODUCE_VERSION, produceBody('missing', 0, batchOf('x'), 0), 1),
  );
});

test('metadata of names that cannot be topics says so, name by name', async () => {
  const answer = await bystander.request<{ topics: { name: string; errorCode: number }[] }>(
    METADATA,
    METADATA_VERSION,
    { topics: [{ name: '..' }, { name: 'a/b' }, { name: 'topic' }], allowAutoTopicCreation: true },
  );
  const errors = new Map(answer.topics.map(({ name, errorCode }) => [name, errorCode]));
  expect([errors.get('..'), errors.get('a/b'), errors.get('topic')]).toEqual([17, 17, 0]);
});

/** Fetch over a socket: waiting, sizes, sessions, large batches, slow readers. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CAREFUL_FETCH_BYTES_MAX,
  HOT_TAIL_BYTES,
  LOCAL_FETCH_BYTES_MAX,
} from '../../engine/base/limits.ts';
import { batchSize, RECORDS_AT } from '../../engine/format/batch.ts';
import { type Broker, startBroker } from '../../net/broker.ts';
import {
  batchOf,
  CREATE_TOPICS,
  CREATE_TOPICS_VERSION,
  createTopic,
  decodeResponse,
  FETCH,
  FETCH_VERSION,
  type FetchAnswer,
  type FetchAsked,
  fetchBody,
  PRODUCE,
  produceBody,
  RawClient,
  requestFrame,
} from './raw-client.ts';

const BATCH_MAX = 3_000_000;
/** More than a byte is waited for: then an answer is as large as the request allows. */
const ALL = { minBytes: 2 };

let broker: Broker;
let client: RawClient;

beforeAll(async () => {
  broker = await startBroker({
    storage: 'memory',
    listeners: [{ host: '127.0.0.1', port: 0 }],
    settings: { 'message.max.bytes': String(BATCH_MAX) },
  });
  client = new RawClient(broker.port);
});

afterAll(async () => {
  client.end();
  await broker.close();
});

async function produce(topic: string, partition: number, ...values: string[]): Promise<void> {
  const answer = await client.request<{
    responses: { partitionResponses: { errorCode: number }[] }[];
  }>(PRODUCE, 9, produceBody(topic, partition, batchOf(...values)));
  expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
}

function fetch(
  asked: readonly FetchAsked[],
  options: Parameters<typeof fetchBody>[1] = {},
  from = client,
): Promise<FetchAnswer> {
  return from.request<FetchAnswer>(FETCH, FETCH_VERSION, fetchBody(asked, options));
}

/** Partition, error, high watermark and record bytes of each row. */
function rows(answer: FetchAnswer) {
  return answer.responses.flatMap(({ partitions }) =>
    partitions.map((row) => ({
      partition: row.partitionIndex,
      errorCode: row.errorCode,
      highWatermark: row.highWatermark,
      bytes: row.records?.length ?? 0,
    })),
  );
}

describe('waiting', () => {
  test('an empty answer comes when the time is up, not before, and not long after', async () => {
    await createTopic(client, 'quiet');
    const startMs = performance.now();
    const answer = await fetch([{ topic: 'quiet', partition: 0, offset: 0 }], { maxWaitMs: 120 });
    const tookMs = performance.now() - startMs;
    expect(rows(answer)).toMatchObject([{ errorCode: 0, bytes: 0 }]);
    expect(tookMs).toBeGreaterThanOrEqual(119);
    expect(tookMs).toBeLessThan(400);
  });

  test('max wait 0 answers at once', async () => {
    const answer = await fetch([{ topic: 'quiet', partition: 0, offset: 0 }], { maxWaitMs: 0 });
    expect(rows(answer)).toMatchObject([{ errorCode: 0, bytes: 0 }]);
  });

  test('the answer comes with the append that brings the bytes to fetch.min.bytes, not earlier', async () => {
    await createTopic(client, 'grows', 2);
    const waiter = new RawClient(broker.port);
    const asked = [
      { topic: 'grows', partition: 0, offset: 0 },
      { topic: 'grows', partition: 1, offset: 0 },
    ];
    const answering = fetch(asked, { maxWaitMs: 60_000, minBytes: 1500 }, waiter);
    for (let round = 0; round < 5; round++) await produce('grows', round % 2, 'x'.repeat(250));
    const sizes = rows(await answering).map(({ bytes }) => bytes);
    expect(sizes[0]! + sizes[1]!).toBeGreaterThanOrEqual(1500);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    waiter.end();
  });

  test('an error of one partition is told at once, whatever the others wait for', async () => {
    const asked = [
      { topic: 'quiet', partition: 0, offset: 0 },
      { topic: 'quiet', partition: 7, offset: 0 },
      { topic: 'grows', partition: 0, offset: 1000 },
    ];
    const answer = await fetch(asked, { maxWaitMs: 60_000 });
    expect(rows(answer).map(({ errorCode }) => errorCode)).toEqual([0, 3, 1]);
  });

  test('hundreds of waiting consumers are all woken by one append', async () => {
    await createTopic(client, 'crowd');
    const crowd = Array.from({ length: 200 }, () => new RawClient(broker.port));
    const asked = [{ topic: 'crowd', partition: 0, offset: 0 }];
    const answering = crowd.map((waiter) => fetch(asked, { maxWaitMs: 60_000 }, waiter));
    await produce('crowd', 0, 'all of you');
    for (const answer of await Promise.all(answering)) {
      expect(rows(answer)).toMatchObject([{ errorCode: 0, highWatermark: 1 }]);
    }
    for (const waiter of crowd) waiter.end();
  });

  test('consumers at the same place are sent the same records, whatever their limits and versions', async () => {
    await createTopic(client, 'together', 2);
    const crowd = Array.from({ length: 12 }, () => new RawClient(broker.port));
    const sent = 'shared '.repeat(40_000);
    for (let round = 0; round < 4; round++) {
      const answering = crowd.map((consumer, index) => {
        const asked = [0, 1].map((partition) => ({ topic: 'together', partition, offset: round }));
        const limits = { maxWaitMs: 60_000, minBytes: 500_000 };
        const maxBytes = index % 3 === 0 ? 2_000_000 : 1_000_000;
        return fetch(
          asked.map((part) => ({ ...part, maxBytes })),
          limits,
          consumer,
        );
      });
      await produce('together', 0, `${round} ${sent}`);
      await produce('together', 1, `${round} ${sent}`);
      for (const answer of await Promise.all(answering)) {
        const partitions = answer.responses.flatMap((response) => response.partitions);
        expect(partitions.length).toBe(2);
        for (const { records } of partitions) {
          expect(Buffer.from(records!).includes(`${round} shared shared`)).toBe(true);
          expect(records!.length).toBeGreaterThan(sent.length);
        }
      }
    }
    for (const consumer of crowd) consumer.end();
  });

  test('a topic that is deleted under a waiting fetch is told to it', async () => {
    await createTopic(client, 'doomed');
    const waiter = new RawClient(broker.port);
    const answering = fetch(
      [{ topic: 'doomed', partition: 0, offset: 0 }],
      { maxWaitMs: 60_000 },
      waiter,
    );
    await client.request(20, 6, {
      topics: [{ name: 'doomed', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
      timeoutMs: 5000,
    });
    expect(rows(await answering)).toMatchObject([{ errorCode: 3 }]);
    waiter.end();
  });
});

describe('sizes', () => {
  test('an offset inside a batch answers the whole batch', async () => {
    await createTopic(client, 'batches');
    await produce('batches', 0, 'a', 'b', 'c', 'd');
    const from = async (offset: number) => {
      const answer = await fetch([{ topic: 'batches', partition: 0, offset }]);
      return Buffer.from(answer.responses[0]!.partitions[0]!.records!);
    };
    expect((await from(2)).equals(await from(0))).toBe(true);
  });

  test('the first batch comes whole however small the limits; further partitions give nothing then', async () => {
    await createTopic(client, 'limits', 2);
    await produce('limits', 0, 'x'.repeat(5000));
    await produce('limits', 1, 'y'.repeat(5000));
    const asked = [
      { topic: 'limits', partition: 0, offset: 0, maxBytes: 10 },
      { topic: 'limits', partition: 1, offset: 0, maxBytes: 10 },
    ];
    const sizes = rows(await fetch(asked)).map(({ bytes }) => bytes);
    expect(sizes[0]).toBeGreaterThan(5000);
    expect(sizes[1]).toBe(0);
  });

  test('a batch larger than any buffer comes back byte for byte', async () => {
    await createTopic(client, 'large');
    const values = Array.from({ length: 25 }, (_, index) => String(index).padEnd(100_000, 'z'));
    const batch = batchOf(...values);
    expect(batch.length).toBeGreaterThan(2_000_000);
    await client.request(PRODUCE, 9, produceBody('large', 0, batch));
    await produce('large', 0, 'behind it');
    const answer = await fetch([{ topic: 'large', partition: 0, offset: 0, maxBytes: 1000 }]);
    const records = Buffer.from(answer.responses[0]!.partitions[0]!.records!);
    expect(batchSize(new DataView(records.buffer, records.byteOffset), 0)).toBe(batch.length);
    // Behind the fields that the broker assigns.
    expect(records.subarray(16, batch.length).equals(Buffer.from(batch.subarray(16)))).toBe(true);
    const next = await fetch([{ topic: 'large', partition: 0, offset: 25 }]);
    expect(Buffer.from(next.responses[0]!.partitions[0]!.records!).includes('behind it')).toBe(
      true,
    );
  });

  test('an answer of many megabytes waits for its slow reader, and other connections do not', async () => {
    await createTopic(client, 'slow', 12);
    for (let partition = 0; partition < 12; partition++) {
      await produce('slow', partition, String(partition).repeat(900_000).slice(0, 900_000));
    }
    const slow = new RawClient(broker.port);
    const asked = Array.from({ length: 12 }, (_, partition) => ({
      topic: 'slow',
      partition,
      offset: 0,
    }));
    slow.socket.pause();
    slow.write(await requestFrame(FETCH, FETCH_VERSION, fetchBody(asked, ALL), 9));
    await produce('quiet', 0, 'served meanwhile');
    slow.socket.resume();
    const { body } = await decodeResponse(await slow.next(), FETCH, FETCH_VERSION);
    const answered = rows(body as FetchAnswer);
    expect(answered.length).toBe(12);
    for (const { bytes } of answered) expect(bytes).toBeGreaterThan(900_000);
    slow.end();
  });
});

describe('a client on the same machine that takes what is there', () => {
  /** Bytes of records; `offsets` move on behind them. */
  function take({ responses }: FetchAnswer, offsets: number[]): number {
    let size = 0;
    for (const { partitions } of responses) {
      for (const { partitionIndex, records } of partitions) {
        if (!records) continue;
        const view = new DataView(records.buffer, records.byteOffset, records.length);
        // The last batch may be cut.
        for (let at = 0; at + RECORDS_AT <= records.length; offsets[partitionIndex]!++) {
          at += batchSize(view, at);
          if (at > records.length) break;
        }
        size += records.length;
      }
    }
    return size;
  }

  function askedOf(topic: string, offsets: number[]): FetchAsked[] {
    return offsets.map((offset, partition) => ({ topic, partition, offset }));
  }

  test('gets a portion at a time, and all of it', async () => {
    await createTopic(client, 'portions', 4);
    for (let partition = 0; partition < 4; partition++) {
      for (let i = 0; i < 5; i++) await produce('portions', partition, 'x'.repeat(300_000));
    }
    const offsets = [0, 0, 0, 0];
    const asked = () => askedOf('portions', offsets);
    const whole = rows(await fetch(asked(), { maxWaitMs: 60_000, ...ALL }));
    expect(whole.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(4 * 900_000);
    while (offsets.some((offset) => offset < 5)) {
      const size = take(await fetch(asked(), { maxWaitMs: 60_000 }), offsets);
      expect(size).toBeGreaterThan(0);
      expect(size).toBeLessThanOrEqual(LOCAL_FETCH_BYTES_MAX);
    }
    expect(offsets).toEqual([5, 5, 5, 5]);
  });

  test('gets smaller ones of old records while somebody produces a few at a time, and all of it', async () => {
    await createTopic(client, 'careful', 2);
    for (let partition = 0; partition < 2; partition++) {
      for (let i = 0; i < 12; i++) await produce('careful', partition, 'x'.repeat(20_000));
      for (let bytes = 0; bytes < HOT_TAIL_BYTES; bytes += 900_000) {
        await produce('careful', partition, 'x'.repeat(900_000));
      }
    }
    await createTopic(client, 'beside');
    const offsets = [0, 0];
    const isReadWithCare = async (): Promise<boolean> => {
      offsets.fill(0);
      for (let partition = 0; partition < 2; partition++) {
        while (offsets[partition]! < 12) {
          await produce('beside', 0, 'x');
          const asked = askedOf('careful', offsets).slice(partition, partition + 1);
          const size = take(await fetch(asked), offsets);
          expect(size).toBeGreaterThan(0);
          if (size > CAREFUL_FETCH_BYTES_MAX) return false;
        }
      }
      return true;
    };
    // The first answer is large, before it is known where the records come from; and any when the machine stops for longer
    // than a producer is remembered: begin anew.
    while (!(await isReadWithCare()));
    expect(offsets).toEqual([12, 12]);
  });
});

describe('sessions', () => {
  const full: FetchAsked[] = [0, 1, 2].map((partition) => ({
    topic: 'session',
    partition,
    offset: 0,
  }));

  test('an incremental answer lists only what is new', async () => {
    await createTopic(client, 'session', 3);
    await produce('session', 0, 'a');
    const first = await fetch(full, { sessionEpoch: 0 });
    expect(rows(first).length).toBe(3);
    const { sessionId } = first;
    expect(sessionId).toBeGreaterThan(0);
    const moved = [{ topic: 'session', partition: 0, offset: 1 }];
    const quiet = await fetch(moved, { sessionId, sessionEpoch: 1 });
    expect(quiet).toMatchObject({ errorCode: 0, sessionId, responses: [] });
    const producer = new RawClient(broker.port);
    const answering = fetch([], { sessionId, sessionEpoch: 2, maxWaitMs: 60_000 });
    await producer.request(PRODUCE, 9, produceBody('session', 2, batchOf('news')));
    expect(rows(await answering)).toMatchObject([{ partition: 2, highWatermark: 1 }]);
    producer.end();
  });

  test('nobody goes on with a session while its first answer is still leaving', async () => {
    const asked = Array.from({ length: 12 }, (_, partition) => ({
      topic: 'slow',
      partition,
      offset: 0,
    }));
    const slow = new RawClient(broker.port);
    const firstBytes = new Promise<Buffer>((resolve) => {
      slow.socket.once('data', (bytes: Buffer) => {
        // More than the kernel holds for a reader who stops here is left.
        slow.socket.pause();
        resolve(bytes);
      });
    });
    const body0 = fetchBody(asked, { ...ALL, sessionEpoch: 0 });
    slow.write(await requestFrame(FETCH, FETCH_VERSION, body0, 1));
    // Behind size, correlation id, tags, throttle time and error.
    const sessionId = (await firstBytes).readInt32BE(15);
    const next = { sessionId, sessionEpoch: 1 };
    expect(await fetch([], next)).toMatchObject({ errorCode: 71 });
    slow.socket.resume();
    const { body } = await decodeResponse(await slow.next(), FETCH, FETCH_VERSION);
    expect(body).toMatchObject({ errorCode: 0, sessionId });
    expect(await fetch([], next)).toMatchObject({ errorCode: 0, sessionId });
    slow.end();
  });

  test('a wrong epoch, an unknown session and a session of another version are refused', async () => {
    const { sessionId } = await fetch(full, { sessionEpoch: 0 });
    const refusal = async (options: { sessionId: number; sessionEpoch: number }) =>
      (await fetch([], options)).errorCode;
    expect(await refusal({ sessionId, sessionEpoch: 5 })).toBe(71);
    expect(await refusal({ sessionId: sessionId ^ 1, sessionEpoch: 1 })).toBe(70);
    const byId = await client.request<FetchAnswer>(
      FETCH,
      13,
      fetchBody([], { sessionId, sessionEpoch: 1 }),
    );
    expect(byId.errorCode).toBe(106);
  });

  test('partitions that had records go to the end, so none is starved by a small answer', async () => {
    await createTopic(client, 'turns', 3);
    for (let partition = 0; partition < 3; partition++) {
      await produce('turns', partition, 'x'.repeat(2000));
      await produce('turns', partition, 'x'.repeat(2000));
    }
    const asked = [0, 1, 2].map((partition) => ({ topic: 'turns', partition, offset: 0 }));
    const limits = { maxBytes: 2500, maxWaitMs: 0 };
    const first = await fetch(asked, { ...limits, sessionEpoch: 0 });
    const served = rows(first).filter(({ bytes }) => bytes > 0);
    expect(served.map(({ partition }) => partition)).toEqual([0]);
    const order: number[] = [];
    for (let epoch = 1; epoch <= 3; epoch++) {
      const answer = await fetch([], {
        ...limits,
        sessionId: first.sessionId,
        sessionEpoch: epoch,
      });
      const [row] = rows(answer).filter(({ bytes }) => bytes > 0);
      order.push(row!.partition);
    }
    // The full answer came before there was an order to change.
    expect(order).toEqual([0, 1, 2]);
  });

  test('a full request closes the session it names', async () => {
    const { sessionId } = await fetch(full, { sessionEpoch: 0 });
    await fetch(full, { sessionId, sessionEpoch: -1 });
    expect((await fetch([], { sessionId, sessionEpoch: 1 })).errorCode).toBe(70);
  });
});

test('a topic made again under the same name begins anew for everybody', async () => {
  await createTopic(client, 'again');
  await produce('again', 0, 'old');
  await fetch([{ topic: 'again', partition: 0, offset: 0 }]);
  await client.request(20, 6, {
    topics: [{ name: 'again', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    timeoutMs: 5000,
  });
  await client.request(CREATE_TOPICS, CREATE_TOPICS_VERSION, {
    topics: [
      { name: 'again', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ],
    timeoutMs: 5000,
    validateOnly: false,
  });
  expect(rows(await fetch([{ topic: 'again', partition: 0, offset: 0 }]))).toMatchObject([
    { errorCode: 0, highWatermark: 0, bytes: 0 },
  ]);
  await produce('again', 0, 'new');
  const answer = await fetch([{ topic: 'again', partition: 0, offset: 0 }]);
  const records = Buffer.from(answer.responses[0]!.partitions[0]!.records!);
  expect([records.includes('old'), records.includes('new')]).toEqual([false, true]);
});

/**
 * An idempotent producer at work while its broker is killed again and again with `kill -9`, and what
 * must hold after each restart: every acknowledged record is there, at the offset it was
 * acknowledged with, unchanged; none is there twice; a partition's records stand in the order in
 * which they were sent.
 *
 * A record's value is its partition, its number in the partition, and bytes that follow from both.
 * Nothing else writes to the topic, so the record with number n has offset n, whatever was retried.
 * Moments of the kills come from a seed.
 */

import { Admin, Client, Fetcher, Producer } from '../../client/index.ts';
import { Prng } from '../../engine/base/prng.ts';
import { accepts, pause, until } from '../broker-process.ts';

/** A broker that can be killed and launched again on the same data and port. */
export interface KillableBroker {
  readonly address: string;
  readonly port: number;
  readonly launchedAt: number;
  readonly output: string;
  kill(): Promise<void>;
  launch(): void;
}

export interface KillOptions {
  readonly seed: number;
  readonly kills: number;
  readonly partitions: number;
  /** Records a second over all partitions. */
  readonly rate: number;
  /** Longest time between "accepts records again" and the next kill. */
  readonly aliveMsMax: number;
  /** Most bytes of a value. */
  readonly valueBytesMax: number;
  readonly topic: string;
  readonly log: (line: string) => void;
}

export interface KillReport {
  readonly acknowledged: number;
  readonly records: number;
  /** From each launch until a record of a fresh client was acknowledged. */
  readonly readyMs: readonly number[];
}

const HEAD_BYTES = 12;

/** While the broker is away, sending waits with this much unacknowledged. */
const HELD_BYTES_MAX = 8 << 20;
const PACE_MS = 4;

/** The bytes of record `number` of `partition`: a size and a pattern that both follow from them. */
function recordValue(partition: number, number: number, valueBytesMax: number): Buffer {
  const mixed = Math.imul((number + 1) ^ (partition << 20), 0x9e3779b1) >>> 0;
  const value = Buffer.alloc(HEAD_BYTES + (mixed % (valueBytesMax - HEAD_BYTES)), mixed & 0xff);
  value.writeInt32LE(partition, 0);
  value.writeDoubleLE(number, 4);
  return value;
}

/** Sends without end at the given rate, and notes what was acknowledged. */
class Load {
  /** By partition: how many were sent, and the largest number whose acknowledgement came. */
  readonly sent: number[];
  readonly lastAcknowledged: number[];
  acknowledgedCount = 0;
  readonly failures: string[] = [];
  #isRunning = true;
  readonly #done: Promise<void>;

  constructor(producer: Producer, options: KillOptions) {
    this.sent = new Array<number>(options.partitions).fill(0);
    this.lastAcknowledged = this.sent.map(() => -1);
    this.#done = this.#run(producer, options);
  }

  async #run(producer: Producer, options: KillOptions): Promise<void> {
    const startedAt = performance.now();
    let total = 0;
    const open = new Set<Promise<void>>();
    while (this.#isRunning) {
      const due = ((performance.now() - startedAt) / 1000) * options.rate;
      for (; total < due && producer.heldBytes < HELD_BYTES_MAX; total++) {
        const one = this.#send(producer, options, total % options.partitions);
        open.add(one);
        void one.then(() => open.delete(one));
      }
      await pause(PACE_MS);
    }
    await producer.flush();
    await Promise.all(open);
  }

  async #send(producer: Producer, options: KillOptions, partition: number): Promise<void> {
    const number = this.sent[partition] as number;
    this.sent[partition] = number + 1;
    try {
      const { offset } = await producer.send({
        topic: options.topic,
        partition,
        value: recordValue(partition, number, options.valueBytesMax),
      });
      if (offset !== number && offset !== -1) {
        this.failures.push(`record ${number} of partition ${partition} was given offset ${offset}`);
      }
      this.lastAcknowledged[partition] = Math.max(
        number,
        this.lastAcknowledged[partition] as number,
      );
      this.acknowledgedCount++;
    } catch (error) {
      this.failures.push(`record ${number} of partition ${partition}: ${String(error)}`);
    }
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#done;
  }
}

/** Reads a partition from its beginning to its end and holds it against what was sent. */
async function verify(client: Client, load: Load, options: KillOptions): Promise<number> {
  const admin = new Admin(client);
  const ends = new Map<number, number>();
  for (let partition = 0; partition < options.partitions; partition++) {
    // What was acknowledged before this question must be below the end that answers it.
    const promised = load.lastAcknowledged[partition] as number;
    const [end] = await admin.listOffsets(options.topic, 'end', [partition]);
    const endOffset = end?.offset ?? 0;
    if (endOffset <= promised) {
      throw new Error(
        `partition ${partition} ends at ${endOffset}, but ${promised} was acknowledged`,
      );
    }
    ends.set(partition, endOffset);
  }
  using fetcher = new Fetcher(client, { maxWaitMs: 200 });
  fetcher.assign(
    [...ends].map(([partition, endOffset]) => ({
      topic: options.topic,
      partition,
      offset: 0,
      endOffset,
    })),
  );
  const next = new Array<number>(options.partitions).fill(0);
  let records = 0;
  for await (const record of fetcher) {
    const expected = next[record.partition] as number;
    const where = `partition ${record.partition}, offset ${record.offset}`;
    if (record.offset !== expected) throw new Error(`${where}: offset ${expected} was to come`);
    const value = recordValue(record.partition, expected, options.valueBytesMax);
    if (record.value === null || !value.equals(record.value)) {
      const number = record.value?.readDoubleLE(4);
      throw new Error(
        number === expected
          ? `${where}: its bytes have changed`
          : `${where}: holds record ${number} instead of ${expected}`,
      );
    }
    next[record.partition] = expected + 1;
    records++;
  }
  for (const [partition, endOffset] of ends) {
    if (next[partition] !== endOffset) {
      throw new Error(`partition ${partition}: read up to ${next[partition]} of ${endOffset}`);
    }
  }
  return records;
}

/** Milliseconds from the launch until a client that knows nothing yet had a record acknowledged. */
async function readyMs(broker: KillableBroker, probeTopic: string): Promise<number> {
  const isUp = await until(() => accepts(broker.port), 60_000, 2);
  if (!isUp) throw new Error(`the broker does not come back:\n${broker.output}`);
  const client = new Client({ brokers: broker.address, retryBackoffMs: 2 });
  try {
    const producer = new Producer(client, { acks: 1, idempotent: false, lingerMs: 0 });
    await producer.send({ topic: probeTopic, partition: 0, value: 'probe' });
    return performance.now() - broker.launchedAt;
  } finally {
    client.close();
  }
}

export async function runKills(broker: KillableBroker, options: KillOptions): Promise<KillReport> {
  const random = new Prng(options.seed);
  const client = new Client({ brokers: broker.address, retryBackoffMs: 20 });
  const probeTopic = `${options.topic}-probe`;
  const admin = new Admin(client);
  for (const [name, partitions] of [
    [options.topic, options.partitions],
    [probeTopic, 1],
  ] as const) {
    await admin.createTopic({ name, partitions });
  }
  const producer = new Producer(client, { acks: 'all', idempotent: true, lingerMs: 2 });
  const load = new Load(producer, options);
  const times: number[] = [];
  try {
    for (let kill = 1; kill <= options.kills; kill++) {
      const before = load.acknowledgedCount;
      const aliveMs = random.between(20, options.aliveMsMax);
      const diesAt = performance.now() + aliveMs;
      await until(() => performance.now() >= diesAt && load.acknowledgedCount > before, 30_000, 1);
      const atKill = load.acknowledgedCount;
      await broker.kill();
      broker.launch();
      // One in four dies again while it is still starting.
      if (random.chance(0.25)) {
        const startsAt = performance.now() + random.between(0, 300);
        await until(() => performance.now() >= startsAt, 1000, 1);
        await broker.kill();
        broker.launch();
      }
      const ready = await readyMs(broker, probeTopic);
      times.push(ready);
      const records = await verify(client, load, options);
      options.log(
        `kill ${kill}: after ${aliveMs} ms, ${atKill} acknowledged; accepts again ${ready.toFixed(0)} ms after its launch; ${records} records, all as they were sent`,
      );
    }
    await load.stop();
    const records = await verify(client, load, options);
    if (load.failures.length > 0) throw new Error(load.failures.slice(0, 5).join('\n'));
    const sent = load.sent.reduce((sum, count) => sum + count, 0);
    if (records !== sent) throw new Error(`${sent} records were sent, ${records} are there`);
    return { acknowledged: load.acknowledgedCount, records, readyMs: times };
  } finally {
    client.close();
  }
}

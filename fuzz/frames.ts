/**
 * Fuzzes connections of a running broker. Requests of every served kind are torn, changed, repeated, cut into odd pieces,
 * announced with wrong sizes, or replaced by noise. The broker must end such a connection or answer, keep every other
 * connection working, and hold on to no memory for those that are gone.
 */

import { on, once } from 'node:events';
import net from 'node:net';
import { assert } from '../engine/base/assert.ts';
import { Prng } from '../engine/base/prng.ts';
import { startBroker } from '../index.ts';
import { writeRequestHeader } from '../net/wire/header.ts';
import { randomValue } from '../net/wire/random-values.ts';
import { apiByKey } from '../net/wire/registry.ts';
import { ApiKey, SERVED_APIS } from '../net/wire/versions.ts';
import { Writer } from '../net/wire/writer.ts';
import { damage } from './random-batches.ts';
import type { FuzzOptions } from './target.ts';

export const name = 'frames';

const CLOSE_MS_MAX = 10_000;
/** Requests that would change or delete what the healthy connection looks at, or wait on purpose. */
const LEFT_OUT: ReadonlySet<number> = new Set([
  ApiKey.DeleteTopics,
  ApiKey.CreateTopics,
  ApiKey.CreatePartitions,
]);
/** Heap that may stay behind after all connections are gone: caches fill once. */
const HEAP_KEPT_MAX = 64 * 1024 * 1024;

export async function run({ seed, eventsMax, isCanary = false }: FuzzOptions): Promise<void> {
  const random = new Prng(seed);
  await using broker = await startBroker({
    storage: 'memory',
    listeners: [{ host: '127.0.0.1', port: 0 }],
    netThreads: 0,
    shards: 1,
    settings: { 'socket.request.max.bytes': '1000000' },
  });
  const healthy = net.connect(broker.port, '127.0.0.1');
  // An answer comes as one piece: it is small.
  const answers = on(healthy, 'data', { close: ['close'] });
  await once(healthy, 'connect');
  const heapBefore = process.memoryUsage().heapUsed;
  try {
    for (let event = 0; event < eventsMax; event++) {
      const where = `event ${event} of seed ${seed}`;
      await attack(broker.port, random, where);
      await askHealthy(healthy, answers, event, where, isCanary);
    }
  } finally {
    healthy.destroy();
  }
  const grown = process.memoryUsage().heapUsed - heapBefore;
  assert(grown < HEAP_KEPT_MAX, `seed ${seed}: the heap has grown by ${grown} bytes`);
}

/** A Metadata request without topics, in version 1 and without a client id: a few bytes in, the brokers out. */
async function askHealthy(
  socket: net.Socket,
  answers: AsyncIterator<Buffer[]>,
  correlationId: number,
  where: string,
  isCanary: boolean,
): Promise<void> {
  const frame = Buffer.from('0000000e0003000100000000ffff00000000', 'hex');
  frame.writeInt32BE(correlationId, 8);
  if (isCanary) frame.writeInt32BE(2_000_000, 0);
  socket.write(frame);
  const { done, value } = await answers.next();
  assert(done !== true, `${where}: a healthy connection was ended`);
  const answer = (value as Buffer[])[0];
  assert(
    answer?.readInt32BE(4) === correlationId,
    `${where}: a healthy connection got another answer`,
  );
}

/** One hostile connection, from its first byte until the broker has let go of it. */
async function attack(port: number, random: Prng, where: string): Promise<void> {
  const pieces: Buffer[] = [];
  for (let count = random.between(1, 4); count > 0; count--)
    pieces.push(await hostileFrame(random));
  const bytes = Buffer.concat(pieces);
  const socket = net.connect(port, '127.0.0.1');
  // What ends the connection is no matter here, only that it ends.
  socket.on('error', () => undefined);
  socket.resume();
  const closed = new Promise<boolean>((settle) => {
    const timer = setTimeout(() => settle(false), CLOSE_MS_MAX);
    socket.once('close', () => {
      clearTimeout(timer);
      settle(true);
    });
  });
  await once(socket, 'connect');
  for (let at = 0; at < bytes.length && socket.writable; ) {
    const size = random.chance(0.5) ? bytes.length : random.between(1, 100);
    socket.write(bytes.subarray(at, at + size));
    at += size;
    if (random.chance(0.2)) await new Promise((settle) => setImmediate(settle));
  }
  if (random.chance(0.5)) socket.end();
  else socket.destroy();
  assert(await closed, `${where}: the connection was not ended`);
}

async function hostileFrame(random: Prng): Promise<Buffer> {
  if (random.chance(0.1)) {
    const noise = Buffer.alloc(random.between(1, 500));
    random.fill(noise);
    return noise;
  }
  const api = random.pick(SERVED_APIS.filter(({ key }) => !LEFT_OUT.has(key)));
  const apiVersion = random.between(api.versionMin, api.versionMax);
  const { request } = await apiByKey(api.key);
  const writer = new Writer();
  writer.int32(0);
  const correlationId = random.below(2 ** 31);
  writeRequestHeader(writer, { apiKey: api.key, apiVersion, correlationId, clientId: 'fuzz' });
  request.write(writer, randomValue(request, apiVersion, random) as never, apiVersion);
  const frame = writer.copy();
  frame.writeInt32BE(frame.length - 4, 0);
  if (random.chance(0.7)) damage(frame, random, random.chance(0.5) ? 0 : 4, frame.length);
  if (random.chance(0.2)) return frame.subarray(0, random.between(1, frame.length));
  return frame;
}

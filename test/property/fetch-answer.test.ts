/**
 * A Fetch answer against the bytes of the logs, whatever the batches, the pieces, the reads and the reader's speed, up to the
 * place where the next fetch goes on; and what becomes of it when the log changes while it leaves.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KIB } from '../../engine/base/limits.ts';
import { ReadPlan } from '../../engine/index.ts';
import { MemoryFileSystem } from '../../engine/io/memory-file-system.ts';
import { OutputPool, SMALL_BUFFER_BYTES } from '../../net/front/output.ts';
import { FetchPart } from '../../net/handlers/fetch-part.ts';
import { FetchWork, type FetchWorkOwner } from '../../net/handlers/fetch-work.ts';
import {
  decodeResponse,
  FETCH,
  FETCH_VERSION,
  type FetchAnswer,
  fetchBody,
  requestFrame,
} from '../integration/raw-client.ts';
import { ModelFront, type ModelSocket } from './front-in-memory.ts';
import { TestLog } from './log-in-memory.ts';

const frame = await requestFrame(FETCH, FETCH_VERSION, fetchBody([]), 1);
const KEY = Buffer.from('t');

class CountingFileSystem extends MemoryFileSystem {
  reads = 0;
  readBytes = 0;

  override pread(...args: Parameters<MemoryFileSystem['pread']>): number {
    this.reads++;
    this.readBytes += args[3];
    return super.pread(...args);
  }
}

interface Consumer {
  readonly connection: ReturnType<ModelFront['connect']>['connection'];
  readonly socket: ModelSocket;
  readonly parts: FetchPart[];
  /** Per partition, the bytes of whole batches that came. */
  readonly got: Buffer[][];
}

/** A front that answers fetches of these logs, one partition each. */
class Bench implements FetchWorkOwner {
  readonly outputs: OutputPool;
  readonly front: ModelFront;
  readonly #logs: readonly TestLog[];
  /** One piece with what stands around it, and a small rest behind it. */
  readonly #unsentMax: number;

  constructor(logs: readonly TestLog[], pieceBytes: number) {
    this.#logs = logs;
    this.outputs = new OutputPool(pieceBytes);
    this.#unsentMax = pieceBytes + 2 * SMALL_BUFFER_BYTES;
    this.front = new ModelFront(this.outputs);
  }

  connect(room: number): Consumer {
    const parts = this.#logs.map(({ reader }, index) => {
      const part = new FetchPart();
      part.key = KEY;
      part.name = 't';
      part.partitionIndex = index;
      part.reader = reader;
      return part;
    });
    return { ...this.front.connect(room), parts, got: this.#logs.map(() => []) };
  }

  /** Begins a fetch of what is there now, at most `maxBytes` of each partition. False: there is nothing. */
  fetch(consumer: Consumer, maxBytes: number, isCold = false, isCareful = false): boolean {
    const { connection, parts } = consumer;
    const request = this.front.receive(connection, frame)!;
    const work = new FetchWork(this);
    work.request = request;
    work.version = FETCH_VERSION;
    if (isCareful) work.pieceBytes = Math.ceil(work.pieceBytes / 7);
    work.open(0, 0);
    let size = 0;
    for (const part of parts) {
      const { reader, plan, hint } = part;
      const status = reader!.locate(part.fetchOffset, 'highWatermark', maxBytes, true, hint, plan);
      part.recordsSize = status === 'ok' ? plan.size : 0;
      size += part.recordsSize;
      if (isCold) plan.isHot = false;
      work.tell(part);
    }
    work.seal();
    connection.complete(request, work);
    return size > 0;
  }

  /** Lets everybody's answer leave, so many bytes at a time; each takes in what came. */
  async deliver(consumers: readonly Consumer[], drains: readonly number[]): Promise<void> {
    const frames = consumers.map(() => Buffer.alloc(0));
    for (let turn = 0; ; turn++) {
      await this.front.turn();
      let isOver = true;
      for (const [index, { connection, socket }] of consumers.entries()) {
        expect(socket.writableLength).toBeLessThanOrEqual(this.#unsentMax);
        expect(socket.destroyed).toBe(false);
        frames[index] = Buffer.concat([frames[index]!, socket.received()]);
        if (connection.requests > 0 || socket.writableLength > 0) isOver = false;
        socket.drain(drains[turn % drains.length]!);
      }
      if (isOver) break;
    }
    for (const [index, consumer] of consumers.entries()) await take(consumer, frames[index]!);
  }

  abort(): void {}
  recycle(): void {}
}

/** Takes an answer apart, keeps the whole batches, and goes on where the hint says. */
async function take({ parts, got }: Consumer, bytes: Buffer): Promise<void> {
  expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
  const { body } = await decodeResponse(bytes.subarray(4), FETCH, FETCH_VERSION);
  const { partitions } = (body as FetchAnswer).responses[0]!;
  expect(partitions.length).toBe(parts.length);
  for (const [index, { partitionIndex, records }] of partitions.entries()) {
    const { plan, hint, recordsSize } = parts[index]!;
    expect(partitionIndex).toBe(index);
    expect(records?.length ?? 0).toBe(recordsSize);
    if (recordsSize === 0) continue;
    got[index]!.push(Buffer.from(records!).subarray(0, hint.position - plan.position));
    parts[index]!.fetchOffset = hint.offset;
  }
}

function bytesOf(log: TestLog): Buffer {
  return Buffer.concat(log.batches(0, 1_000_000));
}

/** A log of one segment whose batches have values of these sizes. */
function logOf(name: string, sizes: readonly number[], fs?: MemoryFileSystem): TestLog {
  const log = new TestLog(fs === undefined ? { name } : { name, fs });
  for (const size of sizes) log.append(1, size);
  return log;
}

const valueBytes = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 2000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2000, max: 70_000 }) },
);

describe('a fetch answer', () => {
  test('holds the bytes of the logs, and the next goes on behind its last whole batch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(valueBytes, { minLength: 1, maxLength: 25 }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.constantFrom(100, 1000, 20 * KIB, 32 * KIB, 128 * KIB),
        fc.integer({ min: 1, max: 150_000 }),
        fc.array(fc.integer({ min: 10_000, max: 200_000 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
        async (sizes, pieceBytes, maxBytes, drains, consumerCount, isCold, isCareful) => {
          const logs = sizes.map((each, index) => logOf(`t${index}`, each));
          const bench = new Bench(logs, pieceBytes);
          const consumers = Array.from({ length: consumerCount }, () => bench.connect(drains[0]!));
          for (let round = 0; ; round++) {
            const cold = isCold[round % isCold.length]!;
            const careful = isCareful[round % isCareful.length]!;
            const some = consumers.map((consumer) =>
              bench.fetch(consumer, maxBytes, cold, careful),
            );
            await bench.deliver(consumers, drains);
            if (!some.includes(true)) break;
          }
          for (const { got, connection } of consumers) {
            for (const [index, log] of logs.entries()) {
              expect(Buffer.concat(got[index]!).equals(bytesOf(log))).toBe(true);
            }
            connection.destroy();
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('reads every byte once, and the next fetch looks nothing up', async () => {
    const fs = new CountingFileSystem();
    const log = logOf('t', new Array<number>(100).fill(5000), fs);
    const bench = new Bench([log], 32 * KIB);
    const consumer = bench.connect(1_000_000);
    const maxBytes = 5 * 32 * KIB;
    for (let round = 0; round < 3; round++) {
      fs.readBytes = 0;
      fs.reads = 0;
      bench.fetch(consumer, maxBytes);
      // The size of the first batch is looked at, as only a part of what is there is answered.
      expect(fs.reads).toBeLessThanOrEqual(1);
      fs.readBytes = 0;
      fs.reads = 0;
      await bench.deliver([consumer], [1_000_000]);
      expect(fs.readBytes).toBe(maxBytes);
      expect(fs.reads).toBe(5);
    }
  });

  test('its head and its first records leave in one write, and all its pieces from one buffer', async () => {
    const log = logOf('t', new Array<number>(20).fill(9000));
    const bench = new Bench([log], 32 * KIB);
    const consumer = bench.connect(1_000_000);
    bench.fetch(consumer, 4 * 32 * KIB);
    await bench.deliver([consumer], [0]);
    const { writes } = consumer.socket;
    expect(writes.length).toBe(4);
    expect(writes[0]!.size).toBeGreaterThan(32 * KIB);
    expect(writes[3]!.size).toBeGreaterThan(32 * KIB);
    expect(new Set(writes.map(({ memory }) => memory)).size).toBe(1);
  });

  test('fills its buffers across partitions, so that writes stay few', async () => {
    const logs = [0, 1, 2].map((index) => logOf(`t${index}`, new Array<number>(30).fill(10_000)));
    const bench = new Bench(logs, 512 * KIB);
    const consumer = bench.connect(2_000_000);
    bench.fetch(consumer, 400_000);
    await bench.deliver([consumer], [0]);
    expect(consumer.socket.writes.length).toBe(2);
    for (const [index, log] of logs.entries()) {
      expect(Buffer.concat(consumer.got[index]!).equals(bytesOf(log))).toBe(true);
    }
  });

  test('leaves through small buffers while all others are on their way', async () => {
    const log = logOf('t', new Array<number>(20).fill(9000));
    const bench = new Bench([log], 32 * KIB);
    while (bench.outputs.take(32 * KIB).bytes.length > SMALL_BUFFER_BYTES);
    const consumer = bench.connect(1_000_000);
    bench.fetch(consumer, 200_000);
    await bench.deliver([consumer], [0]);
    expect(Buffer.concat(consumer.got[0]!).equals(bytesOf(log))).toBe(true);
  });
});

describe('while an answer leaves', () => {
  /** An answer of which some pieces have left and the others wait. */
  async function begin(log: TestLog, isCold = false) {
    const bench = new Bench([log], 32 * KIB);
    const consumer = bench.connect(50_000);
    bench.fetch(consumer, 200_000, isCold);
    let received = Buffer.alloc(0);
    // A cold read brings one piece, and each waits for the one before.
    for (let turn = 0; turn < 5; turn++) {
      await bench.front.turn();
      received = Buffer.concat([received, consumer.socket.received()]);
    }
    expect(received.length).toBe(50_000);
    return { bench, consumer, received };
  }

  test('a truncation ends its connection: what is there now need not go with what has left', async () => {
    const log = logOf('t', new Array<number>(100).fill(3000));
    const { bench, consumer } = await begin(log);
    log.log.truncateTo(90);
    log.append(1, 3000);
    consumer.socket.drain(1_000_000);
    await bench.front.turn();
    expect(consumer.socket.destroyed).toBe(true);
    expect(consumer.parts[0]!.hint.offset).toBe(-1);
    await bench.front.turn();
    expect(consumer.connection.requests).toBe(0);
  });

  test('a truncation before the first of its records has been read is looked past', async () => {
    const log = logOf('t', new Array<number>(100).fill(3000));
    const bench = new Bench([log], 32 * KIB);
    const consumer = bench.connect(1_000_000);
    bench.fetch(consumer, 200_000);
    log.log.truncateTo(90);
    await bench.deliver([consumer], [0]);
    const got = Buffer.concat(consumer.got[0]!);
    expect(got.length).toBeGreaterThan(190_000);
    expect(got.equals(bytesOf(log).subarray(0, got.length))).toBe(true);
  });

  test('a roll is not noticed', async () => {
    const log = new TestLog({ config: { segmentBytes: 320_000 } });
    for (let i = 0; i < 100; i++) log.append(1, 3000);
    const { bench, consumer, received } = await begin(log);
    const { descriptor } = consumer.parts[0]!.plan;
    for (let i = 0; i < 20; i++) log.append(1, 3000);
    expect(log.reader.locate(115, 'highWatermark', 1000, true, null, new ReadPlan())).toBe('ok');
    expect(descriptor!.isReleased).toBe(true);
    consumer.socket.drain(1_000_000);
    await bench.front.turn();
    await bench.front.turn();
    await take(consumer, Buffer.concat([received, consumer.socket.received()]));
    const got = Buffer.concat(consumer.got[0]!);
    expect(got.length).toBeGreaterThan(190_000);
    expect(got.equals(bytesOf(log).subarray(0, got.length))).toBe(true);
  });

  test('its connection may go: reads under way end first, and every buffer comes back', async () => {
    for (const isCold of [false, true]) {
      const log = logOf('t', new Array<number>(100).fill(3000));
      const { bench, consumer } = await begin(log, isCold);
      if (isCold) consumer.socket.drain(1_000_000);
      consumer.connection.destroy();
      await bench.front.turn();
      await bench.front.turn();
      expect(consumer.connection.requests).toBe(0);
      const taken = Array.from({ length: 1000 }, () => bench.outputs.take(32 * KIB));
      const large = taken.filter(({ bytes }) => bytes.length > SMALL_BUFFER_BYTES).length;
      expect(large).toBe(Math.floor((32 * 1024) / 48));
    }
  });
});

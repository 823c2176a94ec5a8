/** A client thread that appends batches of random sizes to random partitions as fast as the engine takes them. */

import { parentPort, workerData } from 'node:worker_threads';
import { crc32c } from '../../engine/base/crc32c.ts';
import { Prng } from '../../engine/base/prng.ts';
import { ATTRIBUTES_AT } from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { attachEngine, type EngineClientHandle } from '../../engine/index.ts';
import { pause } from './peer.ts';

export interface EngineAppenderData {
  readonly handle: EngineClientHandle;
  readonly slots: readonly number[];
  readonly count: number;
  readonly seed: number;
  readonly valueBytesMax: number;
  readonly pauseStepsMax: number;
  /** Batches under way at most. */
  readonly inFlightMax: number;
}

/** Per partition, for each acknowledged batch in the order of submission: base offset and checksum. */
export interface EngineAppenderReport {
  readonly appended: readonly (readonly [baseOffset: number, checksum: number])[][];
  readonly fullSlab: number;
  readonly fullRing: number;
  readonly failures: readonly number[];
}

const data = workerData as EngineAppenderData;
const { slots } = data;
const client = attachEngine(data.handle);
const prng = new Prng(data.seed);
const appended: [number, number][][] = slots.map(() => []);
const failures: number[] = [];
const underWay = new Map<number, { address: number; partition: number; row: [number, number] }>();
let submitted = 0;
let completed = 0;
let fullSlab = 0;
let fullRing = 0;
let waiting: { batch: Uint8Array; partition: number } | null = null;
// A ring does not keep a thread alive, as a socket would.
const keepAlive = setInterval(() => undefined, 1 << 30);

function nextBatch(): { batch: Uint8Array; partition: number } {
  const records = Array.from({ length: prng.between(1, 4) }, () => {
    const value = Buffer.alloc(prng.below(data.valueBytesMax), prng.uint32() & 0xff);
    return { key: Buffer.from(`${data.seed}-${submitted}`), value, timestamp: 1000 + submitted };
  });
  return { batch: buildBatch({ records }), partition: prng.below(slots.length) };
}

function submitAll(): void {
  for (let burst = 0; submitted < data.count && burst < 200; burst++) {
    if (underWay.size >= data.inFlightMax) break;
    waiting ??= nextBatch();
    const { batch, partition } = waiting;
    const address = client.slab.allocate(batch.length);
    if (address < 0) {
      fullSlab++;
      break;
    }
    client.memory.bytes.set(batch, address);
    const token = submitted % 0x7ffffffe;
    if (!client.submit(slots[partition]!, address, batch.length, token, 0)) {
      client.slab.release(address);
      fullRing++;
      break;
    }
    const row: [number, number] = [-1, crc32c(batch, ATTRIBUTES_AT, batch.length)];
    appended[partition]!.push(row);
    underWay.set(token, { address, partition, row });
    submitted++;
    waiting = null;
    pause(() => prng.float(), data.pauseStepsMax);
  }
  client.ring();
}

client.onCompletion = (token, errorCode, baseOffset) => {
  const { address, row } = underWay.get(token)!;
  underWay.delete(token);
  client.slab.release(address);
  row[0] = baseOffset;
  if (errorCode !== 0) failures.push(errorCode);
  completed++;
};
client.onSpace = submitAll;
client.onDrained = () => {
  if (completed === data.count) finish();
  else submitAll();
};

function finish(): void {
  clearInterval(keepAlive);
  client.close();
  const report: EngineAppenderReport = { appended, fullSlab, fullRing, failures };
  parentPort!.postMessage(report);
}

parentPort!.postMessage('ready');
submitAll();

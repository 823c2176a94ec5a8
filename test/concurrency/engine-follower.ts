/**
 * A client thread that follows partitions while others append: it sleeps on watches only, reads through its own descriptors,
 * and checks every batch it gets.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { crc32c } from '../../engine/base/crc32c.ts';
import {
  ATTRIBUTES_AT,
  batchBaseOffset,
  batchCrc,
  batchLastOffset,
  batchSize,
} from '../../engine/format/batch.ts';
import {
  attachEngine,
  type EngineClientHandle,
  Marks,
  ReadCursor,
  ReadPlan,
  ReadProgress,
} from '../../engine/index.ts';

export interface EngineFollowerData {
  readonly handle: EngineClientHandle;
  readonly partitions: readonly { slot: number; directory: string }[];
  /** Batches to see before the end, over all partitions. */
  readonly count: number;
}

/** Per partition, in the order of the log: base offset and checksum of each batch. */
export interface EngineFollowerReport {
  readonly seen: readonly (readonly [baseOffset: number, checksum: number])[][];
  /** What was not as it must be, in words. */
  readonly faults: readonly string[];
  readonly notices: number;
}

const data = workerData as EngineFollowerData;
const client = attachEngine(data.handle);
const keepAlive = setInterval(() => undefined, 1 << 30);
const marks = new Marks();
const plan = new ReadPlan();
const progress = new ReadProgress();
const target = Buffer.alloc(1 << 20);
const view = new DataView(target.buffer, target.byteOffset, target.length);
const faults: string[] = [];
const seen: [number, number][][] = data.partitions.map(() => []);
let total = 0;
let notices = 0;

const followed = data.partitions.map(({ slot, directory }, index) => {
  const reader = client.reader(slot, directory);
  return { slot, index, reader, hint: new ReadCursor(), next: 0 };
});

function follow(partition: (typeof followed)[number]): void {
  for (;;) {
    const { reader, hint } = partition;
    const status = reader.locate(partition.next, 'highWatermark', 256 * 1024, true, hint, plan);
    if (status === 'atEnd') {
      client.watch(partition.slot);
      client.marks(partition.slot, marks);
      // Between the look and the watch it may have advanced: nobody will tell.
      if (marks.highWatermark > partition.next) continue;
      return;
    }
    if (status !== 'ok') {
      faults.push(`${status} at ${partition.next} of partition ${partition.index}`);
      finish();
      return;
    }
    const size = reader.read(plan, target, 0);
    progress.begin(plan);
    progress.note(view, 0, size);
    check(partition, progress.leave(hint));
  }
}

function check(partition: (typeof followed)[number], size: number): void {
  for (let at = 0; at < size; ) {
    const batchBytes = batchSize(view, at);
    const baseOffset = batchBaseOffset(view, at);
    const checksum = crc32c(target, at + ATTRIBUTES_AT, at + batchBytes);
    if (checksum !== batchCrc(view, at)) faults.push(`bad checksum at offset ${baseOffset}`);
    if (baseOffset !== partition.next) faults.push(`offset ${baseOffset}, not ${partition.next}`);
    partition.next = batchLastOffset(view, at) + 1;
    seen[partition.index]!.push([baseOffset, checksum]);
    at += batchBytes;
    total++;
  }
  if (total >= data.count || faults.length > 10) finish();
}

function finish(): void {
  clearInterval(keepAlive);
  client.close();
  const report: EngineFollowerReport = { seen, faults, notices };
  parentPort!.postMessage(report);
}

client.onAdvance = (slot) => {
  notices++;
  if (total < data.count) follow(followed.find((partition) => partition.slot === slot)!);
};

parentPort!.postMessage('ready');
for (const partition of followed) if (total < data.count) follow(partition);

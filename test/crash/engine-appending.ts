/**
 * A process that appends numbered records through an engine until it is killed, and says on stdout what was acknowledged.
 * Number n goes to partition n modulo their count; `durable`: each append is on the disk when it is acknowledged.
 */

import { writeSync } from 'node:fs';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { defaultLogConfig, openEngine } from '../../engine/index.ts';

const [dataDir, inFlight, valueBytes, partitions, durability] = process.argv.slice(2);
const engine = await openEngine({ dataDir: dataDir!, shards: 1 });
const config = {
  ...defaultLogConfig,
  segmentBytes: 300_000,
  indexIntervalBytes: 1500,
  flushTailMs: 5,
  ...(durability === 'durable' ? { flushMessages: 1 } : {}),
};
const refs = await engine.openPartitions(
  Array.from({ length: Number(partitions) }, (_, partition) => ({
    topic: 'numbers',
    partition,
    topicId: null,
    leaderEpoch: 0,
    config,
  })),
);

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Written when this returns, however slowly the other side reads: the pipe does not block by itself. */
function say(line: string): void {
  for (let from = 0; from < line.length; ) {
    try {
      from += writeSync(1, line.slice(from));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

let next = 0;
async function append(): Promise<void> {
  for (;;) {
    const number = next++;
    const value = Buffer.alloc(4 + (number % Number(valueBytes)));
    value.writeInt32BE(number);
    const batch = buildBatch({ records: [{ value, timestamp: 1 }] });
    const { baseOffset } = await engine.client.append(refs[number % refs.length]!.slot, batch);
    say(`${number} ${baseOffset} ${engine.statistics().direct}\n`);
  }
}
await Promise.all(Array.from({ length: Number(inFlight) }, append));

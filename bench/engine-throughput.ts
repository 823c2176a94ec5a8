/**
 * How much CPU does the engine alone need per gigabyte: ring, shard, checks, file? One thread submits the same batches over
 * and over from its slab, as a net thread would, with a bounded number under way.
 *
 *   node bench/engine-throughput.ts [--mb 4000] [--batch-kb 64] [--record 1024] [--partitions 1] [--in-flight 64]
 *                                   [--shards 1] [--dir /tmp] [--no-direct]
 *
 * CPU is that of the whole process, user and system, divided by the bytes appended. Wake-ups show how well work is grouped.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setBatchBaseOffset } from '../engine/format/batch.ts';
import { BatchBuilder } from '../engine/format/batch-builder.ts';
import { openEngine } from '../engine/index.ts';

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '4000' },
    'batch-kb': { type: 'string', default: '64' },
    record: { type: 'string', default: '1024' },
    partitions: { type: 'string', default: '1' },
    'in-flight': { type: 'string', default: '64' },
    shards: { type: 'string', default: '1' },
    dir: { type: 'string', default: tmpdir() },
    direct: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const batchBytes = Number(values['batch-kb']) * 1024;
const recordBytes = Number(values.record);
const partitions = Number(values.partitions);
const inFlight = Number(values['in-flight']);
const totalBytes = Number(values.mb) * 1e6;

const directory = mkdtempSync(join(values.dir, 'engine-throughput-'));
const engine = await openEngine({
  dataDir: directory,
  shards: Number(values.shards),
  slabBytes: Math.max(32 << 20, inFlight * (batchBytes + 65536) * 8),
  directAppends: values.direct,
  log: (line) => console.error(line),
});
try {
  const specs = Array.from({ length: partitions }, (_, partition) => {
    return { topic: 'bench', partition, topicId: null, leaderEpoch: 0 };
  });
  const refs = await engine.openPartitions(specs);
  const { client } = engine;

  const builder = new BatchBuilder(batchBytes + 1024);
  const value = Buffer.alloc(Math.max(1, recordBytes - 20), 'millrace ');
  while (builder.size + value.length + 20 < batchBytes || builder.size < 62) {
    builder.append(null, value, Date.now());
  }
  const batch = builder.close({});
  const addresses = Array.from({ length: inFlight }, () => {
    const address = client.slab.allocate(batch.length);
    client.memory.bytes.set(batch, address);
    return address;
  });

  const run = (bytes: number): Promise<void> =>
    new Promise((resolve, reject) => {
      let toSubmit = Math.ceil(bytes / batch.length);
      let toComplete = toSubmit;
      let next = 0;
      const free: number[] = addresses.map((_, index) => index);
      const submit = (): void => {
        while (toSubmit > 0 && free.length > 0) {
          const token = free.pop()!;
          const ref = refs[next++ % refs.length]!;
          // A client's batch begins at 0; the last append left its offset there.
          setBatchBaseOffset(client.memory.view, addresses[token]!, 0);
          if (!client.submit(ref.slot, addresses[token]!, batch.length, token, 0)) {
            free.push(token);
            break;
          }
          toSubmit--;
        }
        client.ring();
      };
      client.onCompletion = (token, errorCode, _base, _time, _start, detail) => {
        if (errorCode !== 0)
          reject(new Error(`append failed with ${errorCode}: ${detail?.message}`));
        free.push(token);
        toComplete--;
      };
      client.onSpace = submit;
      client.onDrained = () => {
        if (toComplete === 0) resolve();
        else submit();
      };
      submit();
    });

  // A front has sockets that keep it alive; appends by ring do not.
  const keepAlive = setInterval(() => undefined, 1 << 30);
  await run(Math.min(totalBytes / 10, 200e6));
  const before = engine.statistics();
  const cpu = process.cpuUsage();
  const beganMs = performance.now();
  await run(totalBytes);
  const seconds = (performance.now() - beganMs) / 1000;
  const used = process.cpuUsage(cpu);
  const after = engine.statistics();
  clearInterval(keepAlive);

  const gigabytes = totalBytes / 1e9;
  const direct = after.direct - before.direct;
  const batches = after.batches - before.batches + direct;
  const per = (count: number): string => (count / batches).toFixed(3);
  console.log(
    `${(totalBytes / 1e6 / seconds).toFixed(0)} MB/s, ${(batches / seconds).toFixed(0)} batches/s of ${batch.length} B; ` +
      `CPU-s/GB ${((used.user + used.system) / 1e6 / gigabytes).toFixed(3)} ` +
      `(user ${(used.user / 1e6 / gigabytes).toFixed(3)}, system ${(used.system / 1e6 / gigabytes).toFixed(3)}), ` +
      `${((used.user + used.system) / batches).toFixed(2)} µs/batch`,
  );
  console.log(
    `per batch: ${per(after.drains - before.drains)} drains, ${per(after.groups - before.groups)} groups, ` +
      `${per(after.shardWakeUps - before.shardWakeUps)} wake-ups of shards, ` +
      `${per(after.clientWakeUps - before.clientWakeUps)} of clients, ${per(direct)} appended directly`,
  );
} finally {
  await engine.close();
  rmSync(directory, { recursive: true, force: true });
}

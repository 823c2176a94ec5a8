/**
 * What does handing something to another thread cost? A record through a ring on one thread (the work itself), a round trip
 * through a sleeping thread (two wake-ups), the slab, and the bare look at a partition's marks.
 */

import { Worker } from 'node:worker_threads';
import { bench, do_not_optimize, group } from 'mitata';
import { KIB, MIB } from '../../engine/base/limits.ts';
import { DOORBELL_WORDS, Doorbell } from '../../engine/ring/doorbell.ts';
import { ringBytes } from '../../engine/ring/ring-layout.ts';
import { RingReader } from '../../engine/ring/ring-reader.ts';
import { RING_FULL, RingWriter } from '../../engine/ring/ring-writer.ts';
import { SlabArena } from '../../engine/ring/slab-arena.ts';
import { Marks, PartitionTable } from '../../engine/shard/partition-table.ts';
import type { EchoData } from './ring-echo.ts';

const capacity = 1024;

group('ring, one thread', () => {
  const words = new Int32Array(new SharedArrayBuffer(ringBytes(capacity)));
  const writer = new RingWriter({ words, base: 0, capacity });
  const reader = new RingReader({ words, base: 0, capacity });
  let sum = 0;
  const onRecord = (region: Int32Array, at: number) => {
    sum += region[at]!;
  };

  bench('claim, commit, read: one record', () => {
    const at = writer.tryClaim();
    words[at] = 1;
    writer.commit();
    reader.read(onRecord, 1);
    do_not_optimize(sum);
  });

  bench('claim 256, commit once, read', () => {
    for (let i = 0; i < 256; i++) words[writer.tryClaim()] = i;
    writer.commit();
    reader.read(onRecord, 256);
    do_not_optimize(sum);
  });

  bench('claim in a full ring', () => {
    while (writer.tryClaim() !== RING_FULL);
    do_not_optimize(writer.tryClaim());
    writer.abort();
  });
});

group('doorbell', () => {
  const doorbell = new Doorbell(new Int32Array(new SharedArrayBuffer(DOORBELL_WORDS * 4)), 0);
  bench('ring somebody who is awake', () => do_not_optimize(doorbell.ring()));
});

group('round trip through a sleeping thread', () => {
  const data: EchoData = {
    there: new SharedArrayBuffer(ringBytes(capacity)),
    back: new SharedArrayBuffer(ringBytes(capacity)),
    control: new SharedArrayBuffer(256),
    capacity,
  };
  const worker = new Worker(new URL('./ring-echo.ts', import.meta.url), { workerData: data });
  worker.unref();
  const words = new Int32Array(data.there);
  const writer = new RingWriter({ words, base: 0, capacity });
  const reader = new RingReader({ words: new Int32Array(data.back), base: 0, capacity });
  const theirs = new Doorbell(new Int32Array(data.control), 0);
  const mine = new Doorbell(new Int32Array(data.control), 32);
  let seen = 0;
  const onRecord = () => {
    seen++;
  };
  const await_ = (count: number) => {
    for (seen = 0; seen < count; ) {
      if (reader.read(onRecord, capacity) > 0) continue;
      mine.lieDown();
      if (reader.hasRecords()) mine.getUp();
      else mine.wait(1000);
    }
  };

  bench('one record there and back', () => {
    words[writer.tryClaim()] = 1;
    writer.commit();
    theirs.ring();
    await_(1);
  });

  bench('256 records there and back', () => {
    for (let i = 0; i < 256; i++) words[writer.tryClaim()] = i;
    writer.commit();
    theirs.ring();
    await_(256);
  });
});

group('slab', () => {
  const arena = new SlabArena({ ordinaryBytes: 32 * MIB, giantBytes: 101 * MIB });
  // Every second chunk free again: the search has something to walk over.
  const held = Array.from({ length: 64 }, () => arena.allocate(256 * KIB));
  for (let i = 1; i < 64; i += 2) arena.release(held[i]!);
  bench('allocate and release 256 KiB', () => arena.release(arena.allocate(256 * KIB)));
  bench('allocate and release 1 MiB behind the holes', () => arena.release(arena.allocate(MIB)));
});

group('partition table', () => {
  const table = new PartitionTable(new SharedArrayBuffer(PartitionTable.bytes(16)));
  const marks = new Marks();
  bench('a snapshot of the marks', () => do_not_optimize(table.read(3, marks)));
  bench('begin and end a change', () => {
    table.begin(3);
    table.end(3);
  });
});

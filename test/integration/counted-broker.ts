/**
 * A broker in a process of its own that counts what requests cost it: bytes allocated on the heap, read and write calls,
 * times its threads went to sleep. `test/integration/counts.test.ts` starts it with `--expose-gc`, loads it, and asks.
 *
 * Messages from the parent: 'begin', 'end'. Answers: `{ port }` at the start, `{}` to begin, a `Counts` to end.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { startBroker } from '../../index.ts';

export interface Counts {
  readonly allocatedBytes: number;
  readonly readCalls: number;
  readonly writeCalls: number;
  readonly sleeps: number;
  /** A collection ran meanwhile: the allocated bytes say nothing. */
  readonly collections: number;
}

let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ['gc'] });

function numberIn(text: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

function look(): Counts {
  const io = readFileSync('/proc/self/io', 'utf8');
  let sleeps = 0;
  for (const task of readdirSync('/proc/self/task')) {
    sleeps += numberIn(
      readFileSync(`/proc/self/task/${task}/status`, 'utf8'),
      'voluntary_ctxt_switches',
    );
  }
  return {
    allocatedBytes: process.memoryUsage().heapUsed,
    readCalls: numberIn(io, 'syscr'),
    writeCalls: numberIn(io, 'syscw'),
    sleeps,
    collections,
  };
}

const broker = await startBroker({
  storage: 'memory',
  listeners: [{ host: '127.0.0.1', port: 0 }],
  netThreads: 0,
  shards: 1,
});

let before = look();
process.on('message', (word) => {
  if (word === 'begin') {
    globalThis.gc?.();
    process.send?.({});
    before = look();
  } else {
    const after = look();
    process.send?.({
      allocatedBytes: after.allocatedBytes - before.allocatedBytes,
      readCalls: after.readCalls - before.readCalls,
      writeCalls: after.writeCalls - before.writeCalls,
      sleeps: after.sleeps - before.sleeps,
      collections: after.collections - before.collections,
    } satisfies Counts);
  }
});
process.once('disconnect', () => void broker.close());
process.send?.({ port: broker.port });

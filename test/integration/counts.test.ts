/**
 * What a request costs the broker, counted and not timed, so that it holds on any machine: heap bytes allocated, read and
 * write calls, sleeps of its threads. A change that allocates per request or adds a call or a wake-up shows here.
 * Linux only: the numbers come from /proc.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Counts } from './counted-broker.ts';
import {
  batchOf,
  createTopic,
  PRODUCE,
  PRODUCE_VERSION,
  produceBody,
  RawClient,
  requestFrame,
} from './raw-client.ts';

let broker: ChildProcess;
let client: RawClient;
let frame: Buffer;

async function ask<T>(word?: string): Promise<T> {
  const answer = once(broker, 'message') as Promise<[T]>;
  if (word !== undefined) broker.send(word);
  return (await answer)[0];
}

/** Sends `count` produce requests with at most `window` of them open. */
async function produce(count: number, window: number): Promise<void> {
  let sent = 0;
  let answered = 0;
  const fill = (): void => {
    const room = Math.min(window - (sent - answered), count - sent);
    if (room <= 0) return;
    client.write(room === 1 ? frame : Buffer.concat(new Array<Buffer>(room).fill(frame)));
    sent += room;
  };
  fill();
  while (answered < count) {
    await client.next();
    answered++;
    // The next ones leave together when half of the window is free, as clients send.
    if (window === 1 || sent - answered <= window / 2) fill();
  }
}

/** Counts per request, of a measurement that no collection disturbed. */
async function costOf(count: number, window: number): Promise<Record<keyof Counts, number>> {
  for (let attempt = 1; ; attempt++) {
    await ask('begin');
    await produce(count, window);
    const counts = await ask<Counts>('end');
    if (counts.collections > 1 && attempt < 5) continue;
    return Object.fromEntries(
      Object.entries(counts).map(([name, value]) => [name, (value as number) / count]),
    ) as Record<keyof Counts, number>;
  }
}

describe.runIf(existsSync('/proc/self/io'))('a produce request costs', () => {
  beforeAll(async () => {
    broker = fork(join(import.meta.dirname, 'counted-broker.ts'), {
      execArgv: ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const { port } = await ask<{ port: number }>();
    client = new RawClient(port);
    await createTopic(client, 'counted', 1);
    frame = await requestFrame(
      PRODUCE,
      PRODUCE_VERSION,
      produceBody('counted', 0, batchOf('x'.repeat(100))),
      1,
    );
    // Until the code is compiled and the pools are filled.
    await produce(5000, 32);
    await produce(1000, 1);
  });

  afterAll(() => {
    client?.end();
    broker?.disconnect();
  });

  test('one at a time: one read, a write to the file and one to the socket, and what Node allocates per turn', async () => {
    const cost = await costOf(2000, 1);
    expect(cost.allocatedBytes).toBeLessThan(3600);
    expect(cost.readCalls).toBeLessThan(1.5);
    expect(cost.writeCalls).toBeLessThan(2.5);
    expect(cost.sleeps).toBeLessThan(3);
  });

  test('many at a time: what one request costs is shared by all that came with it', async () => {
    const cost = await costOf(20_000, 64);
    expect(cost.allocatedBytes).toBeLessThan(150);
    expect(cost.readCalls).toBeLessThan(0.12);
    expect(cost.writeCalls).toBeLessThan(0.15);
    expect(cost.sleeps).toBeLessThan(0.25);
  });
});

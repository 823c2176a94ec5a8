/**
 * Two real threads on one ring: every record arrives once, whole and in order, past the wrap of the progress counters and
 * through a ring that is full most of the time; and no wake-up is lost. This thread consumes and sleeps without a time limit
 * worth mentioning: a lost wake-up is a test that takes too long, and fails.
 */

import { expect, test } from 'vitest';
import { Prng } from '../../engine/base/prng.ts';
import { DOORBELL_WORDS, Doorbell } from '../../engine/ring/doorbell.ts';
import { HEAD_WORD, RECORD_WORDS, ringBytes, TAIL_WORD } from '../../engine/ring/ring-layout.ts';
import { RingReader } from '../../engine/ring/ring-reader.ts';
import { pause, startPeer } from './peer.ts';
import type { RingProducerData } from './ring-producer.ts';

const LOST_WAKE_UP_MS = 5000;

interface HandOver {
  readonly capacity: number;
  readonly count: number;
  readonly firstProgress: number;
  readonly commitMax: number;
  readonly limit: number;
  readonly pauseStepsMax: number;
}

async function handOver(options: HandOver, seed: number) {
  const ring = new SharedArrayBuffer(ringBytes(options.capacity));
  const words = new Int32Array(ring);
  words[HEAD_WORD] = options.firstProgress;
  words[TAIL_WORD] = options.firstProgress;
  const control = new SharedArrayBuffer(DOORBELL_WORDS * 4);
  const doorbell = new Doorbell(new Int32Array(control), 0);
  const data: RingProducerData = {
    ring,
    capacity: options.capacity,
    control,
    doorbellWord: 0,
    count: options.count,
    seed,
    commitMax: options.commitMax,
    pauseStepsMax: options.pauseStepsMax,
  };
  const { ready, result } = startPeer('./ring-producer.ts', data);
  await ready;
  const reader = new RingReader({ words, base: 0, capacity: options.capacity });
  const prng = new Prng(seed + 1);
  const random = () => prng.float();
  let sum = 0;
  let seen = 0;
  let torn = 0;
  let lost = 0;
  const onRecord = (region: Int32Array, at: number) => {
    const first = Math.imul(seen, 2654435761);
    for (let i = 0; i < RECORD_WORDS; i++) if (region[at + i] !== ((first + i) | 0)) torn++;
    sum = (Math.imul(sum, 31) + seen) | 0;
    seen++;
  };
  let announced = 0;
  while (seen < options.count && lost === 0) {
    if (reader.read(onRecord, options.limit) > 0) {
      pause(random, options.pauseStepsMax);
      continue;
    }
    announced++;
    doorbell.lieDown();
    pause(random, options.pauseStepsMax);
    if (reader.hasRecords()) {
      doorbell.getUp();
      continue;
    }
    pause(random, options.pauseStepsMax);
    const beganMs = performance.now();
    doorbell.wait(LOST_WAKE_UP_MS);
    if (performance.now() - beganMs >= LOST_WAKE_UP_MS) lost++;
  }
  return { result, sum, torn, lost, announced, wakeUps: doorbell.wakeUps };
}

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const replay = `replay: SEED=${seed} npx vitest run test/concurrency/ring.test.ts`;

const cases: [string, HandOver][] = [
  [
    'a small ring that is full most of the time',
    { capacity: 2, count: 20_000, firstProgress: 0, commitMax: 2, limit: 1, pauseStepsMax: 50 },
  ],
  [
    'past the wrap of the progress counters',
    {
      capacity: 1024,
      count: 1_000_000,
      firstProgress: 0x7fffffff - 300_000,
      commitMax: 64,
      limit: 256,
      pauseStepsMax: 0,
    },
  ],
  [
    'a consumer that often sleeps, with pauses at every step of the doorbell protocol',
    {
      capacity: 64,
      count: 50_000,
      firstProgress: -5,
      commitMax: 3,
      limit: 64,
      pauseStepsMax: 4000,
    },
  ],
];

for (const [name, options] of cases) {
  test(`ring: two threads: ${name}`, async () => {
    const seen = await handOver(options, seed);
    const sent = (await seen.result) as { sum: number; fulls: number };
    expect(seen.torn, replay).toBe(0);
    expect(seen.lost, replay).toBe(0);
    expect(seen.sum, replay).toBe(sent.sum);
    // Nobody is rung who has not lain down since the last time.
    expect(seen.wakeUps, replay).toBeLessThanOrEqual(seen.announced);
  });
}

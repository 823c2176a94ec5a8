/** The short form of the kill test: two kills, a small load. `node test/crash/kill.ts` is the long one. */

import { expect, test } from 'vitest';
import { BrokerProcess } from '../broker-process.ts';
import { runKills } from './kill-run.ts';

const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(performance.timeOrigin) % 1_000_000);

test(`kill -9 twice in the middle of an idempotent producer run loses, changes and doubles nothing; replay: MILLRACE_SEED=${seed} npx vitest run test/crash/kill.test.ts`, async () => {
  await using broker = await BrokerProcess.start();
  const lines: string[] = [];
  const report = await runKills(broker, {
    seed,
    kills: 2,
    partitions: 3,
    rate: 3000,
    aliveMsMax: 400,
    valueBytesMax: 700,
    topic: 'killed',
    log: (line) => lines.push(line),
  });
  expect(report.records).toBeGreaterThan(0);
  expect(report.acknowledged).toBe(report.records);
});

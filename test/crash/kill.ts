/**
 * `kill -9` of a real broker in the middle of idempotent producer runs: our own client, and
 * librdkafka's through rdload where it is built. Prints the seed, each kill, and how long each
 * restart took until a record was accepted, which must be less than a second.
 *
 * `node test/crash/kill.ts [--kills N] [--seed N] [--ready-ms N] [--only client|rdload]`
 */

import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { peers, whyNoLibrdkafka } from '../../bench/toolchain.ts';
import { Prng } from '../../engine/base/prng.ts';
import { accepts, BrokerProcess, until } from '../broker-process.ts';
import { Checks, holds, run, same } from '../interop/checks.ts';
import { runKills } from './kill-run.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(performance.timeOrigin) % 1_000_000) },
    'ready-ms': { type: 'string', default: '1000' },
    only: { type: 'string' },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const readyLimitMs = Number(values['ready-ms']);
const checks = new Checks('kill -9');

console.log(`seed ${seed}: node test/crash/kill.ts --kills ${kills} --seed ${seed}`);

if (values.only !== 'rdload') {
  await checks.check(`${kills} kills under our own idempotent producer`, async () => {
    await using broker = await BrokerProcess.start();
    const report = await runKills(broker, {
      seed,
      kills,
      partitions: 6,
      rate: 12_000,
      aliveMsMax: 1500,
      valueBytesMax: 1500,
      topic: 'killed',
      log: (line) => console.log(`        ${line}`),
    });
    const slowest = Math.max(...report.readyMs);
    holds(
      slowest < readyLimitMs,
      `a restart took ${slowest.toFixed(0)} ms until it accepted a record`,
    );
    return `${report.records} records, slowest restart ${slowest.toFixed(0)} ms`;
  });
}

interface Loaded {
  readonly records: number;
  readonly failed?: number;
  readonly offset_errors?: number;
  readonly seq_errors?: number;
  readonly byte_errors?: number;
}

async function killUnderRdload(): Promise<string> {
  await using broker = await BrokerProcess.start();
  const random = new Prng(seed + 1);
  const about = [
    `brokers=${broker.address}`,
    'topic=killed',
    'partitions=6',
    'size=1000',
    'fill=text',
  ];
  await run(peers.rdload, ['mktopic', ...about]);
  let isDone = false;
  let said = '';
  const seconds = 2 + kills * 1.6;
  const load = spawn(
    peers.rdload,
    [
      ...['produce', ...about, `secs=${seconds}`, 'rate=15000', 'acks=all', 'linger=2'],
      ...['X:enable.idempotence=true', 'X:message.timeout.ms=120000', 'X:log_level=0'],
      ...['X:reconnect.backoff.ms=20', 'X:reconnect.backoff.max.ms=100'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  load.stdout.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const ended = new Promise<number | null>((settle) => {
    load.once('close', (code) => {
      isDone = true;
      settle(code);
    });
  });
  let slowest = 0;
  for (let kill = 1; kill <= kills && !isDone; kill++) {
    const at = performance.now() + random.between(50, 1200);
    await until(() => performance.now() >= at || isDone, 5000, 1);
    await broker.kill();
    broker.launch();
    holds(await until(() => accepts(broker.port), 20_000, 2), `no restart:\n${broker.output}`);
    slowest = Math.max(slowest, performance.now() - broker.launchedAt);
  }
  holds((await ended) === 0, `rdload failed: ${said}`);
  const made = JSON.parse(said.trim().split('\n').at(-1) ?? '{}') as Loaded;
  same(made.failed, 0, 'records that failed');
  const { stdout } = await run(peers.rdload, ['consume', ...about, 'verify=1'], {
    timeoutMs: 60_000,
  });
  const read = JSON.parse(stdout.toString()) as Loaded;
  same(read.records, made.records, 'records');
  same(
    [read.offset_errors, read.seq_errors, read.byte_errors],
    [0, 0, 0],
    'offset, order and byte errors',
  );
  return `${read.records} records, slowest restart listened after ${slowest.toFixed(0)} ms`;
}

if (values.only !== 'client') {
  const reason = whyNoLibrdkafka({ mayFetch: false });
  const what = `${kills} kills under librdkafka's idempotent producer`;
  if (reason === null) await checks.check(what, killUnderRdload);
  else checks.skip(what, reason);
}
process.exitCode = checks.end();

/**
 * `npm run bench:compare`: Millrace and a real Apache Kafka in turn under the same load programs,
 * and the table of their ratios. Loads come from C (bench/peers/load), CPU from the kernel. The
 * brokers take turns (A B A B ...), medians and ranges are printed, and a full run writes the table
 * with machine, versions and command into docs/performance.md.
 */

import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  fetchPeer,
  peers,
  root,
  whyNoKafka,
  whyNoLibrdkafka,
  workDirectory,
} from '../toolchain.ts';
import { Brokers } from './brokers.ts';
import { inShort, table } from './report.ts';
import { type MeasuredRun, type Plan, plans, rows } from './rows.ts';

const usage = `npm run bench:compare [-- options]
  --quick           the short ones only (produce, raw, one-record, consume, end to end, start-up), 2 runs
  --metrics a,b     only these: ${plans.map((plan) => plan.name).join(', ')}
  --runs N          runs of each broker per metric (default 5)
  --out FILE        where the measured lines go (default bench/work/compare.jsonl, begun anew)
  --from FILE       measure nothing, print the table of these lines
  --add             keep the lines that are already in FILE
  --doc             write docs/performance.md although not everything was measured
  --warm SECONDS    load on each broker before the first figure (default 60, quick 20)
  --gb N            size of a produce run in GB (default 1.5)
  --port N          first of the ports used (default 29092)`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    metrics: { type: 'string' },
    runs: { type: 'string' },
    out: { type: 'string' },
    from: { type: 'string' },
    add: { type: 'boolean', default: false },
    doc: { type: 'boolean', default: false },
    warm: { type: 'string' },
    gb: { type: 'string', default: '1.5' },
    port: { type: 'string', default: '29092' },
    help: { type: 'boolean', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function readRuns(path: string): MeasuredRun[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as MeasuredRun);
}

function firstLine(command: string, args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', cwd: root });
  return (done.stdout || done.stderr || '').split('\n')[0]?.trim() ?? '';
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const kernel = firstLine('uname', ['-sr']);
  return `${cpus().length} cores (${model}), ${(totalmem() / 2 ** 30).toFixed(0)} GB, ${kernel}`;
}

const markers = { begin: '<!-- table: begin -->', end: '<!-- table: end -->' };

function writeDocument(text: string): void {
  const path = join(root, 'docs', 'performance.md');
  const old = existsSync(path)
    ? readFileSync(path, 'utf8')
    : `# Performance\n\n${markers.begin}\n${markers.end}\n`;
  const begin = old.indexOf(markers.begin);
  const end = old.indexOf(markers.end);
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md has no ${markers.begin}`);
  writeFileSync(path, `${old.slice(0, begin + markers.begin.length)}\n${text}\n${old.slice(end)}`);
  say(`written to docs/performance.md`);
}

function finish(runs: readonly MeasuredRun[], isWhole: boolean): void {
  const measured = new Set(runs.map((run) => run.metric));
  const shown = isWhole ? rows : rows.filter((row) => measured.has(row.metric));
  const text = table(shown, runs);
  say(`\n${text}`);
  if (!isWhole && !values.doc) return;
  writeDocument(
    [
      '',
      `Machine: ${machine()}. Node ${process.versions.node}; Apache Kafka 4.3.1 on ${firstLine('java', ['-version'])}.`,
      `Revision ${firstLine('git', ['rev-parse', '--short', 'HEAD'])}. Command: \`npm run bench:compare${process.argv.slice(2).length > 0 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}\`.`,
      '',
      table(rows, runs),
      '',
    ].join('\n'),
  );
}

/** The toolchain, fetched where it can be; the reason when it cannot. */
function whyNot(): string | null {
  const reason = whyNoKafka({ mayFetch: true }) ?? whyNoLibrdkafka({ mayFetch: true });
  if (reason !== null) return reason;
  if (whyNoKafka({ mayFetch: false }) !== null) fetchPeer('kafka.sh');
  if (!existsSync(peers.rdload)) fetchPeer('librdkafka.sh');
  return null;
}

/** A bar with the time to go on a terminal; nothing elsewhere, where the lines of the runs tell. */
function showProgress(done: number, total: number, startedAt: number): void {
  if (!process.stderr.isTTY || done === 0) return;
  const filled = Math.round((30 * done) / total);
  const left = ((performance.now() - startedAt) / done) * (total - done);
  process.stderr.write(
    `\r[${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${done}/${total}, ${(left / 60_000).toFixed(0)} min to go   \r`,
  );
}

async function measureAll(chosen: readonly Plan[], runsCount: number, out: string): Promise<void> {
  const brokers = new Brokers(Number(values.port));
  process.once('exit', () => brokers.stopAll());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(130));
  }
  const startedAt = performance.now();
  const total = chosen.reduce((sum, plan) => sum + plan.peers.length * runsCount, 0);
  let done = 0;
  const environment = { GB: values.gb };
  const shared = chosen.filter((plan) => plan.brokers === 'shared');
  if (shared.length > 0) {
    const warm = values.warm ?? (values.quick ? '20' : '60');
    for (const peer of ['kafka', 'millrace'] as const) {
      if (!shared.some((plan) => plan.peers.includes(peer))) continue;
      brokers.start(peer);
      brokers.wake(peer);
      say(`warming ${peer} for ${warm} s`);
      if (Number(warm) > 0) await warmUp(brokers, peer, warm);
    }
  }
  for (const plan of chosen) {
    if (plan.brokers === 'own') brokers.stopAll();
    for (let run = 1; run <= runsCount; run++) {
      for (const peer of plan.peers) {
        if (plan.brokers === 'shared') brokers.wake(peer);
        const measured = await brokers.measure(plan, peer, environment);
        for (const line of measured) {
          const stamped = { ...line, run };
          appendFileSync(out, `${JSON.stringify(stamped)}\n`);
          say(`${line.metric.padEnd(24)} run ${run} ${peer.padEnd(8)} ${inShort(line)}`);
        }
        showProgress(++done, total, startedAt);
      }
    }
  }
  brokers.stopAll();
}

async function warmUp(brokers: Brokers, peer: 'millrace' | 'kafka', warm: string): Promise<void> {
  const warming: Plan = {
    name: 'warm',
    // `idle` gives the line that proves the broker lived through it.
    metrics: ['warm', 'idle'],
    environment: { WARM: warm },
    brokers: 'shared',
    peers: [peer],
    isQuick: true,
  };
  await brokers.measure(warming, peer, {});
}

async function main(): Promise<number> {
  if (values.help) {
    say(usage);
    return 0;
  }
  if (values.from !== undefined) {
    finish(readRuns(values.from), values.doc);
    return 0;
  }
  const names = values.metrics?.split(',') ?? null;
  const unknown = names?.find((name) => !plans.some((plan) => plan.name === name));
  if (unknown !== undefined) {
    process.stderr.write(
      `no metric ${unknown}; there are ${plans.map((plan) => plan.name).join(', ')}\n`,
    );
    return 2;
  }
  const reason = whyNot();
  if (reason !== null) {
    say(`SKIPPED bench:compare: ${reason}`);
    return 0;
  }
  const chosen = plans.filter((plan) =>
    names === null ? !values.quick || plan.isQuick : names.includes(plan.name),
  );
  // Always: a build of earlier sources would be measured without a word.
  say('building dist/');
  const built = spawnSync('npm', ['run', 'build'], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`npm run build failed: ${built.stdout}${built.stderr}`);
  mkdirSync(workDirectory, { recursive: true });
  const out = values.out ?? join(workDirectory, 'compare.jsonl');
  if (!values.add) writeFileSync(out, '');
  await measureAll(chosen, Number(values.runs ?? (values.quick ? 2 : 5)), out);
  finish(readRuns(out), chosen.length === plans.length);
  return 0;
}

process.exitCode = await main();

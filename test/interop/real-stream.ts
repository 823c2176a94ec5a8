/**
 * A real stream through a real broker: a gigabyte of real text goes line by line through
 * `millrace produce` and then through kcat into twelve partitions each, while two consumers follow
 * (`millrace consume --follow` and kcat). Both must have read the same lines in every partition, and
 * together exactly the lines that went in; the broker's memory is watched meanwhile.
 *
 * The text: files that are given, else the package indexes that `apt-get update` left, else made-up
 * text that is the same everywhere. It is repeated until there is enough.
 *
 * `node test/interop/real-stream.ts [--megabytes N] [--limit-mb N] [--only millrace|kcat] [file...]`
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { decompressFrameSync } from 'lz4-napi';
import { node, root, which } from '../../bench/toolchain.ts';
import { BrokerProcess, until } from '../broker-process.ts';
import { Checks, holds, run, same } from './checks.ts';
import { LineSums, PartitionedSums } from './line-sums.ts';
import { keyedLines, valuesOnly } from './sample-text.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    megabytes: { type: 'string', default: '1000' },
    'limit-mb': { type: 'string', default: '200' },
    only: { type: 'string' },
  },
});
const bytesWanted = Number(values.megabytes) * 1e6;
const limitMb = Number(values['limit-mb']);
const partitions = 12;
const NEWLINE = 0x0a;
const checks = new Checks('real stream');
const cli = join(root, 'cli', 'bin.mjs');

/** Text as it is, or inside an LZ4 frame as apt keeps it. */
function readText(path: string): Buffer {
  const bytes = readFileSync(path);
  return path.endsWith('.lz4') ? decompressFrameSync(bytes) : bytes;
}

function sourceText(): { text: Buffer; what: string } {
  const lists = '/var/lib/apt/lists';
  const paths =
    positionals.length > 0
      ? positionals
      : existsSync(lists)
        ? readdirSync(lists)
            .filter((name) => /_Packages(?:\.lz4)?$/.test(name))
            .map((name) => join(lists, name))
        : [];
  const text = Buffer.concat(paths.map(readText));
  if (text.length > 1e6) return { text, what: `${paths.length} files` };
  return { text: valuesOnly(keyedLines(100_000, 3)), what: 'made-up text' };
}

/** Whole lines without the empty ones, which tools treat differently. */
function wholeLines(text: Buffer): Buffer {
  const lines = text.toString('latin1').replaceAll(/\n+/g, '\n').replace(/^\n/, '');
  return Buffer.from(lines.endsWith('\n') ? lines : `${lines}\n`, 'latin1');
}

/** How much of the text each repetition takes: all of it, and at the end whole lines of it. */
function* repetitions(text: Buffer): Generator<number> {
  for (let left = bytesWanted; left > 0; left -= text.length) {
    yield left >= text.length ? text.length : text.indexOf(NEWLINE, left - 1) + 1;
  }
}

function countLines(text: Buffer): number {
  const within = (end: number): number => {
    let count = 0;
    for (let at = text.indexOf(NEWLINE); at >= 0 && at < end; at = text.indexOf(NEWLINE, at + 1)) {
      count++;
    }
    return count;
  };
  let count = 0;
  for (const end of repetitions(text)) count += within(end);
  return count;
}

/** Writes the text again and again until there is enough of it; counts what it wrote. */
async function feed(into: Writable, text: Buffer, sums: LineSums): Promise<void> {
  const pieceBytes = 1 << 20;
  for (const end of repetitions(text)) {
    for (let at = 0; at < end; at += pieceBytes) {
      const piece = text.subarray(at, Math.min(at + pieceBytes, end));
      sums.add(piece);
      if (!into.write(piece)) await new Promise((settle) => into.once('drain', settle));
    }
  }
  await new Promise<void>((settle) => into.end(settle));
}

interface Follower {
  readonly name: string;
  readonly sums: PartitionedSums;
  stop(): void;
}

function follow(name: string, command: string, args: readonly string[]): Follower {
  const sums = new PartitionedSums(partitions);
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout?.on('data', (piece: Buffer) => sums.add(piece));
  return { name, sums, stop: () => void child.kill('SIGKILL') };
}

function startFollowers(address: string, topic: string, count: number): Follower[] {
  const followers = [
    follow('millrace consume', node, [
      ...[cli, 'consume', topic, '--follow', '--from', 'beginning'],
      ...['--format', '%p\\t%s\\n', '--broker', address],
    ]),
  ];
  if (which('kcat') !== null) {
    followers.push(
      follow('kcat', 'kcat', [
        ...['-b', address, '-X', 'broker.address.family=v4', '-C', '-t', topic, '-o', 'beginning'],
        ...['-q', '-c', String(count), '-f', '%p\t%s\n'],
      ]),
    );
  }
  return followers;
}

async function stream(broker: BrokerProcess, producer: 'millrace' | 'kcat', text: Buffer) {
  const topic = `stream-${producer}`;
  await run(node, [
    cli,
    'topic',
    'create',
    topic,
    '-p',
    String(partitions),
    '--broker',
    broker.address,
  ]);
  const followers = startFollowers(broker.address, topic, countLines(text));
  const [command, args]: [string, string[]] =
    producer === 'kcat'
      ? [
          'kcat',
          [
            '-b',
            broker.address,
            '-X',
            'broker.address.family=v4',
            '-P',
            '-t',
            topic,
            '-X',
            'acks=all',
          ],
        ]
      : [node, [cli, 'produce', topic, '--quiet', '--broker', broker.address]];
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = new Promise<number | null>((settle) => child.once('close', settle));
  const sent = new LineSums();
  await feed(child.stdin, text, sent);
  same(await ended, 0, `exit code of ${command}`);
  const seconds = (performance.now() - startedAt) / 1000;
  try {
    for (const follower of followers) {
      const isThrough = await until(() => follower.sums.count >= sent.count, 120_000, 50);
      holds(isThrough, `${follower.name} has read ${follower.sums.count} of ${sent.count} lines`);
      same(
        follower.sums.total(),
        sent.digest(),
        `${follower.name}: what was read against what went in`,
      );
    }
    const [first, ...others] = followers;
    for (const other of others) {
      same(
        other.sums.byPartition(),
        first?.sums.byPartition(),
        `${other.name} against ${first?.name}`,
      );
    }
  } finally {
    for (const follower of followers) follower.stop();
  }
  const empty = followers[0]?.sums
    .byPartition()
    .filter((digest) => digest.startsWith('0 lines')).length;
  return `${sent.count} lines, ${(sent.bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s, ${(sent.bytes / 1e6 / seconds).toFixed(0)} MB/s, ${partitions - (empty ?? 0)} partitions used, read by ${followers.map((one) => one.name).join(' and ')}`;
}

const { text: raw, what } = sourceText();
const text = wholeLines(raw);
console.log(
  `text: ${what}, ${(text.length / 1e6).toFixed(1)} MB, repeated to ${values.megabytes} MB`,
);
const broker = await BrokerProcess.start();
let residentPeak = 0;
let proportionalPeak = 0;
const watching = setInterval(() => {
  if (!broker.isRunning) return;
  const { residentMb, proportionalMb } = broker.memory();
  residentPeak = Math.max(residentPeak, residentMb);
  proportionalPeak = Math.max(proportionalPeak, proportionalMb);
}, 100);
try {
  for (const producer of ['millrace', 'kcat'] as const) {
    if (values.only !== undefined && values.only !== producer) continue;
    if (producer === 'kcat' && which('kcat') === null) checks.skip('kcat', 'it is not installed');
    else await checks.check(`through ${producer} produce`, () => stream(broker, producer, text));
  }
  await checks.check(`the broker's memory stays below ${limitMb} MB`, () => {
    const peak = `peak RSS ${residentPeak.toFixed(0)} MB, PSS ${proportionalPeak.toFixed(0)} MB`;
    holds(residentPeak < limitMb, peak);
    return peak;
  });
} finally {
  clearInterval(watching);
  await broker.stop();
}
process.exitCode = checks.end();

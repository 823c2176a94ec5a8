/**
 * Data directories change hands. A real Kafka writes one (every codec, several segments, idempotent,
 * stopped cleanly or killed), Millrace opens it and serves the same records, offsets and times, and
 * appends behind them. And what Millrace has written is read by Kafka's own `kafka-dump-log`: every
 * batch valid, every index entry in its place.
 *
 * `node test/interop/kafka-directory.ts [--ours]` (only what Millrace wrote) needs Java (with Maven or fetched jars) and kcat.
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchPeer, peers, which, whyNoKafka, workDirectory } from '../../bench/toolchain.ts';
import { Admin, Client } from '../../client/index.ts';
import { Checks, holds, run, same } from './checks.ts';
import { checksum, joined, keyedLines, valuesOnly } from './sample-text.ts';
import { startTarget } from './target.ts';

const checks = new Checks('kafka directory');
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const lines = keyedLines(60_000, 31);
const input = joined(lines);

const kcat = (address: string, args: readonly string[], bytes?: Uint8Array) =>
  run('kcat', ['-b', address, '-X', 'broker.address.family=v4', ...args], {
    ...(bytes === undefined ? {} : { input: bytes }),
    timeoutMs: 90_000,
  });

async function createTopics(address: string): Promise<void> {
  const client = new Client({ brokers: address });
  try {
    const admin = new Admin(client);
    for (const codec of codecs) {
      const configs = { 'segment.bytes': '1048576', 'index.interval.bytes': '1024' };
      await admin.createTopic({ name: `moved-${codec}`, partitions: 2, configs });
    }
  } finally {
    client.close();
  }
}

/** Half of it plain, half idempotent: batches with and without a producer id. */
async function fill(address: string): Promise<void> {
  const half = Math.floor(input.indexOf(0x0a, input.length / 2)) + 1;
  for (const codec of codecs) {
    const to = ['-P', '-t', `moved-${codec}`, '-z', codec, '-K', ':', '-H', `codec=${codec}`];
    await kcat(address, to, input.subarray(0, half));
    await kcat(address, [...to, '-X', 'enable.idempotence=true'], input.subarray(half));
  }
}

/** Everything a consumer sees of a topic: partition, offset, time, headers, key, value. */
async function contents(address: string, topic: string): Promise<string[]> {
  const seen: string[] = [];
  for (const partition of ['0', '1']) {
    const { stdout } = await kcat(address, [
      ...['-C', '-t', topic, '-p', partition, '-o', 'beginning', '-e', '-q'],
      ...['-f', '%p %o %T %h %k:%s\n'],
    ]);
    const times = stdout
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' ')[2] ?? '');
    const middle = times[times.length >> 1] ?? '0';
    const { stdout: found } = await kcat(address, ['-Q', '-t', `${topic}:${partition}:${middle}`]);
    seen.push(`${times.length} records ${checksum(stdout)}, ${found.toString().trim()}`);
  }
  return seen;
}

async function openKafkasDirectory(isKilled: boolean, folder: string): Promise<void> {
  const dataDir = join(folder, isKilled ? 'killed' : 'stopped');
  const kafka = await startTarget({ name: 'kafka', dataDir });
  const written = new Map<string, string[]>();
  try {
    await createTopics(kafka.address);
    await fill(kafka.address);
    for (const codec of codecs) {
      written.set(codec, await contents(kafka.address, `moved-${codec}`));
    }
    if (isKilled) {
      await run(peers.kafkaScript, ['stop', '--kill', '--port', String(kafka.port)], {
        env: { WORK: workDirectory },
      });
    }
  } finally {
    await kafka.close();
  }
  const segments = readdirSync(join(dataDir, 'moved-none-0')).filter((name) =>
    name.endsWith('.log'),
  );
  holds(segments.length > 1, `several segments were to be written, there is ${segments.length}`);

  const how = isKilled ? 'killed' : 'stopped';
  const millrace = await startTarget({ name: 'millrace', dataDir });
  try {
    for (const codec of codecs) {
      await checks.check(
        `a directory that a ${how} Kafka left, ${codec}: the same records`,
        async () => {
          same(await contents(millrace.address, `moved-${codec}`), written.get(codec), 'contents');
          return written.get(codec)?.join('; ') ?? '';
        },
      );
    }
    await checks.check(
      `a directory that a ${how} Kafka left: appended to, old records first`,
      async () => {
        const more = keyedLines(1000, 77);
        const to = ['-P', '-t', 'moved-lz4', '-p', '1', '-X', 'enable.idempotence=true'];
        const { stdout: before } = await kcat(millrace.address, ['-Q', '-t', 'moved-lz4:1:-1']);
        const end = Number(before.toString().trim().split(' ').at(-1));
        await kcat(millrace.address, to, valuesOnly(more));
        const from = ['-C', '-t', 'moved-lz4', '-p', '1', '-o', String(end), '-e', '-q'];
        const { stdout } = await kcat(millrace.address, from);
        same(checksum(stdout), checksum(valuesOnly(more)), 'checksum of what was appended');
      },
    );
  } finally {
    await millrace.close();
  }
}

const dump = async (args: readonly string[]): Promise<string> => {
  const { stdout } = await run(peers.kafkaScript, ['tool', 'dump-log', ...args], {
    env: { WORK: workDirectory },
    timeoutMs: 120_000,
  });
  return stdout.toString();
};

const isSmallAndPlain = (line: string): boolean =>
  line.includes('compresscodec: none') && Number(/ size: (\d+)/.exec(line)?.[1]) < 1000;

async function dumpOurDirectory(folder: string): Promise<void> {
  const dataDir = join(folder, 'ours');
  const millrace = await startTarget({ name: 'millrace', dataDir });
  try {
    await createTopics(millrace.address);
    await fill(millrace.address);
  } finally {
    await millrace.close();
  }
  const filesOf = (topic: string, suffix: string): string[] =>
    [0, 1].flatMap((partition) => {
      const directory = join(dataDir, `${topic}-${partition}`);
      return readdirSync(directory)
        .filter((name) => name.endsWith(suffix))
        .map((name) => join(directory, name));
    });
  for (const codec of codecs) {
    const topic = `moved-${codec}`;
    await checks.check(
      `kafka-dump-log reads our segments, ${codec}: every batch valid`,
      async () => {
        const files = filesOf(topic, '.log');
        const said = await dump([
          '--deep-iteration',
          '--print-data-log',
          '--files',
          files.join(','),
        ]);
        const batches = said.match(/^baseOffset: .*$/gm) ?? [];
        const invalid = batches.filter((line) => !/isvalid: true/.test(line));
        same(invalid.length, 0, `batches that are not valid: ${invalid[0]}`);
        // librdkafka sends a batch plain when compression does not make it smaller: one of a record or two, by chance.
        const wrongCodec = batches.filter(
          (line) => !line.includes(`compresscodec: ${codec}`) && !isSmallAndPlain(line),
        );
        same(wrongCodec.length, 0, `batches with another codec: ${wrongCodec[0]}`);
        holds(
          batches.some((line) => line.includes(`compresscodec: ${codec}`)),
          `no batch has the codec ${codec}`,
        );
        const records = said.match(/^\| offset: .*$/gm) ?? [];
        same(records.length, lines.length, 'records');
        holds(
          !/Found|mismatch|not match|exception/i.test(said.replaceAll(/^\|.*$/gm, '')),
          said.slice(-400),
        );
        return `${files.length} segments, ${batches.length} batches, ${records.length} records`;
      },
    );
  }
  await checks.check('kafka-dump-log finds our indexes sane', async () => {
    let count = 0;
    for (const suffix of ['.index', '.timeindex']) {
      const files = filesOf('moved-none', suffix);
      count += files.length;
      const said = await dump(['--index-sanity-check', '--files', files.join(',')]);
      // The first batch of a segment gets no entry, so an index of few batches may be empty, as Kafka's are.
      const isSane = (file: string) =>
        new RegExp(`${file} (?:passed sanity check|is empty)`).test(said);
      const bad = files.filter((file) => !isSane(file));
      holds(bad.length === 0, `${bad.join(', ')}\n${said.slice(-600)}`);
      const deep = await dump(['--files', files.join(',')]);
      holds(!/Found|mismatch|Mismatches|out of order/i.test(deep), deep.slice(0, 600));
    }
    return `${count} files`;
  });
  await checks.check('kafka-dump-log reads our producer snapshots', async () => {
    const files = filesOf('moved-zstd', '.snapshot');
    holds(files.length > 0, 'no snapshot was written');
    const said = await dump(['--files', files.join(',')]);
    holds(/producerId: \d+ producerEpoch: 0/.test(said), said.slice(0, 400));
    return `${files.length} files`;
  });
}

const reason =
  whyNoKafka({ mayFetch: true }) ?? (which('kcat') === null ? 'kcat is not installed' : null);
if (reason !== null) {
  checks.skip('everything', reason);
} else {
  if (whyNoKafka({ mayFetch: false }) !== null) fetchPeer('kafka.sh');
  const folder = mkdtempSync(join(tmpdir(), 'millrace-directory-'));
  try {
    if (!process.argv.includes('--ours')) {
      await openKafkasDirectory(false, folder);
      await openKafkasDirectory(true, folder);
    }
    await dumpOurDirectory(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exitCode = checks.end();

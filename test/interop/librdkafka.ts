/**
 * librdkafka 2.12's load programs against a broker: rdkafka_performance and rdload, every codec,
 * plain and idempotent, several partitions. rdload compares every byte it reads with what it wrote;
 * a different client (an old librdkafka inside kcat, and `millrace consume`) reads the same records
 * and must find the same checksum.
 *
 * `node test/interop/librdkafka.ts [--kafka | --bootstrap host:port]`
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, peers, root, which, whyNoLibrdkafka, workDirectory } from '../../bench/toolchain.ts';
import { Checks, holds, run, same } from './checks.ts';
import { checksum } from './sample-text.ts';
import { targetFromArguments } from './target.ts';

const checks = new Checks('librdkafka');
const allCodecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const count = 60_000;
const partitions = 3;

interface Loaded {
  readonly records: number;
  readonly failed?: number;
  readonly offset_errors?: number;
  readonly seq_errors?: number;
  readonly byte_errors?: number;
  readonly mb_s?: number;
}

async function load(address: string, args: readonly string[]): Promise<Loaded> {
  const [mode, ...more] = args;
  const { stdout } = await run(peers.rdload, [mode as string, `brokers=${address}`, ...more], {
    timeoutMs: 90_000,
  });
  return JSON.parse(stdout.toString().trim().split('\n').at(-1) ?? '{}') as Loaded;
}

/** zstd is there only when its headers were there when the library was built. */
function builtCodecs(): readonly string[] {
  const config = readFileSync(join(workDirectory, 'librdkafka', 'Makefile.config'), 'utf8');
  if (/^WITH_ZSTD=.*y/m.test(config)) return allCodecs;
  checks.skip('zstd', 'librdkafka was built without libzstd-dev');
  return allCodecs.filter((codec) => codec !== 'zstd');
}

async function everything(address: string): Promise<void> {
  const codecs = builtCodecs();
  for (const codec of codecs) {
    for (const idempotent of [false, true]) {
      const topic = `rd-${codec}${idempotent ? '-idempotent' : ''}`;
      const about = [`topic=${topic}`, `partitions=${partitions}`, 'size=700', 'fill=text'];
      await checks.check(
        `${codec}${idempotent ? ', idempotent' : ''}: every byte comes back`,
        async () => {
          await load(address, ['mktopic', `topic=${topic}`, `partitions=${partitions}`]);
          const mode = idempotent ? ['acks=all', 'X:enable.idempotence=true'] : ['acks=1'];
          const made = await load(address, [
            'produce',
            ...about,
            `count=${count}`,
            `codec=${codec}`,
            ...mode,
          ]);
          same(made.failed, 0, 'records that failed');
          const read = await load(address, ['consume', ...about, 'verify=1']);
          same(read.records, count, 'records');
          same(
            [read.offset_errors, read.seq_errors, read.byte_errors],
            [0, 0, 0],
            'offset, order and byte errors',
          );
          return `${made.mb_s} MB/s in, ${read.mb_s} MB/s out`;
        },
      );
    }
    await checks.check(`${codec}: kcat and millrace consume read the same bytes`, async () => {
      const topic = `rd-${codec}`;
      if (which('kcat') === null) return 'without kcat';
      const ofKcat = await run('kcat', [
        ...['-b', address, '-X', 'broker.address.family=v4', '-C', '-t', topic, '-p', '1'],
        ...['-o', 'beginning', '-e', '-q', '-D', ''],
      ]);
      const ofMillrace = await run(node, [
        ...[join(root, 'cli', 'bin.mjs'), 'consume', topic, '--partition', '1'],
        ...['--format', '%s', '--broker', address],
      ]);
      same(ofKcat.stdout.length, (count / partitions) * 700, 'bytes');
      same(checksum(ofMillrace.stdout), checksum(ofKcat.stdout), 'checksum');
      return `${ofKcat.stdout.length} bytes`;
    });
  }

  const performance = (args: readonly string[]) =>
    run(
      peers.rdkafkaPerformance,
      [...args, '-b', address, '-X', 'broker.address.family=v4', '-q'],
      {
        timeoutMs: 90_000,
      },
    );
  for (const codec of codecs) {
    await checks.check(`rdkafka_performance with ${codec}, produce and consume`, async () => {
      const topic = `perf-${codec}`;
      await load(address, ['mktopic', `topic=${topic}`, 'partitions=1']);
      const made = await performance([
        ...['-P', '-t', topic, '-p', '0', '-s', '200', '-c', '100000', '-z', codec, '-a', '-1'],
        ...['-X', 'enable.idempotence=true', '-l'],
      ]);
      holds(
        /100000 messages produced/.test(made.stdout.toString() + made.stderr),
        `${made.stdout}`.slice(-400),
      );
      const read = await performance([
        '-C',
        '-t',
        topic,
        '-p',
        '0',
        '-o',
        'beginning',
        '-c',
        '100000',
      ]);
      const said = read.stdout.toString() + read.stderr;
      const rate = /(\d+) messages? .*consumed|(\d+) messages \(\d+ bytes\)/.exec(said);
      holds(rate !== null && said.includes('100000 messages'), said.slice(-400));
    });
  }
}

const reason = whyNoLibrdkafka({ mayFetch: false, file: peers.rdkafkaPerformance });
if (reason !== null) {
  checks.skip('everything', reason);
} else {
  const target = await targetFromArguments();
  try {
    await everything(target.address);
  } finally {
    await target.close();
  }
}
process.exitCode = checks.end();

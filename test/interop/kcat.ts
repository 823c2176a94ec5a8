/**
 * kcat (an old librdkafka) against a broker: every codec, keys, headers, tombstones, offsets,
 * timestamps, metadata and idempotence. Bytes that go in are compared by checksum with the bytes
 * that come out, through kcat and through `millrace consume`.
 *
 * `node test/interop/kcat.ts [--kafka | --bootstrap host:port]`
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { node, root, which } from '../../bench/toolchain.ts';
import { Checks, holds, run, same } from './checks.ts';
import { checksum, joined, type KeyedLine, keyedLines } from './sample-text.ts';
import { targetFromArguments } from './target.ts';

const checks = new Checks('kcat');
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

async function everything(address: string, folder: string): Promise<void> {
  const kcat = (args: readonly string[], input?: Uint8Array | { file: string }) =>
    run('kcat', ['-b', address, '-X', 'broker.address.family=v4', ...args], {
      ...(input === undefined ? {} : { input }),
      timeoutMs: 60_000,
    });
  const cli = (args: readonly string[]) =>
    run(node, [join(root, 'cli', 'bin.mjs'), ...args, '--broker', address]);
  const lines = keyedLines(20_000, 11);
  const file = join(folder, 'lines');
  writeFileSync(file, joined(lines));
  const expected = checksum(joined(lines));
  const read = async (topic: string, more: readonly string[] = []) =>
    (await kcat(['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%k:%s\n', ...more]))
      .stdout;

  for (const codec of codecs) {
    const topic = `kcat-${codec}`;
    await checks.check(`produce and consume with ${codec}`, async () => {
      await kcat(['-P', '-t', topic, '-p', '0', '-z', codec, '-K', ':', '-l', file]);
      same(checksum(await read(topic, ['-p', '0'])), expected, 'checksum');
      return `${lines.length} records`;
    });
    await checks.check(
      `what kcat produced with ${codec}, consumed by millrace consume`,
      async () => {
        const { stdout } = await cli([
          'consume',
          topic,
          '--partition',
          '0',
          '--format',
          '%k:%s\\n',
        ]);
        same(checksum(stdout), expected, 'checksum');
      },
    );
  }

  await checks.check(
    'idempotent producer over several partitions, every key in order',
    async () => {
      const topic = 'kcat-idempotent';
      await kcat([
        '-P',
        '-t',
        topic,
        '-X',
        'enable.idempotence=true',
        '-X',
        'linger.ms=1',
        '-K',
        ':',
        '-l',
        file,
      ]);
      const got = (await read(topic)).toString().split('\n').slice(0, -1);
      same(got.length, lines.length, 'records');
      const byKey = (all: readonly string[]): string => {
        const groups = new Map<string, string[]>();
        for (const line of all) {
          const key = line.slice(0, line.indexOf(':'));
          const group = groups.get(key);
          if (group === undefined) groups.set(key, [line]);
          else group.push(line);
        }
        return checksum(
          Buffer.from(
            [...groups]
              .sort()
              .map(([, group]) => group.join('\n'))
              .join('\n'),
          ),
        );
      };
      same(
        byKey(got),
        byKey(lines.map((line: KeyedLine) => `${line.key}:${line.value}`)),
        'checksum by key',
      );
    },
  );

  for (const acks of ['0', '1', 'all']) {
    await checks.check(`acks=${acks}`, async () => {
      const topic = `kcat-acks-${acks}`;
      await kcat(['-P', '-t', topic, '-p', '0', '-X', `acks=${acks}`, '-K', ':', '-l', file]);
      // Without acknowledgement kcat may be done before the broker is.
      let got: Buffer = Buffer.alloc(0);
      for (let attempt = 0; attempt < 20 && checksum(got) !== expected; attempt++) {
        got = await read(topic, ['-p', '0']);
      }
      same(checksum(got), expected, 'checksum');
    });
  }

  await checks.check('headers, empty keys, empty and null values', async () => {
    const topic = 'kcat-headers';
    const headers = ['-H', 'trace=abc=1', '-H', 'empty=', '-H', 'naïve=größe'];
    await kcat(['-P', '-t', topic, '-p', '0', ...headers], Buffer.from('one\ntwo\n'));
    await kcat(['-P', '-t', topic, '-p', '0', '-K', ':', '-Z'], Buffer.from('key:\n:value\n'));
    const { stdout } = await kcat([
      '-C',
      '-t',
      topic,
      '-p',
      '0',
      '-o',
      'beginning',
      '-e',
      '-q',
      '-f',
      '%o|%h|%K|%k|%S|%s\n',
    ]);
    const expectedLines = [
      '0|trace=abc=1,empty=,naïve=größe|-1||3|one',
      '1|trace=abc=1,empty=,naïve=größe|-1||3|two',
      '2||3|key|-1|',
      '3||-1||5|value',
    ];
    same(stdout.toString().trim().split('\n'), expectedLines, 'records');
  });

  await checks.check('records of 900 KB', async () => {
    const big = join(folder, 'big');
    const bytes = Buffer.from('0123456789abcdef'.repeat(56_250));
    writeFileSync(big, bytes);
    await kcat(['-P', '-t', 'kcat-big', '-p', '0', big, big, big]);
    const { stdout } = await kcat([
      '-C',
      '-t',
      'kcat-big',
      '-p',
      '0',
      '-o',
      'beginning',
      '-e',
      '-q',
      '-D',
      '',
    ]);
    same(checksum(stdout), checksum(Buffer.concat([bytes, bytes, bytes])), 'checksum');
  });

  await checks.check('the last records, a count, a given offset', async () => {
    const format = ['-q', '-f', '%o\n'];
    const at = async (args: readonly string[]) =>
      (await kcat(['-C', '-t', 'kcat-none', '-p', '0', ...args, ...format])).stdout
        .toString()
        .trim();
    same(await at(['-o', '-3', '-e']), '19997\n19998\n19999', 'last three');
    same(await at(['-o', '1234', '-c', '2']), '1234\n1235', 'two from 1234');
    same(await at(['-o', 'end', '-e']), '', 'nothing after the end');
  });

  await checks.check('-Q: earliest, latest, and offsets for a time', async () => {
    const query = async (what: string) =>
      (await kcat(['-Q', '-t', `kcat-none:0:${what}`])).stdout.toString().trim();
    holds((await query('-2')).endsWith('offset 0'), `earliest: ${await query('-2')}`);
    holds((await query('-1')).endsWith('offset 20000'), `latest: ${await query('-1')}`);
    holds((await query('1')).endsWith('offset 0'), `time 1: ${await query('1')}`);
    const future = await query(String(Date.now() + 3_600_000));
    // kcat shows "no later record" (offset -1) as the end.
    holds(/offset (-1|20000)$/.test(future), `an hour from now: ${future}`);
  });

  await checks.check('-L: brokers, topics, partitions, leaders', async () => {
    const { stdout } = await kcat(['-L', '-J']);
    const listed = JSON.parse(stdout.toString()) as {
      brokers: { name: string }[];
      topics: {
        topic: string;
        partitions: { leader: number; replicas: unknown[]; isrs: unknown[] }[];
      }[];
    };
    same(
      listed.brokers.map((broker) => broker.name),
      [address],
      'brokers',
    );
    const topic = listed.topics.find((one) => one.topic === 'kcat-zstd');
    holds(topic !== undefined, 'kcat-zstd is not listed');
    for (const partition of topic.partitions) {
      holds(
        partition.leader >= 0 && partition.replicas.length === 1 && partition.isrs.length === 1,
        'leader',
      );
    }
  });

  await checks.check('a consumer that waits at the end gets what is produced then', async () => {
    const topic = 'kcat-follow';
    await kcat(['-P', '-t', topic, '-p', '0'], Buffer.from('first\n'));
    const following = kcat(['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-c', '3', '-q']);
    await kcat(['-P', '-t', topic, '-p', '0'], Buffer.from('second\nthird\n'));
    same((await following).stdout.toString(), 'first\nsecond\nthird\n', 'records');
  });
}

if (which('kcat') === null) {
  checks.skip('everything', 'kcat is not installed');
} else {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kcat-'));
  const target = await targetFromArguments();
  try {
    await everything(target.address, folder);
  } finally {
    await target.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exitCode = checks.end();

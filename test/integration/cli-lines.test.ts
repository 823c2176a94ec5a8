/** `millrace produce` and `millrace consume` as child processes against a real broker: round trips, places, failures. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Broker, startBroker } from '../../index.ts';
import { until } from '../broker-process.ts';
import { Command, joinLines, randomLines, run } from './cli-runner.ts';

let broker: Broker;
let directory: string;

beforeAll(async () => {
  broker = await startBroker({
    storage: 'memory',
    listeners: [{ host: '127.0.0.1', port: 0 }],
    netThreads: 0,
    shards: 0,
  });
  directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
});

afterAll(async () => {
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

const millrace = (command: string, args: string[], stdin?: Uint8Array | string) =>
  run([command, ...args, '--broker', broker.address], stdin === undefined ? {} : { stdin });
const produce = (args: string[], stdin: Uint8Array | string) => millrace('produce', args, stdin);
const consume = (args: string[]) => millrace('consume', args);
const createTopic = (name: string, partitions: number, ...configs: string[]) =>
  run([
    'topic',
    'create',
    name,
    '-p',
    String(partitions),
    '--broker',
    broker.address,
    ...configs.flatMap((each) => ['-c', each]),
  ]);

async function textOf(args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await consume(args);
  expect([exitCode, stderr]).toEqual([0, '']);
  return stdout.toString();
}

describe('produce and consume', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'lines of any bytes come back as they were, with codec %s',
    async (codec) => {
      const input = joinLines(randomLines(7, 5000));
      const topic = `round-trip-${codec}`;
      const produced = await produce([topic, '--codec', codec], input);
      expect(produced.stderr).toContain('5,000 records');
      expect(produced.exitCode).toBe(0);
      const consumed = await consume([topic]);
      expect(consumed.stdout.equals(input)).toBe(true);
      expect([consumed.exitCode, consumed.stderr]).toEqual([0, '']);
    },
  );

  test.each([
    ['--acks', '1'],
    ['--acks', '0'],
    ['--no-idempotent'],
    ['--linger', '0'],
    ['--batch-size', '1k', '--buffer', '4k'],
  ])('every line arrives with %s %s', async (...options) => {
    const topic = `options${options.join('')}`;
    await createTopic(topic, 1);
    const input = joinLines(randomLines(8, 1000));
    expect((await produce([topic, ...options], input)).exitCode).toBe(0);
    const arrived = async (): Promise<boolean> => (await consume([topic])).stdout.equals(input);
    expect(await until(arrived, 10_000)).toBe(true);
  });

  test('many partitions together hold every line once', async () => {
    await createTopic('many', 12);
    const lines = randomLines(9, 20_000);
    expect((await produce(['many', '--batch-size', '16k'], joinLines(lines))).exitCode).toBe(0);
    const { stdout } = await consume(['many', '--format', '%p %S %s\\n']);
    const sizes = new Map<string, number>();
    let at = 0;
    const values: string[] = [];
    while (at < stdout.length) {
      const head = /^(\d+) (\d+) /.exec(stdout.toString('latin1', at, at + 30))!;
      const from = at + head[0].length;
      at = from + Number(head[2]) + 1;
      values.push(stdout.toString('latin1', from, at - 1));
      sizes.set(head[1]!, (sizes.get(head[1]!) ?? 0) + 1);
    }
    expect(values.sort()).toEqual(lines.map((line) => line.toString('latin1')).sort());
    expect(sizes.size).toBe(12);
  });

  test('a line without an end at the end of the input is a record, an empty input is none', async () => {
    expect((await produce(['ends'], '')).exitCode).toBe(0);
    await produce(['ends'], 'a\n\nb');
    await produce(['ends'], '\n');
    expect(await textOf(['ends', '--format', '[%s]'])).toBe('[a][][b][]');
  });

  test('files are read one after the other, a dash stands for stdin', async () => {
    const [first, last] = [join(directory, 'first'), join(directory, 'last')];
    writeFileSync(first, 'one\ntwo');
    writeFileSync(last, 'four\n');
    expect((await produce(['files', first, '-', last], 'three\n')).exitCode).toBe(0);
    expect(await textOf(['files'])).toBe('one\ntwo\nthree\nfour\n');
  });

  test('a line much longer than a read arrives whole', async () => {
    await createTopic('long', 1, 'max.message.bytes=10000000');
    const long = Buffer.alloc(5_000_000, 'x');
    const input = joinLines([Buffer.from('before'), long, Buffer.from('after')]);
    expect((await produce(['long'], input)).exitCode).toBe(0);
    expect((await consume(['long'])).stdout.equals(input)).toBe(true);
  });

  test('another delimiter separates records on both sides', async () => {
    await produce(['delimited', '-D', '\\0'], 'a\nb\0c\0');
    expect(await textOf(['delimited', '-D', '--'])).toBe('a\nb--c--');
  });

  test('keys, nulls and headers are written and printed', async () => {
    const args = ['parts', '-k', ':', '-n', '', '-H', 'from=test', '-H', 'empty='];
    await produce(args, 'k:v\nq:\nplain\n:x\na:b:c\n');
    const format = '%o|%k|%K|%s|%S|%h|%p|%t|%%\\n';
    expect(await textOf(['parts', '--format', format, '--null', 'NULL'])).toBe(
      [
        '0|k|1|v|1|from=test,empty=|0|parts|%',
        '1|q|1|NULL|-1|from=test,empty=|0|parts|%',
        '2|NULL|-1|plain|5|from=test,empty=|0|parts|%',
        '3||0|x|1|from=test,empty=|0|parts|%',
        '4|a|1|b:c|3|from=test,empty=|0|parts|%',
        '',
      ].join('\n'),
    );
  });

  test('a separator that is rare, and one of several bytes, are found in the right lines only', async () => {
    const lines = Array.from({ length: 300 }, (_, index) =>
      index % 100 === 50 ? `k=>${index}` : `no${index}`,
    );
    await produce(['rare', '-k', '=>'], `${lines.join('\n')}\nends=\n>starts\n`);
    const printed = await textOf(['rare', '--format', '%K:%s\\n']);
    const wanted = lines.map((line) =>
      line.startsWith('k') ? `1:${line.slice(3)}` : `-1:${line}`,
    );
    expect(printed).toBe(`${wanted.join('\n')}\n-1:ends=\n-1:>starts\n`);
  });

  test('lines of one key keep their order in one partition', async () => {
    await createTopic('keyed', 5);
    const lines = Array.from({ length: 5000 }, (_, index) => `key${index % 17}\t${index}`);
    await produce(['keyed', '-k', '\\t', '--batch-size', '2k'], `${lines.join('\n')}\n`);
    const seen = new Map<string, { partition: string; last: number }>();
    for (const line of (await textOf(['keyed', '--format', '%p %k %s\\n'])).trimEnd().split('\n')) {
      const [partition, key, value] = line.split(' ') as [string, string, string];
      const before = seen.get(key);
      expect(
        before === undefined || (before.partition === partition && before.last < Number(value)),
      ).toBe(true);
      seen.set(key, { partition, last: Number(value) });
    }
    expect(seen.size).toBe(17);
  });

  test('JSON holds text as text and other bytes in base64', async () => {
    await produce(
      ['json', '-k', ':', '-n', 'null'],
      Buffer.from('k:π\nq:null\nb:\xff\n', 'latin1'),
    );
    const rows = (await textOf(['json', '--format', 'json']))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(
      rows.map(({ offset, partition, topic, key }) => [topic, partition, offset, key]),
    ).toEqual([
      ['json', 0, 0, 'k'],
      ['json', 0, 1, 'q'],
      ['json', 0, 2, 'b'],
    ]);
    expect(rows.map((row) => row.value)).toEqual([
      { base64: expect.any(String) },
      null,
      { base64: '/w==' },
    ]);
  });
});

describe('consume', () => {
  const times: number[] = [];

  beforeAll(async () => {
    await createTopic('places', 2);
    for (const [index, partition] of [0, 0, 0, 1].entries()) {
      // Distinct timestamps: each command of its own takes longer than a millisecond.
      await produce(['places', '-p', String(partition)], `r${index}a\nr${index}b\n`);
    }
    const printed = await textOf(['places', '--format', '%T\\n']);
    times.push(...new Set(printed.trimEnd().split('\n').map(Number)));
  });

  test.each([
    [['-p', '0', '--from', '2'], 'r1a r1b r2a r2b'],
    [['-p', '0', '--from', '2', '--to', '4'], 'r1a r1b'],
    [['-p', '0', '--to', '1'], 'r0a'],
    [['-p', '0', '--from', 'end'], ''],
    [['-p', '0', '--from', '-3'], 'r1b r2a r2b'],
    [['-p', '0', '--from', '-100'], 'r0a r0b r1a r1b r2a r2b'],
    [['-p', '0-1', '--from', '-1'], 'r2b r3b'],
    [['-p', '0', '--max', '2'], 'r0a r0b'],
    [['-p', '1', '--max', '0'], ''],
    [['-p', '0', '--from', '1h', '--max', '1'], 'r0a'],
    [['-p', '0', '--to', '1h'], ''],
    [['-p', '0', '--from', '2100-01-01'], ''],
    [['-p', '1', '--offsets'], '1:0\tr3a 1:1\tr3b'],
  ])('%j gives %j', async (args, values) => {
    const printed = (await textOf(['places', ...args])).split('\n').filter((line) => line !== '');
    expect(printed.sort()).toEqual(values.split(' ').filter((value) => value !== ''));
  });

  test('times: from the first record that is not older, to before the first that is not older', async () => {
    expect(times.length).toBe(4);
    const between = ['-p', '0', '--from', `@${times[1]}`, '--to', `@${times[2]}`];
    expect(await textOf(['places', ...between])).toBe('r1a\nr1b\n');
    const iso = new Date(times[2]!).toISOString();
    expect(await textOf(['places', '-p', '0', '--from', iso])).toBe('r2a\nr2b\n');
  });

  test('following prints what comes later, and Ctrl-C ends it well', async () => {
    await produce(['follow'], 'old\n');
    const follower = new Command([
      'consume',
      'follow',
      '--from',
      'end',
      '--follow',
      '-b',
      broker.address,
    ]);
    const watcher = new Command(['consume', 'follow', '--follow', '-b', broker.address]);
    expect(await until(() => watcher.stdout.toString() === 'old\n', 10_000)).toBe(true);
    const hasNew = async (): Promise<boolean> => {
      await produce(['follow'], 'new\n');
      return follower.stdout.toString().startsWith('new\n');
    };
    expect(await until(hasNew, 20_000)).toBe(true);
    follower.child.kill('SIGINT');
    watcher.child.kill('SIGTERM');
    for (const { exitCode, stderr } of [await follower.done, await watcher.done]) {
      expect([exitCode, stderr]).toEqual([0, '']);
    }
  });

  test('a reader that closes the pipe has seen enough', async () => {
    await produce(['pipe'], 'a line that is repeated\n'.repeat(200_000));
    const command = new Command(['consume', 'pipe', '-b', broker.address]);
    command.child.stdout!.once('data', () => command.child.stdout!.destroy());
    const { exitCode, stderr } = await command.done;
    expect([exitCode, stderr]).toEqual([0, '']);
  });
});

describe('failures', () => {
  const nobody = ['--broker', '127.0.0.1:1'];

  beforeAll(async () => {
    await createTopic('x', 1);
  });

  test.each([
    [1, ['consume', 'no-such-topic'], "topic 'no-such-topic': UNKNOWN_TOPIC_OR_PARTITION"],
    [
      1,
      ['produce', 'no-such-topic', '--no-create'],
      "topic 'no-such-topic': UNKNOWN_TOPIC_OR_PARTITION",
    ],
    [1, ['produce', 'bad name'], 'INVALID_TOPIC_EXCEPTION'],
    [1, ['produce', 'x', '/no/such/file'], 'cannot read /no/such/file: there is no such file'],
    [1, ['produce', 'x', '/'], 'cannot read /: it is a directory'],
    [2, ['produce', 'x', '--codec', 'lzma'], '--codec: none, gzip, snappy, lz4, zstd are possible'],
    [2, ['produce', 'x', '--acks', '2'], '--acks: all, 1 and 0 are possible'],
    [2, ['produce', 'x', '--acks', '1', '--idempotent'], '--idempotent needs --acks all'],
    [2, ['produce', 'x', '--batch-size', 'big'], '--batch-size: a size such as'],
    [2, ['produce', 'x', '--header', 'nope'], '--header: name=value is needed'],
    [2, ['produce', 'x', '-p', '5'], "topic 'x' has no partition 5: 0 to 0"],
    [2, ['produce'], "missing required argument 'topic'"],
    [2, ['consume', 'x', '--form', 'json'], "unknown option '--form'"],
    [2, ['consume', 'x', '--format', '%q'], '--format: there is no %q'],
    [2, ['consume', 'x', '--from', 'yesterday'], "not 'yesterday'"],
    [2, ['consume', 'x', '--partition', '3-1'], "not '3-1'"],
    [2, ['consume', 'x', '--partition', '7'], "topic 'x' has no partition 7, only 0 to 0"],
    [2, ['consume', 'x', '--follow', '--to', 'end'], 'does not go with --to'],
    [2, ['consum', 'x'], "unknown command 'consum'"],
  ])('exit code %i and one line: %j', async (exitCode, args, line) => {
    const result = await run([
      ...args,
      ...(args[0] === 'consum' ? [] : ['--broker', broker.address]),
    ]);
    expect(result.stderr).toContain(line);
    expect(result.stderr).toMatch(/^millrace: [^\n]+\n(?:\(Did you mean [^\n]+\n)?$/);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout.length).toBe(0);
  });

  test('a broker that cannot be reached is said soon, also with an open stdin', async () => {
    const command = new Command(['produce', 'x', ...nobody]);
    const { exitCode, stderr } = await command.done;
    expect(stderr).toMatch(/^millrace: cannot connect to 127\.0\.0\.1:1: [^\n]+\n$/);
    expect(exitCode).toBe(1);
  });

  test('a record that is too large fails alone and the command with it', async () => {
    await createTopic('small', 1, 'max.message.bytes=2000');
    const lines = Array.from({ length: 100 }, (_, index) =>
      'y'.repeat(index === 50 ? 5000 : 50 + index),
    );
    const { exitCode, stderr } = await produce(['small'], `${lines.join('\n')}\n`);
    expect(stderr).toContain('1 records were not written');
    expect(stderr).toContain('MESSAGE_TOO_LARGE');
    expect(exitCode).toBe(1);
    expect(await textOf(['small'])).toBe(
      `${lines.filter((line) => line.length < 5000).join('\n')}\n`,
    );
  });

  test('an offset that the log does not have is an error, not a guess', async () => {
    await produce(['x'], 'a\n');
    const { exitCode, stderr } = await consume(['x', '--from', '1000', '--to', '2000']);
    expect(stderr).toContain('OFFSET_OUT_OF_RANGE');
    expect(exitCode).toBe(1);
  });

  test('Ctrl-C while stdin is open: what was read is sent, then the signal shows', async () => {
    const command = new Command(['produce', 'interrupted', '--linger', '0', '-b', broker.address]);
    command.child.stdin!.write('first\nsecond\nunfinished');
    const arrived = async (): Promise<boolean> =>
      (await consume(['interrupted'])).stdout.toString() === 'first\nsecond\n';
    expect(await until(arrived, 20_000)).toBe(true);
    command.child.kill('SIGINT');
    const { signal, stderr } = await command.done;
    expect(signal).toBe('SIGINT');
    expect(stderr).toContain('2 records');
  });
});

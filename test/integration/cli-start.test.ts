/** `millrace start`, `version` and `--help` as child processes: settings, locks, signals, exit codes. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageVersion } from '../../cli/version.ts';
import { until } from '../broker-process.ts';
import { Command, run } from './cli-runner.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

interface Started {
  readonly command: Command;
  readonly address: string;
}

async function start(...args: string[]): Promise<Started> {
  const command = new Command(['start', '--listen', '127.0.0.1:0', ...args]);
  const addressIn = (): string | undefined =>
    /listen(?:s|ing) on (127\.0\.0\.1:\d+)/.exec(`${command.stdout}${command.stderr}`)?.[1];
  const isUp = await until(
    () => addressIn() !== undefined || command.child.exitCode !== null,
    20_000,
  );
  expect([isUp, command.stderr]).toEqual([true, expect.not.stringContaining('millrace: ')]);
  return { command, address: addressIn()! };
}

async function stop({ command }: Started, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  command.child.kill(signal);
  const result = await command.done;
  expect([result.exitCode, result.signal, result.stderr]).toEqual([
    0,
    null,
    expect.stringContaining('stopped'),
  ]);
}

test('start: --log-level debug tells of connections', async () => {
  const started = await start('--data-dir', join(directory, 'talkative'), '--log-level', 'debug');
  await run(['topic', 'list', '-b', started.address]);
  await stop(started);
  const lines = started.command.stderr.toString();
  expect(lines).toMatch(/DEBUG connection of 127\.0\.0\.1:\d+ on PLAINTEXT\n/);
  expect(lines).toMatch(/DEBUG connection of 127\.0\.0\.1 ended\n/);
});

test('start: says where it is, serves, and keeps its records over a stop', async () => {
  const dataDir = join(directory, 'kept');
  const first = await start('--data-dir', dataDir);
  expect(first.command.stdout.toString()).toContain(`Data lies in ${dataDir}\n`);
  expect(first.command.stdout.toString()).toContain(
    `millrace consume greetings --broker ${first.address}\n`,
  );
  await run(['produce', 'greetings', '-b', first.address], { stdin: 'hello\n' });
  await stop(first);
  const second = await start('--data-dir', dataDir);
  const { stdout } = await run(['consume', 'greetings', '-b', second.address]);
  expect(stdout.toString()).toBe('hello\n');
  await stop(second, 'SIGTERM');
});

test('start: a second broker on one data directory, or on one port, says so in one line', async () => {
  const dataDir = join(directory, 'locked');
  const running = await start('--data-dir', dataDir);
  const locked = await run(['start', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
  expect(locked.stderr).toMatch(/^millrace: [^\n]*locked[^\n]*\n$/);
  expect(locked.stderr).toContain(String(running.command.child.pid));
  expect(locked.exitCode).toBe(1);
  const other = join(directory, 'other');
  const inUse = await run(['start', '--listen', running.address, '--data-dir', other]);
  expect(inUse.stderr).toMatch(/^millrace: [^\n]*in use[^\n]*\n$/);
  expect(inUse.stderr).toContain(running.address);
  expect(inUse.exitCode).toBe(1);
  await stop(running);
});

test('start: settings come from a file, the environment and flags', async () => {
  const config = join(directory, 'broker.properties');
  const dataDir = join(directory, 'settings');
  writeFileSync(
    config,
    `num.partitions=3\nlog.dirs=${dataDir}\n# a comment\nlog.retention.ms=5000\n`,
  );
  const command = ['--config', config, '--set', 'log.retention.ms=7000'];
  const broker = await start(...command);
  expect(broker.command.stdout.toString()).toContain(`Data lies in ${dataDir}\n`);
  await run(['topic', 'create', 't', '-b', broker.address]);
  const described = await run([
    'topic',
    'describe',
    't',
    '--json',
    '--all-configs',
    '-b',
    broker.address,
  ]);
  const [topic] = JSON.parse(described.stdout.toString());
  expect(topic.partitions.length).toBe(3);
  expect(topic.configs['retention.ms']).toBe('7000');
  await stop(broker);
});

test('start: a log in JSON has one object a line', async () => {
  const broker = await start('--data-dir', join(directory, 'json'), '--log-format', 'json');
  await stop(broker);
  const lines = broker.command.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map((line) => line.msg)).toContainEqual(
    `listening on ${broker.address}, data in ${join(directory, 'json')}`,
  );
  expect(lines.at(-1)).toMatchObject({ level: 30, msg: 'stopped' });
});

test.each([
  [['--set', 'num.partitions=none'], 'num.partitions'],
  [['--set', 'no.such.setting=1'], 'no.such.setting'],
  [['--set', 'novalue'], 'name=value'],
  [['--config', '/no/such/file'], '/no/such/file'],
  [['--listen', 'nowhere:port'], "'nowhere:port'"],
  [['--log-format', 'xml'], '--log-format'],
  [['--log-level', 'loud'], '--log-level'],
  [['--colour'], "unknown option '--colour'"],
])('start: %j is one line and exit code 2', async (args, word) => {
  const { exitCode, stderr, stdout } = await run([
    'start',
    '-d',
    join(directory, 'never'),
    ...args,
  ]);
  expect(stderr).toMatch(/^millrace: [^\n]+\n$/);
  expect(stderr).toContain(word);
  expect([exitCode, stdout.length]).toEqual([2, 0]);
});

test('start: an environment variable that is no setting is one line and exit code 2', async () => {
  const env = { MILLRACE_LOG_RETENTON_MS: '1' };
  const { exitCode, stderr } = await run(['start', '-d', join(directory, 'never')], { env });
  expect(stderr).toMatch(/^millrace: [^\n]*MILLRACE_LOG_RETENTON_MS[^\n]*\n$/);
  expect(exitCode).toBe(2);
});

test('version: is that of the package, in every way of asking', async () => {
  for (const args of [['version'], ['--version'], ['-V']]) {
    const { exitCode, stdout } = await run(args);
    expect(stdout.toString()).toMatch(new RegExp(`^millrace ${packageVersion()} \\(Node\\.js v`));
    expect(exitCode).toBe(0);
  }
});

test.each([
  [[]],
  [['start']],
  [['topic']],
  [['topic', 'create']],
  [['topic', 'describe']],
  [['topic', 'alter']],
  [['produce']],
  [['consume']],
  [['dump']],
])('help: millrace %j --help explains itself with examples', async (command) => {
  const { exitCode, stdout, stderr } = await run([...command, '--help']);
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout.toString()).toMatch(/^Usage: millrace/);
  expect(stdout.toString()).toContain('$ millrace ');
});

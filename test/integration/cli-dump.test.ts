/** `millrace dump` on files that a real broker wrote, whole and damaged. */

import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../index.ts';
import { run } from './cli-runner.ts';

let directory: string;
let log: string;

const fileIn = (topic: string, suffix: string): string => {
  const folder = join(directory, 'data', topic);
  const name = readdirSync(folder).find((each) => each.endsWith(suffix))!;
  return join(folder, name);
};

/** A copy of the log beside nothing else, changed by `change`. */
function damaged(name: string, change: (path: string) => void): string {
  const path = join(directory, name);
  copyFileSync(log, path);
  change(path);
  return path;
}

async function dump(...args: string[]) {
  const { exitCode, stdout, stderr } = await run(['dump', ...args]);
  return { exitCode, text: stdout.toString(), stderr };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  const broker = await startBroker({
    dataDir: join(directory, 'data'),
    listeners: [{ host: '127.0.0.1', port: 0 }],
    netThreads: 0,
    shards: 0,
  });
  const produce = (args: string[], stdin: string) =>
    run(['produce', ...args, '-b', broker.address], { stdin });
  await produce(['plain', '-k', ':', '-H', 'h=1', '-n', 'null'], 'k:v\nq:null\n');
  await produce(['plain', '--codec', 'gzip'], 'a "quoted" line\n\n');
  await produce(['plain', '--no-idempotent'], 'last\n');
  await produce(['many', '--batch-size', '8k'], `${'x'.repeat(500)}\n`.repeat(400));
  await broker.close();
  log = fileIn('plain-0', '.log');
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

test('dump: a log file is shown batch by batch, and its end is explained', async () => {
  const { exitCode, text } = await dump(log);
  const lines = text.trimEnd().split('\n');
  expect(lines[0]).toMatch(
    /^position 0 {2}offsets 0 to 1 {2}records 2 .* codec none .* producer \d+ epoch 0 sequence 0$/,
  );
  expect(lines[1]).toMatch(/^position \d+ {2}offsets 2 to 3 {2}records 2 .* codec gzip /);
  expect(lines[2]).not.toContain('producer');
  expect(lines[3]).toMatch(/^3 batches, 5 records, last offset 4, (\d+) of \1 bytes are valid$/);
  expect(lines[4]).toBe('the file ends with a whole batch');
  expect(exitCode).toBe(0);
});

test('dump: with --records every record is shown', async () => {
  const { text } = await dump('--records', log);
  const records = text.split('\n').filter((line) => line.startsWith('  offset'));
  expect(records.map((line) => line.replace(/time \S+/, 'time T'))).toEqual([
    '  offset 0  time T  key "k"  value "v"  headers h="1"',
    '  offset 1  time T  key "q"  value null  headers h="1"',
    '  offset 2  time T  key null  value "a \\"quoted\\" line"',
    '  offset 3  time T  key null  value ""',
    '  offset 4  time T  key null  value "last"',
  ]);
});

test('dump: reserved space behind the last batch is well, anything in it is not', async () => {
  const size = readFileSync(log).length;
  const reserved = damaged('reserved.log', (path) => truncateSync(path, size + 1000));
  expect(await dump('-q', reserved)).toMatchObject({
    exitCode: 0,
    text: expect.stringContaining('then 1000 bytes of reserved space, all zero\n'),
  });
  const stray = damaged('stray.log', (path) => {
    const bytes = Buffer.concat([readFileSync(path), Buffer.alloc(1000)]);
    bytes[size + 500] = 1;
    writeFileSync(path, bytes);
  });
  expect(await dump('-q', stray)).toMatchObject({
    exitCode: 1,
    text: expect.stringContaining(
      `NOT INTACT: zeros from position ${size} on, but position ${size + 500} is not zero\n`,
    ),
  });
});

test('dump: a batch that is cut off is found', async () => {
  const size = readFileSync(log).length;
  const cut = damaged('cut.log', (path) => truncateSync(path, size - 1));
  const { exitCode, text } = await dump(cut);
  expect(text).toMatch(
    /NOT INTACT: the batch at position \d+ is cut off: (\d+) bytes are needed, \d+ are there\n$/,
  );
  expect(exitCode).toBe(1);
});

test.each([
  ['a byte of a record', 70, 'the checksum of the batch differs'],
  ['the magic', 16, 'not a record batch of version 2'],
  ['the length', 8, "the length field is not a batch's"],
])('dump: %s that changed is found with its position', async (_what, at, words) => {
  const path = damaged(`changed-${at}.log`, (file) => {
    const bytes = readFileSync(file);
    bytes[at] = bytes[at]! ^ 0xff;
    writeFileSync(file, bytes);
  });
  const { exitCode, text } = await dump(path);
  expect(text).toBe(
    `0 batches, 0 records, 0 of ${readFileSync(path).length} bytes are valid\nNOT INTACT: position 0: ${words}\n`,
  );
  expect(exitCode).toBe(1);
});

test('dump: indexes are shown and compared with the log', async () => {
  const index = fileIn('many-0', '.index');
  const { exitCode, text } = await dump(index);
  expect(text).toMatch(/^offset \d+ {2}position \d+\n/);
  expect(text).toMatch(/\n\d+ entries, compared with the log\n$/);
  expect(exitCode).toBe(0);
  const times = await dump(fileIn('many-0', '.timeindex'));
  expect(times.text).toMatch(/^time 20\d\d-\S+Z {2}offset \d+\n/);
  expect(times.exitCode).toBe(0);
});

test('dump: an index entry that points between two batches is found', async () => {
  const index = fileIn('many-0', '.index');
  const good = readFileSync(index);
  const bytes = Buffer.from(good);
  bytes.writeInt32BE(bytes.readInt32BE(4) + 7, 4);
  writeFileSync(index, bytes);
  const { exitCode, text } = await dump('-q', index);
  writeFileSync(index, good);
  expect(text).toMatch(/NOT INTACT: entry 0: /);
  expect(exitCode).toBe(1);
});

test('dump: a producer snapshot is shown, and one that changed is not believed', async () => {
  const snapshot = fileIn('plain-0', '.snapshot');
  const { exitCode, text } = await dump(snapshot);
  expect(text).toMatch(/^producer id +epoch +last sequence/);
  expect(text).toMatch(/\n2 producers at offset 5\n$/);
  expect(exitCode).toBe(0);
  const path = join(directory, 'bad.snapshot');
  const bytes = readFileSync(snapshot);
  bytes[20] = bytes[20]! ^ 1;
  writeFileSync(path, bytes);
  expect(await dump(path)).toMatchObject({
    exitCode: 1,
    text: expect.stringContaining('the checksum differs'),
  });
});

test('dump: several files are named, a missing one is an error, another kind of file is wrong use', async () => {
  const two = await dump('-q', log, fileIn('many-0', '.log'));
  expect(two.text.split('\n')[0]).toBe(`${log}:`);
  expect(await dump(join(directory, 'none.log'))).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('there is no such file'),
  });
  expect(await dump('README.md')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('only .log, .index'),
  });
});

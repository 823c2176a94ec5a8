import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TestLog } from '../../test/property/log-in-memory.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { parseCheckpoint } from './kafka-checkpoints.ts';

const FIXTURE = new URL('../../test/fixtures/kafka-log/', import.meta.url);
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** The directory as Kafka left it, in memory. */
function kafkaFiles(): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  fs.mkdir('/data/fix-0');
  const put = (path: string, bytes: Buffer): void => fs.writeFileAtomic(path, bytes, false);
  for (const name of readdirSync(new URL('fix-0/', FIXTURE))) {
    put(`/data/fix-0/${name}`, readFileSync(new URL(`fix-0/${name}`, FIXTURE)));
  }
  for (const name of ['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint']) {
    put(`/data/${name}`, readFileSync(new URL(name, FIXTURE)));
  }
  put('/data/.kafka_cleanshutdown', Buffer.from('{}'));
  return fs;
}

function open(fs: MemoryFileSystem): TestLog {
  return new TestLog({ fs, name: 'fix', config: { indexIntervalBytes: 512 } });
}

function bytesOf(fs: MemoryFileSystem, suffixes: RegExp): Map<string, string> {
  const names = fs.readdir('/data/fix-0').filter((name) => suffixes.test(name));
  return new Map(
    names.sort().map((name) => [name, fs.readFile(`/data/fix-0/${name}`).toString('hex')]),
  );
}

function expectAllRecords(log: TestLog): void {
  const records = log.records(0);
  expect(records.length).toBe(750);
  records.forEach(({ offset, key, value, headers }, i) => {
    const codec = CODECS[Math.floor(i / 150)]!;
    const n = (i % 150) + 1;
    expect(offset).toBe(i);
    expect(Buffer.from(key!).toString()).toBe(`key-${n}`);
    expect(Buffer.from(value!).toString()).toBe(`${codec} value ${n} lorem ipsum dolor sit amet`);
    expect(headers.map((header) => header.key)).toEqual(['codec']);
  });
}

describe('a partition directory written by Kafka', () => {
  test('opens in place: records of every codec, producers and leader epochs are there', () => {
    const log = open(kafkaFiles());
    expect(log.lines).toEqual([]);
    expectAllRecords(log);
    expect(
      log.log.producers().map(({ producerId, lastSequence }) => [producerId, lastSequence]),
    ).toEqual([0, 1, 2, 3, 4].map((id) => [id, 149]));
    expect(log.log.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 750 });
  });

  test('is left as it was by opening and closing it, but for the mark of the clean shutdown', () => {
    const fs = kafkaFiles();
    const before = bytesOf(fs, /./);
    open(fs).log.close();
    expect(bytesOf(fs, /./)).toEqual(before);
    expect(fs.exists('/data/.kafka_cleanshutdown')).toBe(false);
  });

  test('gets indexes equal to Kafka’s to the byte when they are missing', () => {
    const fs = kafkaFiles();
    const before = bytesOf(fs, /index$/);
    for (const name of before.keys()) fs.unlink(`/data/fix-0/${name}`);
    const log = open(fs);
    expectAllRecords(log);
    log.log.close();
    expect(bytesOf(fs, /index$/)).toEqual(before);
  });

  test('is recovered after a kill: zeros behind log and indexes, a torn batch at the end', () => {
    const fs = kafkaFiles();
    const before = bytesOf(fs, /(log|index)$/);
    const last = '/data/fix-0/00000000000000000600';
    const torn = fs.readFile(`${last}.log`).subarray(0, 200);
    const append = (path: string, bytes: Uint8Array): void => {
      fs.writeFileAtomic(path, Buffer.concat([fs.readFile(path), bytes]), false);
    };
    append(`${last}.log`, torn);
    append(`${last}.index`, Buffer.alloc(800));
    append(`${last}.timeindex`, Buffer.alloc(1200));
    fs.unlink('/data/fix-0/00000000000000000750.snapshot');
    fs.writeFileAtomic('/data/recovery-point-offset-checkpoint', Buffer.from('0\n0\n'), false);
    const log = open(fs);
    expectAllRecords(log);
    expect(log.log.producers().length).toBe(5);
    log.log.close();
    expect(bytesOf(fs, /(log|index)$/)).toEqual(before);
  });

  test('takes the next batch of a producer that Kafka knew, and recognises a repeated one', () => {
    const log = open(kafkaFiles());
    const next = log.append(1, 10, { producerId: 4, producerEpoch: 0, baseSequence: 150 });
    expect([next.errorCode, next.baseOffset]).toEqual([0, 750]);
    const repeated = log.append(10, 10, { producerId: 3, producerEpoch: 0, baseSequence: 140 });
    expect([repeated.errorCode, repeated.baseOffset, repeated.duplicate]).toEqual([0, 590, true]);
  });

  test('starts where its checkpoint says that it starts', () => {
    const fs = kafkaFiles();
    const text = '0\n1\nfix 0 310\n';
    fs.writeFileAtomic('/data/log-start-offset-checkpoint', Buffer.from(text), false);
    const log = open(fs);
    expect(log.baseOffsets(310)[0]).toBe(310);
    expect(log.names().filter((name) => /^0+150\./.test(name))).toEqual([]);
  });
});

test('a checkpoint file gives an offset per partition, and nonsense gives none', () => {
  const text = '0\n2\nfix 0 750\nwith-dash 11 8\n';
  expect([...parseCheckpoint(text)]).toEqual([
    ['fix-0', 750],
    ['with-dash-11', 8],
  ]);
  expect(parseCheckpoint('').size).toBe(0);
  expect(parseCheckpoint('0\n1\nfix x y\n').size).toBe(0);
});

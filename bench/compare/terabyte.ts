/**
 * One question: does a log of a terabyte behave like one of a gigabyte? A partition of sparse segments is laid out as a
 * broker would have written it (every batch valid, indexes complete), opened by a fresh broker, and then start-up, appends,
 * reads at the tail and reads at random offsets are measured on it. A batch of a mebibyte takes one page on the disk: the
 * rest of it is zeros that were never written.
 *
 * Both logs are there at the same time, each with its broker, and are measured in turn, several rounds of each figure, of
 * which the median counts: what the machine does meanwhile meets both alike. The start-up is that of a broker that knew the
 * log and was killed; the first start, on files that it has never seen, has a line of its own.
 *
 * `node bench/compare/terabyte.ts [--gigabytes 1,1000] [--runs N]`; lines of JSON into $OUT, as measure.sh writes them.
 */

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Fetcher, Producer } from '../../client/index.ts';
import { systemClock } from '../../engine/base/clock.ts';
import { setInt64 } from '../../engine/base/int64.ts';
import { Prng } from '../../engine/base/prng.ts';
import { randomUuid } from '../../engine/base/uuid.ts';
import { BASE_OFFSET_AT, BATCH_HEADER_BYTES } from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import {
  LOG_SUFFIX,
  OFFSET_ENTRY_BYTES,
  OFFSET_INDEX_SUFFIX,
  putOffsetEntry,
  putTimeEntry,
  segmentFileName,
  TIME_ENTRY_BYTES,
  TIME_INDEX_SUFFIX,
} from '../../engine/format/index-layout.ts';
import {
  formatPartitionMetadata,
  PARTITION_METADATA_FILE,
} from '../../engine/format/partition-metadata.ts';
import { accepts, BrokerProcess, pause, until } from '../../test/broker-process.ts';
import { peers, root, workDirectory } from '../toolchain.ts';

const { values } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '1,1000' },
    runs: { type: 'string', default: '1' },
  },
});

const TOPIC = 'large';
const BATCH_BYTES = 1 << 20;
const BATCHES_A_SEGMENT = 1000;
/** The part of a batch that is not zero, with room to spare. */
const WRITTEN_BYTES = 128;
const APPEND_BYTES = 256e6;
const RECORD_BYTES = 64 * 1024;
const RANDOM_READS = 400;
/** Of them one after the other before the log is taken out of memory again. */
const COLD_READS = 10;
const SETTLE_MS = 4000;
const ROUNDS = 5;

/** A batch of one record of zeros, and nearly exactly BATCH_BYTES large. */
function largeBatch(timestamp: number): Buffer {
  const value = new Uint8Array(BATCH_BYTES - BATCH_HEADER_BYTES - 32);
  return Buffer.from(buildBatch({ records: [{ value, timestamp }] }));
}

/** Lays out a partition of `gigabytes` segments. Returns its end offset. */
function layOut(dataDir: string, gigabytes: number): number {
  const directory = join(dataDir, `${TOPIC}-0`);
  mkdirSync(directory, { recursive: true });
  const id = randomUuid((bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>));
  writeFileSync(join(directory, PARTITION_METADATA_FILE), formatPartitionMetadata(id));
  const startedAt = systemClock.now() - gigabytes;
  for (let segment = 0; segment < gigabytes; segment++) {
    const baseOffset = segment * BATCHES_A_SEGMENT;
    const timestamp = startedAt + segment;
    const batch = largeBatch(timestamp);
    const head = batch.subarray(0, WRITTEN_BYTES);
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const log = openSync(join(directory, segmentFileName(baseOffset, LOG_SUFFIX)), 'w');
    const offsets = new DataView(new ArrayBuffer((BATCHES_A_SEGMENT - 1) * OFFSET_ENTRY_BYTES));
    for (let index = 0; index < BATCHES_A_SEGMENT; index++) {
      setInt64(view, BASE_OFFSET_AT, baseOffset + index);
      writeSync(log, head, 0, head.length, index * batch.length);
      // The first batch of a segment has no entry: it is found without.
      if (index > 0)
        putOffsetEntry(offsets, (index - 1) * OFFSET_ENTRY_BYTES, {
          relativeOffset: index,
          position: index * batch.length,
        });
    }
    ftruncateSync(log, BATCHES_A_SEGMENT * batch.length);
    // The first page of each batch makes 4 GB of a terabyte: what is measured must not wait for the kernel to write them back.
    fdatasyncSync(log);
    closeSync(log);
    const times = new DataView(new ArrayBuffer(TIME_ENTRY_BYTES));
    putTimeEntry(times, 0, { timestamp, relativeOffset: 0 });
    writeFileSync(join(directory, segmentFileName(baseOffset, OFFSET_INDEX_SUFFIX)), offsets);
    writeFileSync(join(directory, segmentFileName(baseOffset, TIME_INDEX_SUFFIX)), times);
  }
  return gigabytes * BATCHES_A_SEGMENT;
}

async function send(client: Client, count: number): Promise<number> {
  const value = new Uint8Array(RECORD_BYTES);
  const startedAt = performance.now();
  const producer = new Producer(client, {
    acks: 1,
    idempotent: false,
    batchBytes: RECORD_BYTES + 1000,
  });
  const open: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    open.push(producer.send({ topic: TOPIC, partition: 0, value }));
    if (producer.heldBytes > 16 << 20) await Promise.all(open.splice(0));
  }
  await Promise.all(open);
  return (count * RECORD_BYTES) / 1e6 / ((performance.now() - startedAt) / 1000);
}

async function readRange(client: Client, from: number, to: number): Promise<number> {
  const startedAt = performance.now();
  using fetcher = new Fetcher(client, { checkCrc: false });
  fetcher.assign([{ topic: TOPIC, partition: 0, offset: from, endOffset: to }]);
  let bytes = 0;
  for (let chunk = await fetcher.next(); chunk !== null; chunk = await fetcher.next()) {
    bytes += chunk.to - chunk.from;
    chunk.release();
  }
  return bytes / 1e6 / ((performance.now() - startedAt) / 1000);
}

/**
 * Reads of one batch at random offsets, a second, all of them from the disk: the kernel reads ahead so far that a few dozen
 * would bring all of a gigabyte into memory, and nothing worth mentioning of a terabyte. So both are made cold anew, aside
 * of the time that counts. One fetcher for those in between, for each has a connection of its own.
 */
async function readRandomly(
  client: Client,
  directory: string,
  end: number,
  random: Prng,
): Promise<number> {
  let tookMs = 0;
  for (let count = 0; count < RANDOM_READS; count += COLD_READS) {
    spawnSync(peers.rdload, ['evict', `dir=${directory}`]);
    using fetcher = new Fetcher(client, { checkCrc: false, partitionMaxBytes: 1 });
    for (let read = 0; read <= COLD_READS; read++) {
      const offset = random.below(end);
      const startedAt = performance.now();
      fetcher.assign([{ topic: TOPIC, partition: 0, offset, endOffset: offset + 1 }]);
      const chunk = await fetcher.next();
      if (chunk === null) throw new Error(`nothing at offset ${offset}`);
      chunk.release();
      // The first of them connects as well.
      if (read > 0) tookMs += performance.now() - startedAt;
    }
  }
  return RANDOM_READS / (tookMs / 1000);
}

function say(metric: string, run: number, load: object, cpu: object = {}): void {
  const line = JSON.stringify({ metric, run, load, cpu });
  if (process.env.OUT !== undefined) appendFileSync(process.env.OUT, `${line}\n`);
  process.stderr.write(`${line}\n`);
}

/** A log with its broker. */
class LargeLog implements AsyncDisposable {
  readonly name: string;
  readonly client: Client;
  readonly #broker: BrokerProcess;
  /** Behind the records that were laid out. */
  readonly #end: number;
  /** Behind all records. */
  #logEnd: number;

  private constructor(name: string, broker: BrokerProcess, end: number) {
    this.name = name;
    this.#broker = broker;
    this.#end = end;
    this.#logEnd = end;
    this.client = new Client({ brokers: broker.address, retryBackoffMs: 2, retryMs: 300_000 });
  }

  static async open(gigabytes: number, run: number): Promise<LargeLog> {
    const name = gigabytes >= 1000 ? 'terabyte' : 'gigabyte';
    mkdirSync(workDirectory, { recursive: true });
    const dataDir = mkdtempSync(join(workDirectory, `${name}-`));
    try {
      const end = layOut(dataDir, gigabytes);
      const entry = join(root, 'dist', 'cli', 'main.js');
      const broker = await BrokerProcess.start({ dataDir, entry, startTimeoutMs: 300_000 });
      const log = new LargeLog(name, broker, end);
      await log.append(1);
      say(`${name}-first-start`, run, { all_ms: performance.now() - broker.launchedAt });
      return log;
    } catch (error) {
      rmSync(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  get residentMb(): number {
    return this.#broker.memory().residentMb;
  }

  /** Milliseconds from the launch of a broker that was killed to the first record. */
  async restart(): Promise<number> {
    await this.#broker.kill();
    this.#broker.launch();
    if (!(await until(() => accepts(this.#broker.port), 300_000, 2))) {
      throw new Error(this.#broker.output);
    }
    await this.append(1);
    return performance.now() - this.#broker.launchedAt;
  }

  append(count: number): Promise<number> {
    this.#logEnd += count;
    return send(this.client, count);
  }

  readTail(count: number): Promise<number> {
    return readRange(this.client, this.#logEnd - count, this.#logEnd);
  }

  readRandomly(random: Prng): Promise<number> {
    const directory = join(this.#broker.dataDir, `${TOPIC}-0`);
    return readRandomly(this.client, directory, this.#end, random);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.#broker.kill();
    rmSync(this.#broker.dataDir, { recursive: true, force: true });
  }
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** The figure's median for each of the logs, which go first in turn. */
async function inTurn(
  logs: readonly LargeLog[],
  figure: (log: LargeLog, round: number) => Promise<number>,
): Promise<Map<LargeLog, number>> {
  const figures = new Map<LargeLog, number[]>(logs.map((log) => [log, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const log of round % 2 === 0 ? logs : logs.toReversed()) {
      figures.get(log)!.push(await figure(log, round));
    }
  }
  return new Map([...figures].map(([log, values]) => [log, medianOf(values)]));
}

async function measure(logs: readonly LargeLog[], run: number): Promise<void> {
  const count = Math.floor(APPEND_BYTES / RECORD_BYTES);
  // Long enough for the background flush: the tail of a log that was written elsewhere is unknown to it.
  await pause(SETTLE_MS);
  for (const [{ name, residentMb }, all_ms] of await inTurn(logs, (log) => log.restart())) {
    say(`${name}-startup`, run, { all_ms }, { rss_mb: residentMb });
  }
  for (const log of logs) await log.append(500);
  for (const [{ name }, value] of await inTurn(logs, (log) => log.append(count))) {
    say(`${name}-append`, run, { value });
  }
  for (const log of logs) await log.readTail(500);
  for (const [{ name }, value] of await inTurn(logs, (log) => log.readTail(count))) {
    say(`${name}-tail-read`, run, { value });
  }
  const seeds = (round: number): Prng => new Prng(run * ROUNDS + round);
  const reads = await inTurn(logs, (log, round) => log.readRandomly(seeds(round)));
  for (const [{ name, residentMb }, value] of reads) {
    say(`${name}-random-read`, run, { value }, { rss_mb: residentMb });
  }
}

for (let run = 1; run <= Number(values.runs); run++) {
  await using stack = new AsyncDisposableStack();
  const logs: LargeLog[] = [];
  for (const gigabytes of values.gigabytes.split(',').map(Number)) {
    logs.push(stack.use(await LargeLog.open(gigabytes, run)));
  }
  await measure(logs, run);
}

/**
 * `millrace produce`: lines of files or stdin become records. Chunks are read ahead, lines are found with
 * `Buffer.indexOf` and appended as ranges of the chunk: nothing is allocated per line. When the producer's
 * buffer is full, reading waits.
 *
 * Main thread.
 */

import type { BatchReport } from '../client/accumulator.ts';
import { ClientError } from '../client/client-error.ts';
import { Producer, type ProducerOptions } from '../client/producer.ts';
import type { TopicWriter } from '../client/topic-writer.ts';
import { type CodecName, codecNames } from '../engine/format/batch.ts';
import type { RecordHeader } from '../engine/format/records.ts';
import { ChunkReader } from './chunk-reader.ts';
import { endWith } from './end.ts';
import { UsageError } from './failure.ts';
import { formatBytes, formatCount, formatDuration, Progress } from './progress.ts';
import { type BrokerOption, withClient } from './shared-options.ts';
import { dieOf, firstSignal } from './signals.ts';
import { parseCount, parseEscaped, parseSize } from './values.ts';

export interface ProduceOptions extends BrokerOption {
  readonly keySeparator?: string;
  readonly partition?: string;
  readonly codec: string;
  readonly codecLevel?: string;
  readonly acks: string;
  readonly idempotent?: boolean;
  readonly nullValue?: string;
  readonly header?: readonly string[];
  readonly delimiter?: string;
  readonly batchSize: string;
  readonly linger: string;
  readonly buffer: string;
  readonly timeout: string;
  readonly create: boolean;
  readonly quiet?: boolean;
}

/** How lines become records. */
export interface LineRules {
  readonly delimiter: Buffer;
  readonly keySeparator: Buffer | null;
  readonly nullValue: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** Where lines go: a topic writer, or a stand-in for it. */
export type LineSink = Pick<TopicWriter, 'append' | 'appendRecord' | 'whenRoom'>;

const silence = { write: () => true };

/** Different reasons for failed records that are printed; the rest is counted. */
const REASONS_MAX = 5;

export async function produce(
  topic: string,
  files: readonly string[],
  options: ProduceOptions,
): Promise<void> {
  const rules = lineRules(options);
  const outcome = new Outcome();
  const producerOptions = producerOptionsOf(options, (report) => outcome.add(report));
  const partition =
    options.partition === undefined
      ? {}
      : { partition: parseCount(options.partition, '--partition') };
  const readers = await openAll(files.length === 0 ? ['-'] : files);
  const sizes = await Promise.all(readers.map((reader) => reader.size()));
  const totalBytes = sizes.includes(null)
    ? null
    : sizes.reduce<number>((sum, size) => sum + size!, 0);
  const bytesRead = (): number => readers.reduce((sum, reader) => sum + reader.bytesRead, 0);
  let signal: NodeJS.Signals | null = null;
  const interrupted = firstSignal().then((first) => {
    signal = first;
  });
  await withClient(options, async (client) => {
    const producer = new Producer(client, producerOptions);
    const progress = new Progress(options.quiet ? silence : process.stderr, () => ({
      records: outcome.records,
      bytes: bytesRead(),
      totalBytes,
    }));
    try {
      const writer = await producer.open(topic, partition);
      const mayGoOn = (): boolean => signal === null && outcome.fatal === null;
      try {
        for (const reader of readers) {
          // A read of stdin may never come back: neither a signal nor a broken broker waits for it.
          const reading = mayGoOn() ? produceLines(reader, writer, rules, mayGoOn) : undefined;
          await Promise.race([reading, interrupted, outcome.broken]);
        }
      } finally {
        // What was read before an input failed is sent all the same.
        await producer.close();
      }
    } finally {
      progress.stop();
    }
    if (!options.quiet)
      process.stderr.write(outcome.summary(topic, bytesRead(), progress.elapsedMs));
    if (outcome.failures > 0) process.stderr.write(outcome.reasons());
  });
  if (signal !== null) dieOf(signal);
  else if (outcome.failures > 0) endWith(1);
  for (const reader of readers) await reader.close();
}

/** Sends the lines of one input; ends early, after a whole line, when `mayGoOn` says no. */
export async function produceLines(
  reader: Pick<ChunkReader, 'bytes' | 'from' | 'to' | 'isEnd' | 'next'>,
  sink: LineSink,
  rules: LineRules,
  mayGoOn: () => boolean = () => true,
): Promise<void> {
  const { delimiter } = rules;
  // Searching for a number is faster than searching for a buffer of one byte.
  const wanted = delimiter.length === 1 ? delimiter[0]! : delimiter;
  const appender = new LineAppender(sink, rules);
  let at = reader.to;
  while (mayGoOn()) {
    await reader.next(at);
    const chunk = reader.bytes.subarray(0, reader.to);
    appender.start(chunk, Date.now());
    at = reader.from;
    for (let end = chunk.indexOf(wanted, at); end >= 0; end = chunk.indexOf(wanted, at)) {
      while (!appender.append(at, end)) await sink.whenRoom();
      at = end + delimiter.length;
    }
    if (!reader.isEnd) continue;
    // The last line may lack its end.
    if (at < reader.to) while (!appender.append(at, reader.to)) await sink.whenRoom();
    return;
  }
}

/** Turns the lines of one chunk after another into records. */
class LineAppender {
  readonly #sink: LineSink;
  readonly #rules: LineRules;
  #chunk: Buffer = Buffer.alloc(0);
  #nowMs = 0;
  /** The first separator that was found at or behind the last place looked at; Infinity: none is left. */
  #separatorAt = -1;

  constructor(sink: LineSink, rules: LineRules) {
    this.#sink = sink;
    this.#rules = rules;
  }

  start(chunk: Buffer, nowMs: number): void {
    this.#chunk = chunk;
    this.#nowMs = nowMs;
    this.#separatorAt = -1;
  }

  /** Appends the line [from, to); false: there is no room. */
  append(from: number, to: number): boolean {
    const { keySeparator, nullValue, headers } = this.#rules;
    const chunk = this.#chunk;
    let keyLength = -1;
    let valueAt = from;
    if (keySeparator !== null) {
      // The search may run far past the line; what it found there is kept for the lines that follow.
      if (this.#separatorAt < from) {
        const found = chunk.indexOf(keySeparator, from);
        this.#separatorAt = found < 0 ? Number.POSITIVE_INFINITY : found;
      }
      if (this.#separatorAt + keySeparator.length <= to) {
        keyLength = this.#separatorAt - from;
        valueAt = this.#separatorAt + keySeparator.length;
      }
    }
    let valueLength = to - valueAt;
    if (
      nullValue !== null &&
      valueLength === nullValue.length &&
      chunk.compare(nullValue, 0, nullValue.length, valueAt, to) === 0
    ) {
      valueLength = -1;
    }
    if (headers.length === 0) {
      return this.#sink.append(chunk, from, keyLength, chunk, valueAt, valueLength, this.#nowMs);
    }
    const key = keyLength < 0 ? null : chunk.subarray(from, from + keyLength);
    const value = valueLength < 0 ? null : chunk.subarray(valueAt, to);
    return this.#sink.appendRecord(key, value, this.#nowMs, headers);
  }
}

function lineRules(options: ProduceOptions): LineRules {
  const delimiter = parseEscaped(options.delimiter ?? '\n');
  if (delimiter.length === 0) throw new UsageError('--delimiter must not be empty');
  const keySeparator =
    options.keySeparator === undefined ? null : parseEscaped(options.keySeparator);
  if (keySeparator?.length === 0) throw new UsageError('--key-separator must not be empty');
  const headers = (options.header ?? []).map((text) => {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new UsageError(`--header: name=value is needed, not '${text}'`);
    return { key: text.slice(0, equals), value: Buffer.from(text.slice(equals + 1)) };
  });
  const nullValue = options.nullValue === undefined ? null : Buffer.from(options.nullValue);
  return { delimiter, keySeparator, nullValue, headers };
}

function producerOptionsOf(
  options: ProduceOptions,
  onBatch: (report: BatchReport) => void,
): ProducerOptions {
  const codec = options.codec as CodecName;
  if (!codecNames.includes(codec)) {
    throw new UsageError(`--codec: ${codecNames.join(', ')} are possible, not '${options.codec}'`);
  }
  const acks = ({ all: 'all', '-1': 'all', 1: 1, 0: 0 } as const)[options.acks];
  if (acks === undefined)
    throw new UsageError(`--acks: all, 1 and 0 are possible, not '${options.acks}'`);
  if (options.idempotent === true && acks !== 'all') {
    throw new UsageError('--idempotent needs --acks all');
  }
  return {
    acks,
    codec,
    onBatch,
    batchBytes: parseSize(options.batchSize, '--batch-size'),
    lingerMs: parseCount(options.linger, '--linger'),
    bufferBytes: parseSize(options.buffer, '--buffer'),
    deliveryTimeoutMs: parseCount(options.timeout, '--timeout', 1) * 1000,
    mayCreateTopics: options.create,
    ...(options.idempotent === undefined ? {} : { idempotent: options.idempotent }),
    ...(options.codecLevel === undefined ? {} : { codecLevel: parseLevel(options.codecLevel) }),
  };
}

function parseLevel(text: string): number {
  if (!/^-?\d{1,6}$/.test(text))
    throw new UsageError(`--codec-level: a whole number is needed, not '${text}'`);
  return Number(text);
}

async function openAll(names: readonly string[]): Promise<ChunkReader[]> {
  const readers: ChunkReader[] = [];
  try {
    for (const name of names) readers.push(await ChunkReader.open(name));
    return readers;
  } catch (error) {
    for (const reader of readers) await reader.close();
    throw error;
  }
}

/** What became of the records. */
class Outcome {
  records = 0;
  failures = 0;
  wireBytes = 0;
  /** An error that all further records would meet as well. */
  fatal: Error | null = null;
  /** Resolves when there is such an error. */
  readonly broken: Promise<void>;
  #resolveBroken: () => void = () => {};
  readonly #partitions = new Set<number>();
  readonly #reasons = new Map<string, number>();

  constructor() {
    this.broken = new Promise((resolve) => {
      this.#resolveBroken = resolve;
    });
  }

  add(report: BatchReport): void {
    if (report.error === null) {
      this.records += report.recordCount;
      this.wireBytes += report.bytes;
      this.#partitions.add(report.partition);
      return;
    }
    this.failures += report.recordCount;
    const { message } = report.error;
    if (this.#reasons.size < REASONS_MAX || this.#reasons.has(message)) {
      this.#reasons.set(message, (this.#reasons.get(message) ?? 0) + report.recordCount);
    }
    if (report.error instanceof ClientError) {
      this.fatal ??= report.error;
      this.#resolveBroken();
    }
  }

  summary(topic: string, bytesRead: number, elapsedMs: number): string {
    const { size } = this.#partitions;
    const seconds = elapsedMs / 1000;
    const what = `${formatCount(this.records)} records, ${formatBytes(bytesRead)} (${formatBytes(this.wireBytes)} sent)`;
    const where = `${size} ${size === 1 ? 'partition' : 'partitions'} of ${topic}`;
    const rate = `${formatBytes(bytesRead / seconds)}/s, ${formatCount(Math.round(this.records / seconds))} records/s`;
    return `${what} to ${where} in ${formatDuration(elapsedMs)}: ${rate}\n`;
  }

  reasons(): string {
    const lines = [...this.#reasons].map(
      ([message, count]) => `millrace: ${formatCount(count)} records: ${message}\n`,
    );
    return `millrace: ${formatCount(this.failures)} records were not written\n${lines.join('')}`;
  }
}

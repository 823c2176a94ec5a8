/**
 * `millrace consume`: records of a topic to stdout. Records are printed from where they lie in the fetched
 * response; nothing is allocated per record in the plain formats. When stdout is slower than the broker, fetching
 * waits.
 *
 * Main thread.
 */

import type { Client } from '../client/client.ts';
import { errorCodeOf, isTransient } from '../client/client-error.ts';
import { Fetcher } from '../client/fetcher.ts';
import { type Position, resolvePosition } from '../client/positions.ts';
import { ErrorCode } from '../engine/base/error-codes.ts';
import { UsageError } from './failure.ts';
import { Output, OutputClosed } from './output.ts';
import { formatBytes, formatCount, formatDuration } from './progress.ts';
import { compileFormat } from './record-format.ts';
import { type BrokerOption, withClient } from './shared-options.ts';
import { dieOf, firstSignal } from './signals.ts';
import { parseCount, parseEscaped, parsePartitions, parsePosition } from './values.ts';

export interface ConsumeOptions extends BrokerOption {
  readonly from: string;
  readonly to?: string;
  readonly partition?: string;
  readonly format: string;
  readonly offsets?: boolean;
  readonly max?: string;
  readonly follow?: boolean;
  readonly delimiter?: string;
  readonly null: string;
  readonly timeout: string;
  readonly summary?: boolean;
}

const STDOUT = 1;

export async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const nowMs = Date.now();
  const from = parsePosition(options.from, '--from', nowMs);
  const to = options.to === undefined ? null : parsePosition(options.to, '--to', nowMs);
  if (to !== null && options.follow)
    throw new UsageError('--follow never ends: it does not go with --to');
  const max =
    options.max === undefined ? Number.POSITIVE_INFINITY : parseCount(options.max, '--max');
  const partitions = options.partition === undefined ? null : parsePartitions(options.partition);
  const retryMs = parseCount(options.timeout, '--timeout') * 1000;
  const print = compileFormat({
    format: options.format,
    delimiter: parseEscaped(options.delimiter ?? '\n'),
    nullText: options.null,
    withOffsets: options.offsets ?? false,
  });
  await withClient({ ...options, retryMs }, async (client) => {
    // An offset that somebody named must be there; a beginning may move on while we read.
    const isNamed = typeof from === 'object' && 'offset' in from;
    const fetcher = new Fetcher(client, { retryMs, onOutOfRange: isNamed ? 'fail' : 'beginning' });
    const range = { from, to: options.follow ? null : (to ?? 'end') } as const;
    fetcher.assign(await assignmentsOf(client, topic, partitions, range));
    let signal: NodeJS.Signals | null = null;
    void firstSignal().then((first) => {
      signal = first;
      fetcher.stop();
    });
    const output = new Output(STDOUT);
    const startedMs = performance.now();
    let records = 0;
    let bytes = 0;
    try {
      while (records < max && signal === null) {
        const chunk = await nextChunk(fetcher, output);
        if (chunk === null) break;
        const walk = chunk.walk();
        while (records < max && walk.next()) {
          print(output, chunk, walk.cursor);
          records++;
          if (output.isFull) await output.drain();
        }
        bytes += chunk.to - chunk.from;
        chunk.release();
      }
      await output.flush();
    } catch (error) {
      // Like `head`: whoever closes the pipe has seen enough.
      if (!(error instanceof OutputClosed)) throw error;
    } finally {
      fetcher.stop();
    }
    if (options.summary) {
      const elapsedMs = performance.now() - startedMs;
      process.stderr.write(
        `${formatCount(records)} records (${formatBytes(bytes)}) in ${formatDuration(elapsedMs)}: ${formatBytes((bytes * 1000) / elapsedMs)}/s\n`,
      );
    }
    // To be stopped is how following ends; anything else was cut short.
    if (signal !== null && !options.follow) dieOf(signal);
  });
}

/** The next chunk. Before it waits for one, it flushes: what has been printed must be seen. */
async function nextChunk(fetcher: Fetcher, output: Output) {
  if (!fetcher.hasChunk) await output.flush();
  return fetcher.next();
}

async function assignmentsOf(
  client: Client,
  topic: string,
  wanted: readonly number[] | null,
  range: { readonly from: Position; readonly to: Position | null },
) {
  const info = await client.retry(
    () => client.metadata.topic(topic, { mayCreate: false }),
    isWorthIt,
  );
  const missing = wanted?.find((partition) => info.partitions[partition] === undefined);
  if (missing !== undefined) {
    throw new UsageError(
      `--partition: topic '${topic}' has no partition ${missing}, only 0 to ${info.partitions.length - 1}`,
    );
  }
  const partitions = wanted ?? info.partitions.map((each) => each.partition);
  const [begins, ends] = await Promise.all([
    resolvePosition(client, topic, range.from, partitions),
    range.to === null ? null : resolvePosition(client, topic, range.to, partitions),
  ]);
  return partitions.map((partition) => {
    const endOffset = ends?.get(partition);
    return {
      topic,
      partition,
      offset: begins.get(partition)!,
      ...(endOffset === undefined ? {} : { endOffset }),
    };
  });
}

/** A topic that is not there will not come by itself. */
function isWorthIt(error: unknown): boolean {
  return isTransient(error) && errorCodeOf(error) !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

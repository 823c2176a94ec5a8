/**
 * `millrace dump`: what is in the files of a partition, and whether it is intact. Reads through windows, so that
 * the size of a segment does not matter. Works on Kafka's files: they are the same.
 *
 * Main thread. Reads only.
 */

import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MillraceError } from '../engine/base/errors.ts';
import { MIB } from '../engine/base/limits.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  batchBaseOffset,
  batchLastOffset,
  batchMagic,
} from '../engine/format/batch.ts';
import {
  baseOffsetOfFileName,
  LOG_SUFFIX,
  OFFSET_ENTRY_BYTES,
  OFFSET_INDEX_SUFFIX,
  offsetEntryOffset,
  offsetEntryPosition,
  SNAPSHOT_SUFFIX,
  segmentFileName,
  TIME_ENTRY_BYTES,
  TIME_INDEX_SUFFIX,
  timeEntryOffset,
  timeEntryTimestamp,
} from '../engine/format/index-layout.ts';
import { parseProducerSnapshot } from '../engine/format/producer-snapshot.ts';
import { type StopReason, scanBatches } from '../engine/format/scan.ts';
import { describeBatch, describeRecords, describeTime } from './batch-text.ts';
import { UsageError } from './failure.ts';
import { Output, OutputClosed } from './output.ts';
import { formatTable } from './table.ts';

export interface DumpOptions {
  readonly records?: boolean;
  readonly quiet?: boolean;
}

/** What was found wrong with a file; null: nothing. */
type Verdict = string | null;

const STDOUT = 1;
const WINDOW_BYTES = 16 * MIB;

export async function dump(files: readonly string[], options: DumpOptions): Promise<void> {
  const output = new Output(STDOUT);
  try {
    for (const file of files) {
      if (files.length > 1) output.appendText(`${file}:\n`);
      const verdict = await dumpFile(file, options, output);
      if (verdict !== null) {
        output.appendText(`NOT INTACT: ${verdict}\n`);
        process.exitCode = 1;
      }
    }
    await output.flush();
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  }
}

async function dumpFile(path: string, options: DumpOptions, output: Output): Promise<Verdict> {
  const dumpers: Readonly<Record<string, typeof dumpLog>> = {
    [LOG_SUFFIX]: dumpLog,
    [OFFSET_INDEX_SUFFIX]: dumpOffsetIndex,
    [TIME_INDEX_SUFFIX]: dumpTimeIndex,
    [SNAPSHOT_SUFFIX]: dumpSnapshot,
  };
  const suffix = Object.keys(dumpers).find((each) => path.endsWith(each));
  if (suffix === undefined) {
    throw new UsageError(`${path}: only ${Object.keys(dumpers).join(', ')} files can be shown`);
  }
  const file = new SourceFile(path);
  try {
    return await dumpers[suffix]!(file, options, output);
  } finally {
    file.close();
  }
}

/** A file that is read by position. */
class SourceFile {
  readonly path: string;
  readonly size: number;
  readonly #fd: number;

  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, 'r');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code === 'ENOENT' ? 'there is no such file' : message;
      throw new MillraceError('file', `cannot read ${path}: ${reason}`, { path }, error);
    }
    this.size = fstatSync(this.#fd).size;
  }

  /** Up to `size` bytes at `position`; fewer only at the end of the file. */
  read(position: number, size: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(size, this.size - position)));
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(this.#fd, bytes, filled, bytes.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  /** Base offset in the file's name, 0 where it has another name. */
  baseOffset(suffix: string): number {
    return Math.max(0, baseOffsetOfFileName(basename(this.path), suffix));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

async function dumpLog(file: SourceFile, options: DumpOptions, output: Output): Promise<Verdict> {
  let position = 0;
  let batchCount = 0;
  let recordCount = 0;
  let lastOffset = -1;
  let windowBytes = WINDOW_BYTES;
  let stopReason: StopReason = 'end';
  let neededBytes = 0;
  const faults: string[] = [];
  while (position < file.size) {
    const bytes = file.read(position, windowBytes);
    const view = viewOf(bytes);
    const found: number[] = [];
    const scan = scanBatches(bytes, view, 0, bytes.length, {
      offsetAbove: lastOffset,
      onBatch: (at) => found.push(at),
    });
    for (const at of found) {
      if (!options.quiet) output.appendText(describeBatch(view, at, position + at));
      if (options.records)
        faults.push(...describeRecords(bytes, view, at, options.quiet ? null : output));
      if (output.isFull) await output.drain();
    }
    position += scan.validBytes;
    batchCount += scan.batchCount;
    recordCount += scan.recordCount;
    if (scan.batchCount > 0) lastOffset = scan.lastOffset;
    stopReason = scan.stopReason;
    neededBytes = scan.neededBytes;
    // The window may end inside a batch, or inside a header of which only zeros are in sight.
    const leftInWindow = bytes.length - scan.validBytes;
    const mayGoOn =
      stopReason === 'partial' || (stopReason === 'zeros' && leftInWindow < BATCH_OVERHEAD_BYTES);
    const isCutByWindow = mayGoOn && position + leftInWindow < file.size;
    if (stopReason !== 'end' && !isCutByWindow) break;
    if (scan.validBytes === 0) windowBytes = Math.max(windowBytes * 2, neededBytes);
  }
  output.appendText(
    `${batchCount} batches, ${recordCount} records${lastOffset < 0 ? '' : `, last offset ${lastOffset}`}, ${position} of ${file.size} bytes are valid\n`,
  );
  if (faults.length > 0) return faults[0]!;
  return explainEnd(file, position, stopReason, neededBytes, output);
}

/** Says why the valid part of a log file ends where it does. */
function explainEnd(
  file: SourceFile,
  position: number,
  stopReason: StopReason,
  neededBytes: number,
  output: Output,
): Verdict {
  const left = file.size - position;
  switch (stopReason) {
    case 'end':
      output.appendText('the file ends with a whole batch\n');
      return null;
    case 'zeros': {
      const strayAt = firstNonZero(file, position);
      if (strayAt >= 0) {
        return `zeros from position ${position} on, but position ${strayAt} is not zero`;
      }
      output.appendText(`then ${left} bytes of reserved space, all zero\n`);
      return null;
    }
    case 'partial':
      return `the batch at position ${position} is cut off: ${neededBytes} bytes are needed, ${left} are there`;
    case 'bad-length':
      return `position ${position}: the length field is not a batch's`;
    case 'bad-magic':
      return `position ${position}: not a record batch of version 2`;
    case 'bad-header':
      return `position ${position}: the header contradicts itself`;
    case 'bad-offset':
      return `position ${position}: the batch's offset is not above the one before`;
    case 'bad-crc':
      return `position ${position}: the checksum of the batch differs`;
  }
}

function firstNonZero(file: SourceFile, from: number): number {
  for (let position = from; position < file.size; position += WINDOW_BYTES) {
    const bytes = file.read(position, WINDOW_BYTES);
    const index = bytes.findIndex((byte) => byte !== 0);
    if (index >= 0) return position + index;
  }
  return -1;
}

async function dumpOffsetIndex(
  file: SourceFile,
  options: DumpOptions,
  output: Output,
): Promise<Verdict> {
  const baseOffset = file.baseOffset(OFFSET_INDEX_SUFFIX);
  const log = siblingLog(file, baseOffset);
  const bytes = file.read(0, file.size);
  const view = viewOf(bytes);
  const slots = Math.floor(bytes.length / OFFSET_ENTRY_BYTES);
  let verdict: Verdict = tailVerdict(bytes.length, OFFSET_ENTRY_BYTES);
  let count = 0;
  let previous = -1;
  for (; count < slots; count++) {
    const offset = offsetEntryOffset(view, 0, count);
    const position = offsetEntryPosition(view, 0, count);
    // Kafka reserves index files with zeros; only a first entry may point to the start.
    if (offset === 0 && position === 0 && (count > 0 || slots > 1)) break;
    if (offset <= previous)
      verdict ??= `entry ${count}: offset ${baseOffset + offset} is not above the one before`;
    if (log !== null)
      verdict ??= compareWithLog(log, { index: count, offset: baseOffset + offset, position });
    previous = offset;
    if (!options.quiet) output.appendText(`offset ${baseOffset + offset}  position ${position}\n`);
    if (output.isFull) await output.drain();
  }
  log?.close();
  output.appendText(
    `${count} entries${emptySlots(slots - count)}${log === null ? '' : ', compared with the log'}\n`,
  );
  return verdict;
}

/** What is wrong with an entry of an offset index, going by the log beside it. */
function compareWithLog(
  log: SourceFile,
  entry: { readonly index: number; readonly offset: number; readonly position: number },
): Verdict {
  const where = `entry ${entry.index}`;
  const header = log.read(entry.position, BATCH_HEADER_BYTES);
  if (header.length < BATCH_HEADER_BYTES)
    return `${where}: position ${entry.position} lies behind the end of the log`;
  const view = viewOf(header);
  if (batchMagic(view, 0) !== 2)
    return `${where}: no batch starts at position ${entry.position} of the log`;
  if (batchBaseOffset(view, 0) > entry.offset) {
    return `${where}: the batch at position ${entry.position} has offsets ${batchBaseOffset(view, 0)} to ${batchLastOffset(view, 0)}, not ${entry.offset}`;
  }
  return null;
}

async function dumpTimeIndex(
  file: SourceFile,
  options: DumpOptions,
  output: Output,
): Promise<Verdict> {
  const baseOffset = file.baseOffset(TIME_INDEX_SUFFIX);
  const bytes = file.read(0, file.size);
  const view = viewOf(bytes);
  const slots = Math.floor(bytes.length / TIME_ENTRY_BYTES);
  let verdict: Verdict = tailVerdict(bytes.length, TIME_ENTRY_BYTES);
  let count = 0;
  let previousOffset = -1;
  let previousMs = Number.NEGATIVE_INFINITY;
  for (; count < slots; count++) {
    const timestampMs = timeEntryTimestamp(view, 0, count);
    const offset = timeEntryOffset(view, 0, count);
    if (timestampMs === 0 && offset === 0) break;
    if (timestampMs < previousMs)
      verdict ??= `entry ${count}: its time is before that of the entry before`;
    if (offset < previousOffset)
      verdict ??= `entry ${count}: its offset is below that of the entry before`;
    previousOffset = offset;
    previousMs = timestampMs;
    if (!options.quiet)
      output.appendText(`time ${describeTime(timestampMs)}  offset ${baseOffset + offset}\n`);
    if (output.isFull) await output.drain();
  }
  output.appendText(`${count} entries${emptySlots(slots - count)}\n`);
  return verdict;
}

async function dumpSnapshot(
  file: SourceFile,
  options: DumpOptions,
  output: Output,
): Promise<Verdict> {
  let producers: ReturnType<typeof parseProducerSnapshot>;
  try {
    producers = parseProducerSnapshot(file.read(0, file.size));
  } catch (error) {
    if (error instanceof MillraceError) return error.message;
    throw error;
  }
  if (!options.quiet && producers.length > 0) {
    const header = [
      'producer id',
      'epoch',
      'last sequence',
      'last offset',
      'delta',
      'time',
      'txn start',
    ];
    const rows = producers.map((each) => [
      String(each.producerId),
      String(each.producerEpoch),
      String(each.lastSequence),
      String(each.lastOffset),
      String(each.offsetDelta),
      describeTime(each.timestamp),
      each.currentTxnFirstOffset < 0 ? '-' : String(each.currentTxnFirstOffset),
    ]);
    output.appendText(formatTable(header, rows));
  }
  output.appendText(
    `${producers.length} producers at offset ${file.baseOffset(SNAPSHOT_SUFFIX)}\n`,
  );
  return null;
}

function siblingLog(file: SourceFile, baseOffset: number): SourceFile | null {
  const path = join(dirname(file.path), segmentFileName(baseOffset, LOG_SUFFIX));
  return existsSync(path) ? new SourceFile(path) : null;
}

function tailVerdict(size: number, entryBytes: number): Verdict {
  return size % entryBytes === 0
    ? null
    : `${size} bytes are not whole entries of ${entryBytes} bytes`;
}

function emptySlots(count: number): string {
  return count === 0 ? '' : `, then space for ${count} more`;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

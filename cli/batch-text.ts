/** Record batches and records as lines of text for people. Pure but for the output appended to. */

import { MillraceError } from '../engine/base/errors.ts';
import {
  batchAttributes,
  batchBaseOffset,
  batchBaseSequence,
  batchLastOffset,
  batchLeaderEpoch,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  batchSize,
  codecName,
  codecOf,
  hasDeleteHorizon,
  isControl,
  isLogAppendTime,
  isTransactional,
} from '../engine/format/batch.ts';
import { RecordCursor } from '../engine/format/records.ts';
import type { Output } from './output.ts';

/** The latest moment that JavaScript's dates can show. */
const DATE_MAX_MS = 8.64e15;

/** ISO form in UTC; the bare number where it is no date; `none` for -1. */
export function describeTime(ms: number): string {
  if (ms === -1) return 'none';
  return Math.abs(ms) <= DATE_MAX_MS ? new Date(ms).toISOString() : String(ms);
}

/** One line for the batch at byte `at`, which lies at `position` of its file. */
export function describeBatch(view: DataView, at: number, position: number): string {
  const attributes = batchAttributes(view, at);
  const count = batchRecordCount(view, at);
  const facts = [
    `position ${position}`,
    `offsets ${batchBaseOffset(view, at)} to ${batchLastOffset(view, at)}`,
    `records ${count}`,
    `size ${batchSize(view, at)}`,
    `codec ${codecName(codecOf(attributes)) ?? codecOf(attributes)}`,
    `${isLogAppendTime(attributes) ? 'append time' : 'max time'} ${describeTime(batchMaxTimestamp(view, at))}`,
    `leader epoch ${batchLeaderEpoch(view, at)}`,
  ];
  const producerId = batchProducerId(view, at);
  if (producerId >= 0) {
    facts.push(
      `producer ${producerId} epoch ${batchProducerEpoch(view, at)} sequence ${batchBaseSequence(view, at)}`,
    );
  }
  if (isTransactional(attributes)) facts.push('transactional');
  if (isControl(attributes)) facts.push('control');
  if (hasDeleteHorizon(attributes)) facts.push('delete horizon');
  return `${facts.join('  ')}\n`;
}

/** Appends one line per record (nothing to a null output); returns what is wrong with them. */
export function describeRecords(
  bytes: Buffer,
  view: DataView,
  at: number,
  output: Output | null,
): string[] {
  const cursor = new RecordCursor();
  try {
    cursor.reset(bytes, view, at);
    while (cursor.next()) output?.appendText(describeRecord(cursor));
    return [];
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return [`the batch at offset ${batchBaseOffset(view, at)}: ${error.message}`];
  }
}

function describeRecord(cursor: RecordCursor): string {
  const headers = cursor.headers().map(({ key, value }) => ` ${key}=${quote(value)}`);
  const tail = headers.length === 0 ? '' : `  headers${headers.join('')}`;
  return `  offset ${cursor.offset}  time ${describeTime(cursor.timestamp)}  key ${quote(cursor.key())}  value ${quote(cursor.value())}${tail}\n`;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text in quotes where the bytes are UTF-8, hexadecimal where they are not, `null` for null. */
function quote(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null';
  try {
    return JSON.stringify(decoder.decode(bytes));
  } catch {
    return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`;
  }
}

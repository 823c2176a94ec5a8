/**
 * How a record is printed. A format is compiled once into a list of steps; printing a record runs them. The
 * %-codes are kcat's, with %v as another name for %s.
 *
 * Any thread; pure but for the output it appends to.
 */

import type { RecordCursor, RecordHeader } from '../engine/format/records.ts';
import { UsageError } from './failure.ts';
import { parseEscaped } from './values.ts';

/** Where printed records go: an `Output`, or a stand-in for it. */
export interface RecordOutput {
  append(source: Uint8Array, from: number, to: number): void;
  appendText(text: string): void;
  appendByte(byte: number): void;
}

/** Where a record comes from, besides what its cursor knows. */
interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
}

export type PrintRecord = (output: RecordOutput, place: RecordPlace, cursor: RecordCursor) => void;

export interface FormatOptions {
  readonly format: string;
  /** Ends each record with format `value`. */
  readonly delimiter: Buffer;
  /** Printed for null keys and values, except in JSON. */
  readonly nullText: string;
  /** Puts `partition:offset` and a tab before each record. */
  readonly withOffsets: boolean;
}

const LINE_END = 10;
const TAB = 9;

/** Compiles a format. Throws `UsageError` for an unknown %-code. */
export function compileFormat(options: FormatOptions): PrintRecord {
  const print = compileBody(options);
  if (!options.withOffsets) return print;
  return (output, place, cursor) => {
    output.appendText(`${place.partition}:${cursor.offset}`);
    output.appendByte(TAB);
    print(output, place, cursor);
  };
}

function compileBody({ format, delimiter, nullText }: FormatOptions): PrintRecord {
  if (format === 'json') return printJson;
  const nullBytes = Buffer.from(nullText);
  if (format === 'value') {
    const last = delimiter.length === 1 ? delimiter[0]! : null;
    return (output, _place, cursor) => {
      appendRange(output, cursor, cursor.valueAt, cursor.valueLength, nullBytes);
      if (last === null) output.append(delimiter, 0, delimiter.length);
      else output.appendByte(last);
    };
  }
  const steps = compileText(format, nullBytes);
  return (output, place, cursor) => {
    for (const step of steps) step(output, place, cursor);
  };
}

function compileText(format: string, nullBytes: Buffer): PrintRecord[] {
  const steps: PrintRecord[] = [];
  for (const match of format.matchAll(/%(.?)|[^%]+/gsu)) {
    const [whole, code] = match;
    if (code === undefined || code === '%') {
      const bytes = code === '%' ? Buffer.from('%') : parseEscaped(whole);
      steps.push((output) => output.append(bytes, 0, bytes.length));
    } else steps.push(stepOf(code, nullBytes));
  }
  return steps;
}

function stepOf(code: string, nullBytes: Buffer): PrintRecord {
  switch (code) {
    case 's':
    case 'v':
      return (output, _place, cursor) =>
        appendRange(output, cursor, cursor.valueAt, cursor.valueLength, nullBytes);
    case 'k':
      return (output, _place, cursor) =>
        appendRange(output, cursor, cursor.keyAt, cursor.keyLength, nullBytes);
    case 'S':
      return (output, _place, cursor) => output.appendText(String(cursor.valueLength));
    case 'K':
      return (output, _place, cursor) => output.appendText(String(cursor.keyLength));
    case 't':
      return (output, place) => output.appendText(place.topic);
    case 'p':
      return (output, place) => output.appendText(String(place.partition));
    case 'o':
      return (output, _place, cursor) => output.appendText(String(cursor.offset));
    case 'T':
      return (output, _place, cursor) => output.appendText(String(cursor.timestamp));
    case 'h':
      return (output, _place, cursor) => appendHeaders(output, cursor.headers());
    default:
      throw new UsageError(
        `--format: there is no %${code}; %s %k %S %K %t %p %o %T %h and %% are possible`,
      );
  }
}

function appendRange(
  output: RecordOutput,
  cursor: RecordCursor,
  at: number,
  length: number,
  nullBytes: Buffer,
): void {
  if (length < 0) output.append(nullBytes, 0, nullBytes.length);
  else output.append(cursor.bytes, at, at + length);
}

/** `name=value` with commas, as kcat prints them; a null value as `name=NULL`. */
function appendHeaders(output: RecordOutput, headers: readonly RecordHeader[]): void {
  for (const [index, { key, value }] of headers.entries()) {
    if (index > 0) output.appendText(',');
    output.appendText(`${key}=`);
    if (value === null) output.appendText('NULL');
    else output.append(value, 0, value.length);
  }
}

function printJson(output: RecordOutput, place: RecordPlace, cursor: RecordCursor): void {
  const headers = cursor.headers();
  const record = {
    topic: place.topic,
    partition: place.partition,
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    key: jsonBytes(cursor.key()),
    value: jsonBytes(cursor.value()),
    ...(headers.length === 0
      ? {}
      : { headers: headers.map(({ key, value }) => ({ key, value: jsonBytes(value) })) }),
  };
  output.appendText(JSON.stringify(record));
  output.appendByte(LINE_END);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text where the bytes are UTF-8, `{ "base64": ... }` where they are not. */
function jsonBytes(bytes: Uint8Array | null): string | null | { readonly base64: string } {
  if (bytes === null) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return { base64: asBuffer(bytes).toString('base64') };
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

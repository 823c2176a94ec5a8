/**
 * Checks the wire codec against golden messages: lines of `name TAB version TAB hex TAB json`, where the hex is
 * what Kafka's own serializer wrote for that JSON at that version (the body alone, no header; bytes and records
 * in base64). Both directions, byte for byte.
 *
 *   npm run golden -- FILE      without FILE: the 1250 messages kept in golden/vectors.tsv
 *
 * One line per failure, then `N passed, N failed`. Exit code 1 when one failed, 2 when the file is missing or not
 * of that form.
 */

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { MillraceError, messageOf } from '../../engine/base/errors.ts';
import { fromJson } from '../../net/wire/json.ts';
import type { MessageCodec } from '../../net/wire/message.ts';
import { Reader } from '../../net/wire/reader.ts';
import { allMessages } from '../../net/wire/registry.ts';
import { Writer } from '../../net/wire/writer.ts';

/** The file that comes with this one. */
export const GOLDEN_FILE = new URL('golden/vectors.tsv', import.meta.url);

export interface GoldenMessage {
  readonly line: number;
  readonly name: string;
  readonly version: number;
  readonly hex: string;
  readonly json: unknown;
}

export interface GoldenOutcome {
  readonly passed: number;
  /** One line each. */
  readonly failures: readonly string[];
}

/** Parses the form above; blank lines are passed over. Throws `MillraceError` 'golden-file' on the first bad line. */
export function parseGolden(text: string): GoldenMessage[] {
  const messages: GoldenMessage[] = [];
  text.split('\n').forEach((raw, index) => {
    const row = raw.trimEnd();
    if (row !== '') messages.push(parseRow(row, index + 1));
  });
  if (messages.length === 0) throw new MillraceError('golden-file', 'holds no messages', null);
  return messages;
}

function parseRow(row: string, line: number): GoldenMessage {
  const columns = row.split('\t');
  const [name, version, hex, json] = columns;
  const refuse = (why: string) =>
    new MillraceError('golden-file', `line ${line}: ${why}`, { line });
  if (columns.length !== 4) {
    throw refuse(`has ${columns.length} columns instead of 4 (name, version, hex, json)`);
  }
  if (!/^\d+$/.test(version!)) throw refuse(`'${version}' is not a version`);
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(hex!)) throw refuse('the third column is not hex');
  try {
    return {
      line,
      name: name!,
      version: Number(version),
      hex: hex!.toLowerCase(),
      json: JSON.parse(json!) as unknown,
    };
  } catch (error) {
    throw refuse(`the fourth column is not JSON: ${messageOf(error)}`);
  }
}

/** Checks every message in both directions. */
export async function checkGolden(messages: readonly GoldenMessage[]): Promise<GoldenOutcome> {
  const codecs = new Map((await allMessages()).map((codec) => [codec.name, codec]));
  const failures: string[] = [];
  for (const golden of messages) {
    const codec = codecs.get(golden.name);
    const problem = codec === undefined ? 'there is no such message' : check(codec, golden);
    if (problem !== null) {
      failures.push(`line ${golden.line}: ${golden.name} v${golden.version}: ${problem}`);
    }
  }
  return { passed: messages.length - failures.length, failures };
}

/** What is wrong with one message, null when nothing is. */
function check(codec: MessageCodec, { version, hex, json }: GoldenMessage): string | null {
  const bytes = Buffer.from(hex, 'hex');
  try {
    const expected = fromJson(codec, json, version);
    const reader = new Reader(bytes);
    const decoded = codec.read(reader, version);
    if (reader.remaining !== 0) return `decoding leaves ${reader.remaining} bytes`;
    if (!isDeepStrictEqual(decoded, expected)) {
      return `decodes to something else: ${firstDifference(decoded, expected, '') ?? 'types differ'}`;
    }
    return (
      compareBytes('the JSON', codec, expected, version, bytes) ??
      compareBytes('what was decoded', codec, decoded, version, bytes)
    );
  } catch (error) {
    return messageOf(error);
  }
}

function compareBytes(
  what: string,
  codec: MessageCodec,
  value: unknown,
  version: number,
  expected: Buffer,
): string | null {
  const writer = new Writer();
  codec.write(writer, value, version);
  const encoded = writer.copy();
  if (encoded.equals(expected)) return null;
  let at = 0;
  while (encoded[at] === expected[at]) at++;
  return `${what} encodes differently from byte ${at} on (${encoded.length} bytes for ${expected.length})`;
}

function firstDifference(actual: unknown, expected: unknown, path: string): string | null {
  if (isDeepStrictEqual(actual, expected)) return null;
  if (!isObject(actual) || !isObject(expected))
    return `${path} is ${show(actual)}, not ${show(expected)}`;
  for (const key of new Set([...Object.keys(actual), ...Object.keys(expected)])) {
    const difference = firstDifference(
      actual[key],
      expected[key],
      path === '' ? key : `${path}.${key}`,
    );
    if (difference !== null) return difference;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** The command: checks `file`, prints what it finds and returns the exit code. */
export async function main(file: string | URL): Promise<number> {
  let messages: GoldenMessage[];
  try {
    messages = parseGolden(readFileSync(file, 'utf8'));
  } catch (error) {
    console.error(`golden: ${file}: ${messageOf(error)}`);
    return 2;
  }
  const { passed, failures } = await checkGolden(messages);
  for (const failure of failures) console.log(failure);
  console.log(`${passed} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv[2] ?? GOLDEN_FILE);

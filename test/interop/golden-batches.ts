/**
 * Checks the batch format against golden batches: lines of `hex TAB json`, where the hex is what Kafka's own
 * builder wrote for that JSON. Every field and record is compared after decoding; encoding the JSON again must
 * give the same bytes where there is no compression, and with a codec the same records and a right checksum.
 *
 *   npm run golden:batches -- FILE      without FILE: the 62 batches kept in golden/batches.tsv
 *
 * One line per failure, then `N passed, N failed`. Exit code 1 when one failed, 2 when the file is missing or
 * not of that form.
 */

import { readFileSync } from 'node:fs';
import { crc32c } from '../../engine/base/crc32c.ts';
import { MillraceError, messageOf } from '../../engine/base/errors.ts';
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchBaseSequence,
  batchCrc,
  batchLastOffset,
  batchLeaderEpoch,
  batchMagic,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  batchSize,
  codecByName,
  codecName,
  codecOf,
  isControl,
  isLogAppendTime,
  isTransactional,
  MAGIC_V2,
} from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import {
  buildEndTransactionBatch,
  ControlType,
  parseEndTransactionMarker,
} from '../../engine/format/control-record.ts';
import { recordsOf } from '../../engine/format/records.ts';

/** The file that comes with this one. */
export const GOLDEN_BATCHES_FILE = new URL('golden/batches.tsv', import.meta.url);

interface GoldenRecord {
  offset: number;
  timestamp: number;
  key: string | null;
  value: string | null;
  headers: [key: string, value: string | null][];
}

interface RecordsJson {
  codec: string;
  baseOffset: number;
  lastOffset: number;
  maxTimestamp: number;
  timestampType: string;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  transactional: boolean;
  leaderEpoch: number;
  records: GoldenRecord[];
}

interface ControlJson {
  control: 'ABORT' | 'COMMIT';
  baseOffset: number;
  producerId: number;
  producerEpoch: number;
  leaderEpoch: number;
  coordinatorEpoch: number;
  timestamp: number;
}

export interface GoldenBatch {
  readonly line: number;
  readonly bytes: Uint8Array;
  readonly json: RecordsJson | ControlJson;
}

export interface GoldenBatchesOutcome {
  readonly passed: number;
  /** One line each. */
  readonly failures: readonly string[];
}

/** Parses the form above; blank lines are passed over. Throws `MillraceError` 'golden-file' on the first bad line. */
export function parseGoldenBatches(text: string): GoldenBatch[] {
  const batches: GoldenBatch[] = [];
  text.split('\n').forEach((raw, index) => {
    const row = raw.trimEnd();
    if (row !== '') batches.push(parseRow(row, index + 1));
  });
  if (batches.length === 0) throw new MillraceError('golden-file', 'holds no batches', null);
  return batches;
}

function parseRow(row: string, line: number): GoldenBatch {
  const refuse = (why: string) =>
    new MillraceError('golden-file', `line ${line}: ${why}`, { line });
  const columns = row.split('\t');
  const [hex, text] = columns;
  if (columns.length !== 2) throw refuse(`has ${columns.length} columns instead of 2 (hex, json)`);
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(hex!)) throw refuse('the first column is not hex');
  let json: unknown;
  try {
    json = JSON.parse(text!);
  } catch (error) {
    throw refuse(`the second column is not JSON: ${messageOf(error)}`);
  }
  if (!isControlJson(json) && !isRecordsJson(json)) {
    throw refuse('the JSON describes neither a batch with records nor a control batch');
  }
  return { line, bytes: Uint8Array.from(Buffer.from(hex!, 'hex')), json };
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value);
const isBase64OrNull = (value: unknown): value is string | null =>
  value === null || (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value));

function hasNumbers(json: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => isNumber(json[name]));
}

function isControlJson(json: unknown): json is ControlJson {
  if (typeof json !== 'object' || json === null || !('control' in json)) return false;
  return (
    (json.control === 'ABORT' || json.control === 'COMMIT') &&
    hasNumbers(json as Record<string, unknown>, [
      'baseOffset',
      'producerId',
      'producerEpoch',
      'leaderEpoch',
      'coordinatorEpoch',
      'timestamp',
    ])
  );
}

function isRecordsJson(json: unknown): json is RecordsJson {
  if (typeof json !== 'object' || json === null) return false;
  const batch = json as Record<string, unknown>;
  return (
    codecByName(String(batch.codec)) !== null &&
    (batch.timestampType === 'CreateTime' || batch.timestampType === 'LogAppendTime') &&
    typeof batch.transactional === 'boolean' &&
    hasNumbers(batch, [
      'baseOffset',
      'lastOffset',
      'maxTimestamp',
      'producerId',
      'producerEpoch',
      'baseSequence',
      'leaderEpoch',
    ]) &&
    Array.isArray(batch.records) &&
    batch.records.every(isRecordJson)
  );
}

function isRecordJson(json: unknown): json is GoldenRecord {
  if (typeof json !== 'object' || json === null) return false;
  const record = json as Record<string, unknown>;
  return (
    hasNumbers(record, ['offset', 'timestamp']) &&
    isBase64OrNull(record.key) &&
    isBase64OrNull(record.value) &&
    Array.isArray(record.headers) &&
    record.headers.every(
      (header) =>
        Array.isArray(header) &&
        header.length === 2 &&
        typeof header[0] === 'string' &&
        isBase64OrNull(header[1]),
    )
  );
}

/** Checks every batch in both directions. */
export function checkGoldenBatches(batches: readonly GoldenBatch[]): GoldenBatchesOutcome {
  const failures: string[] = [];
  for (const { line, bytes, json } of batches) {
    const problem = problemOf(() => check(bytes, json));
    if (problem !== null) failures.push(`line ${line}: ${problem}`);
  }
  return { passed: batches.length - failures.length, failures };
}

function problemOf(check: () => string | null): string | null {
  try {
    return check();
  } catch (error) {
    return messageOf(error).split('\n')[0]!;
  }
}

function check(bytes: Uint8Array, json: RecordsJson | ControlJson): string | null {
  const expected = 'control' in json ? expectControl(json) : expectRecords(json);
  const decoded = compare(decode(bytes), expected);
  if (decoded !== null) return `decodes to something else: ${decoded}`;
  const encoded = 'control' in json ? encodeControl(json) : encodeRecords(json);
  if (codecOf(batchAttributes(viewOf(bytes), 0)) === 0) {
    const at = encoded.findIndex((byte, index) => byte !== bytes[index]);
    if (at >= 0 || encoded.length !== bytes.length) {
      return `encodes to other bytes: ${encoded.length} of ${bytes.length}, first difference at ${at}`;
    }
    return null;
  }
  const again = compare(decode(encoded), expected);
  return again === null ? null : `encoded and decoded again it is something else: ${again}`;
}

/** What a batch says, in the words of the JSON. */
type Fields = Record<string, unknown> & { records: unknown[] };

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64');
}

function decode(bytes: Uint8Array): Fields {
  const view = viewOf(bytes);
  if (bytes.length < BATCH_HEADER_BYTES || batchSize(view, 0) !== bytes.length) {
    throw new MillraceError('corrupt', 'the batch length is not the length of the bytes', null);
  }
  if (batchMagic(view, 0) !== MAGIC_V2) throw new MillraceError('corrupt', 'magic is not 2', null);
  if (crc32c(bytes, ATTRIBUTES_AT, bytes.length) !== batchCrc(view, 0)) {
    throw new MillraceError('corrupt', 'the checksum differs', null);
  }
  const attributes = batchAttributes(view, 0);
  const records = [...recordsOf(bytes)];
  if (records.length !== batchRecordCount(view, 0)) {
    throw new MillraceError('corrupt', 'the record count differs', null);
  }
  const fields = {
    codec: codecName(codecOf(attributes)),
    baseOffset: batchBaseOffset(view, 0),
    lastOffset: batchLastOffset(view, 0),
    maxTimestamp: batchMaxTimestamp(view, 0),
    timestampType: isLogAppendTime(attributes) ? 'LogAppendTime' : 'CreateTime',
    producerId: batchProducerId(view, 0),
    producerEpoch: batchProducerEpoch(view, 0),
    baseSequence: batchBaseSequence(view, 0),
    transactional: isTransactional(attributes),
    control: isControl(attributes),
    leaderEpoch: batchLeaderEpoch(view, 0),
  };
  if (isControl(attributes)) {
    const markers = records.map(({ key, value, offset, timestamp }) => {
      return { ...parseEndTransactionMarker(key, value), offset, timestamp };
    });
    return { ...fields, records: markers };
  }
  return {
    ...fields,
    records: records.map((record) => ({
      offset: record.offset,
      timestamp: record.timestamp,
      key: base64(record.key),
      value: base64(record.value),
      headers: record.headers.map(({ key, value }) => [key, base64(value)]),
    })),
  };
}

function expectRecords(json: RecordsJson): Fields {
  const isStamped = json.timestampType === 'LogAppendTime';
  return {
    ...json,
    control: false,
    records: json.records.map((record) => ({
      ...record,
      timestamp: isStamped ? json.maxTimestamp : record.timestamp,
    })),
  };
}

function expectControl(json: ControlJson): Fields {
  return {
    codec: 'none',
    baseOffset: json.baseOffset,
    lastOffset: json.baseOffset,
    maxTimestamp: json.timestamp,
    timestampType: 'CreateTime',
    producerId: json.producerId,
    producerEpoch: json.producerEpoch,
    baseSequence: -1,
    transactional: true,
    control: true,
    leaderEpoch: json.leaderEpoch,
    records: [
      {
        type: ControlType[json.control],
        coordinatorEpoch: json.coordinatorEpoch,
        offset: json.baseOffset,
        timestamp: json.timestamp,
      },
    ],
  };
}

function encodeRecords(json: RecordsJson): Uint8Array {
  const bytesOf = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'));
  return buildBatch({
    baseOffset: json.baseOffset,
    lastOffset: json.lastOffset,
    leaderEpoch: json.leaderEpoch,
    producerId: json.producerId,
    producerEpoch: json.producerEpoch,
    baseSequence: json.baseSequence,
    isTransactional: json.transactional,
    codec: codecByName(json.codec)!,
    ...(json.timestampType === 'LogAppendTime' ? { logAppendTimeMs: json.maxTimestamp } : {}),
    records: json.records.map((record) => ({
      offset: record.offset,
      timestamp: record.timestamp,
      key: bytesOf(record.key),
      value: bytesOf(record.value),
      headers: record.headers.map(([key, value]) => ({ key, value: bytesOf(value) })),
    })),
  });
}

function encodeControl(json: ControlJson): Uint8Array {
  return buildEndTransactionBatch({
    type: ControlType[json.control],
    coordinatorEpoch: json.coordinatorEpoch,
    baseOffset: json.baseOffset,
    leaderEpoch: json.leaderEpoch,
    producerId: json.producerId,
    producerEpoch: json.producerEpoch,
    timestampMs: json.timestamp,
  });
}

/** The first difference, in words; null when there is none. */
function compare(actual: unknown, expected: unknown, path = ''): string | null {
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return `${path} is ${show(actual)}`;
    const have = actual as Record<string, unknown>;
    const want = expected as Record<string, unknown>;
    for (const name of new Set([...Object.keys(want), ...Object.keys(have)])) {
      const at = path === '' ? name : `${path}.${name}`;
      const difference = compare(have[name], want[name], at);
      if (difference !== null) return difference;
    }
    return null;
  }
  return actual === expected ? null : `${path} is ${show(actual)}, not ${show(expected)}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function main(file: string | undefined): number {
  let batches: GoldenBatch[];
  try {
    batches = parseGoldenBatches(readFileSync(file ?? GOLDEN_BATCHES_FILE, 'utf8'));
  } catch (error) {
    console.error(`golden batches: ${file ?? GOLDEN_BATCHES_FILE.pathname}: ${messageOf(error)}`);
    return 2;
  }
  const { passed, failures } = checkGoldenBatches(batches);
  for (const failure of failures) console.log(failure);
  console.log(`${passed} passed, ${failures.length} failed`);
  return failures.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = main(process.argv[2]);

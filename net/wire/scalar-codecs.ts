/**
 * Codecs of the scalar types: which methods of reader and writer a type uses, in versions with and without compact
 * lengths, and where null is allowed. Shared by all messages.
 *
 * Any thread; constant.
 */

import type { Reader } from './reader.ts';
import type { ScalarName } from './schema.ts';
import type { Writer } from './writer.ts';

/** Reads and writes the value of one field at one version. */
export interface ValueCodec {
  read(reader: Reader): unknown;
  write(writer: Writer, value: unknown): void;
  /** The fewest bytes that any value takes, for checking counts before anything is allocated. */
  readonly bytesMin: number;
}

/** Types whose values are heap objects, however few bytes they have on the wire. */
export const HEAP_SCALARS: ReadonlySet<ScalarName> = new Set([
  'string',
  'uuid',
  'bytes',
  'records',
]);

/** The codec of one scalar type. Those of fixed size are the same in all versions. */
export function scalarCodec(type: ScalarName, isNullable: boolean, isCompact: boolean): ValueCodec {
  if (type === 'string') return STRING_CODECS[isNullable ? 1 : 0]![isCompact ? 1 : 0]!;
  if (type === 'bytes' || type === 'records') {
    return BYTES_CODECS[isNullable ? 1 : 0]![isCompact ? 1 : 0]!;
  }
  return FIXED_CODECS[type];
}

function codecOf<T>(
  bytesMin: number,
  read: (reader: Reader) => T,
  write: (writer: Writer, value: T) => void,
): ValueCodec {
  return { bytesMin, read, write: write as ValueCodec['write'] };
}

const FIXED_CODECS: Record<Exclude<ScalarName, 'string' | 'bytes' | 'records'>, ValueCodec> = {
  bool: codecOf(
    1,
    (reader) => reader.bool(),
    (writer, value) => writer.bool(value),
  ),
  int8: codecOf(
    1,
    (reader) => reader.int8(),
    (writer, value) => writer.int8(value),
  ),
  int16: codecOf(
    2,
    (reader) => reader.int16(),
    (writer, value) => writer.int16(value),
  ),
  uint16: codecOf(
    2,
    (reader) => reader.uint16(),
    (writer, value) => writer.uint16(value),
  ),
  int32: codecOf(
    4,
    (reader) => reader.int32(),
    (writer, value) => writer.int32(value),
  ),
  uint32: codecOf(
    4,
    (reader) => reader.uint32(),
    (writer, value) => writer.uint32(value),
  ),
  int64: codecOf(
    8,
    (reader) => reader.int64(),
    (writer, value) => writer.int64(value),
  ),
  float64: codecOf(
    8,
    (reader) => reader.float64(),
    (writer, value) => writer.float64(value),
  ),
  uuid: codecOf(
    16,
    (reader) => reader.uuid(),
    (writer, value) => writer.uuid(value),
  ),
};

/** [nullable][compact] */
const STRING_CODECS = [
  [
    codecOf(
      2,
      (reader) => reader.string(),
      (writer, value) => writer.string(value),
    ),
    codecOf(
      1,
      (reader) => reader.compactString(),
      (writer, value) => writer.compactString(value),
    ),
  ],
  [
    codecOf(
      2,
      (reader) => reader.nullableString(),
      (writer, value) => writer.nullableString(value),
    ),
    codecOf(
      1,
      (reader) => reader.compactNullableString(),
      (writer, value) => writer.compactNullableString(value),
    ),
  ],
];

/** [nullable][compact] */
const BYTES_CODECS = [
  [
    codecOf(
      4,
      (reader) => reader.bytes(),
      (writer, value) => writer.sizedBytes(value),
    ),
    codecOf(
      1,
      (reader) => reader.compactBytes(),
      (writer, value) => writer.compactBytes(value),
    ),
  ],
  [
    codecOf(
      4,
      (reader) => reader.nullableBytes(),
      (writer, value) => writer.nullableBytes(value),
    ),
    codecOf(
      1,
      (reader) => reader.compactNullableBytes(),
      (writer, value) => writer.compactNullableBytes(value),
    ),
  ],
];

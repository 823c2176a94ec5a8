/**
 * Layout of a record batch, version 2 (Kafka's DefaultRecordBatch): the unit of append, checksum and
 * compression, the same bytes on the wire, in the slab and in the segment file. Big-endian.
 *
 *    0  base offset            int64   given by the leader
 *    8  batch length           int32   bytes behind this field: size - 12
 *   12  partition leader epoch int32   given by the leader
 *   16  magic                  int8    2
 *   17  crc                    uint32  CRC-32C of everything from `attributes` to the end
 *   21  attributes             int16   0-2 codec, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon
 *   23  last offset delta      int32   offset of the last record - base offset
 *   27  base timestamp         int64   ms since the epoch; the delete horizon when bit 6 is set
 *   35  max timestamp          int64
 *   43  producer id            int64   -1: none
 *   51  producer epoch         int16   -1: none
 *   53  base sequence          int32   -1: none
 *   57  record count           int32
 *   61  records                        compressed as one block when a codec is set
 *
 * Any thread; pure. Everything before `attributes` lies outside the checksum, so a leader assigns offsets and
 * epoch in place. Described in docs/format.md, section "Record batch".
 */

import { getInt64, setInt64 } from '../base/int64.ts';

export const BASE_OFFSET_AT = 0;
export const BATCH_LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORD_COUNT_AT = 57;
export const RECORDS_AT = 61;

/** Bytes of the header: the size of a batch without records. */
export const BATCH_HEADER_BYTES = 61;

/** Bytes of base offset and batch length, which the batch length does not count. */
export const BATCH_OVERHEAD_BYTES = 12;

/** The only magic that Kafka 4 accepts and that is ever written. */
export const MAGIC_V2 = 2;

export const CODEC_MASK = 0x07;
export const LOG_APPEND_TIME_MASK = 0x08;
export const TRANSACTIONAL_MASK = 0x10;
export const CONTROL_MASK = 0x20;
export const DELETE_HORIZON_MASK = 0x40;

export const NO_TIMESTAMP = -1;
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_LEADER_EPOCH = -1;

/** The compression codecs by their number in `attributes`. */
export const Codec = { NONE: 0, GZIP: 1, SNAPPY: 2, LZ4: 3, ZSTD: 4 } as const;
export type Codec = (typeof Codec)[keyof typeof Codec];

export type CodecName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
export const codecNames: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export type TimestampType = 'CreateTime' | 'LogAppendTime';

/** The codec's name, or null when the number is not a codec's. */
export function codecName(codec: number): CodecName | null {
  return codecNames[codec] ?? null;
}

/** The codec of that name, or null when there is none. */
export function codecByName(name: string): Codec | null {
  const codec = codecNames.indexOf(name as CodecName);
  return codec < 0 ? null : (codec as Codec);
}

// The fields of the batch at byte `at`.

export function batchBaseOffset(view: DataView, at: number): number {
  return getInt64(view, at + BASE_OFFSET_AT);
}

/** The whole size of the batch in bytes, as its length field says. */
export function batchSize(view: DataView, at: number): number {
  return view.getInt32(at + BATCH_LENGTH_AT) + BATCH_OVERHEAD_BYTES;
}

export function batchLeaderEpoch(view: DataView, at: number): number {
  return view.getInt32(at + LEADER_EPOCH_AT);
}

export function batchMagic(view: DataView, at: number): number {
  return view.getInt8(at + MAGIC_AT);
}

export function batchCrc(view: DataView, at: number): number {
  return view.getUint32(at + CRC_AT);
}

export function batchAttributes(view: DataView, at: number): number {
  return view.getInt16(at + ATTRIBUTES_AT);
}

export function batchLastOffsetDelta(view: DataView, at: number): number {
  return view.getInt32(at + LAST_OFFSET_DELTA_AT);
}

export function batchLastOffset(view: DataView, at: number): number {
  return getInt64(view, at + BASE_OFFSET_AT) + view.getInt32(at + LAST_OFFSET_DELTA_AT);
}

export function batchBaseTimestamp(view: DataView, at: number): number {
  return getInt64(view, at + BASE_TIMESTAMP_AT);
}

export function batchMaxTimestamp(view: DataView, at: number): number {
  return getInt64(view, at + MAX_TIMESTAMP_AT);
}

export function batchProducerId(view: DataView, at: number): number {
  return getInt64(view, at + PRODUCER_ID_AT);
}

export function batchProducerEpoch(view: DataView, at: number): number {
  return view.getInt16(at + PRODUCER_EPOCH_AT);
}

export function batchBaseSequence(view: DataView, at: number): number {
  return view.getInt32(at + BASE_SEQUENCE_AT);
}

export function batchRecordCount(view: DataView, at: number): number {
  return view.getInt32(at + RECORD_COUNT_AT);
}

// What a leader writes in place, outside the checksum.

export function setBatchBaseOffset(view: DataView, at: number, offset: number): void {
  setInt64(view, at + BASE_OFFSET_AT, offset);
}

export function setBatchLeaderEpoch(view: DataView, at: number, epoch: number): void {
  view.setInt32(at + LEADER_EPOCH_AT, epoch);
}

// What the attributes say.

export function codecOf(attributes: number): number {
  return attributes & CODEC_MASK;
}

export function isLogAppendTime(attributes: number): boolean {
  return (attributes & LOG_APPEND_TIME_MASK) !== 0;
}

export function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL_MASK) !== 0;
}

export function isControl(attributes: number): boolean {
  return (attributes & CONTROL_MASK) !== 0;
}

export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & DELETE_HORIZON_MASK) !== 0;
}

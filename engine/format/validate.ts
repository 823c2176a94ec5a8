/**
 * Decides whether a record batch may be appended, with Kafka 4.3's error codes and words (ProduceRequest,
 * UnifiedLog.analyzeAndValidateRecords, LogValidator). A good batch costs its checksum and, uncompressed, a
 * walk over its records; nothing is allocated for it.
 *
 * Any thread; pure. What a client sends is held against everything; what the broker itself or a leader sends
 * (`fromClient: false`) against header and checksum only, as in Kafka. The inside of a compressed batch is
 * unfolded only where something needs it: header, checksum and sizes already guard it in transit.
 */

import { crc32c } from '../base/crc32c.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { MillraceError } from '../base/errors.ts';
import { DECOMPRESSED_BYTES_MAX } from '../base/limits.ts';
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchBaseSequence,
  batchBaseTimestamp,
  batchCrc,
  batchLastOffsetDelta,
  batchMagic,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  batchSize,
  CODEC_MASK,
  Codec,
  isControl,
  isLogAppendTime,
  MAGIC_V2,
  NO_PRODUCER_ID,
  RECORDS_AT,
  type TimestampType,
} from './batch.ts';
import { decompress } from './compression.ts';
import { type RecordError, recordsFault, rejectedRecords } from './record-faults.ts';
import { recordWalk, walkRecords } from './record-walk.ts';

export type { RecordError } from './record-faults.ts';

/** Memory in which a batch lies: SharedMemory satisfies it. */
export interface ByteSource {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** CRC-32C of `size` bytes at `at`, where the source knows a way that makes no view. */
  crc32c?(at: number, size: number): number;
}

/** What a batch is held against. One per partition log, reused; `nowMs` is set before each use. */
export interface BatchRules {
  /** `topic-partition`, for messages. */
  topicPartition: string;
  maxMessageBytes: number;
  nowMs: number;
  /** How far a record's timestamp may lie before and after `nowMs`; Infinity: any. */
  timestampBeforeMaxMs: number;
  timestampAfterMaxMs: number;
  timestampType: TimestampType;
  /** Every record needs a key. */
  isCompacted: boolean;
  /** Look inside compressed batches also where nothing else asks for it. */
  walkCompressed: boolean;
  checkCrc: boolean;
  fromClient: boolean;
}

/** The outcome of a check, overwritten by each: the caller reuses one. */
export interface BatchCheck {
  errorCode: number;
  message: string | null;
  recordErrors: RecordError[] | null;
  /** Size of the batch in bytes. */
  size: number;
  recordCount: number;
  lastOffsetDelta: number;
  baseTimestamp: number;
  /** What the stored batch must say: the true maximum where the records were walked, `nowMs` for LogAppendTime. */
  maxTimestamp: number;
  attributes: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  /** The batch does not say `maxTimestamp` or the right timestamp type: `stampTimestamp` (rewrite.ts) it. */
  needsTimestampStamp: boolean;
}

/** A fresh outcome, to be reused. */
export function createBatchCheck(): BatchCheck {
  return {
    errorCode: ErrorCode.NONE,
    message: null,
    recordErrors: null,
    size: 0,
    recordCount: 0,
    lastOffsetDelta: 0,
    baseTimestamp: 0,
    maxTimestamp: 0,
    attributes: 0,
    producerId: 0,
    producerEpoch: 0,
    baseSequence: 0,
    needsTimestampStamp: false,
  };
}

/** Kafka's smallest believable batch length: the header of the oldest record format. */
const BATCH_LENGTH_MIN = 14;

/**
 * Whether exactly one valid v2 batch fills [at, at + size) of `source`; `out` says what it is, or why it may
 * not be appended. Never throws on any bytes.
 */
export function checkBatch(
  source: ByteSource,
  at: number,
  size: number,
  rules: BatchRules,
  out: BatchCheck,
): boolean {
  out.errorCode = ErrorCode.NONE;
  out.message = null;
  out.recordErrors = null;
  out.needsTimestampStamp = false;
  const { view } = source;
  if (!isFramed(view, at, size, out)) return false;
  const attributes = batchAttributes(view, at);
  const recordCount = batchRecordCount(view, at);
  const lastOffsetDelta = batchLastOffsetDelta(view, at);
  out.size = size;
  out.recordCount = recordCount;
  out.lastOffsetDelta = lastOffsetDelta;
  out.baseTimestamp = batchBaseTimestamp(view, at);
  out.maxTimestamp = batchMaxTimestamp(view, at);
  out.attributes = attributes;
  out.producerId = batchProducerId(view, at);
  out.producerEpoch = batchProducerEpoch(view, at);
  out.baseSequence = batchBaseSequence(view, at);
  if (rules.fromClient && (view.getInt32(at) !== 0 || view.getInt32(at + 4) !== 0)) {
    const message = `The baseOffset of the record batch in the append to ${rules.topicPartition} should be 0, but it is ${batchBaseOffset(view, at)}`;
    return refuse(out, ErrorCode.INVALID_RECORD, message);
  }
  if (size > rules.maxMessageBytes) {
    const message = `The record batch size in the append to ${rules.topicPartition} is ${size} bytes which exceeds the maximum configured value of ${rules.maxMessageBytes}).`;
    return refuse(out, ErrorCode.MESSAGE_TOO_LARGE, message);
  }
  if (rules.checkCrc && batchCrc(view, at) !== computeCrc(source, at, size)) {
    const message = `Record is corrupt (stored crc = ${batchCrc(view, at)}) in topic partition ${rules.topicPartition}.`;
    return refuse(out, ErrorCode.CORRUPT_MESSAGE, message);
  }
  if ((attributes & CODEC_MASK) > Codec.ZSTD) {
    const message = `Unknown compression type id: ${attributes & CODEC_MASK}`;
    return refuse(out, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message);
  }
  if (!rules.fromClient) {
    stamp(rules, out);
    return true;
  }
  return isClientHeader(rules, out) && checkRecords(source, at, size, rules, out);
}

function refuse(out: BatchCheck, errorCode: number, message: string): false {
  out.errorCode = errorCode;
  out.message = message;
  return false;
}

/** CRC-32C over the part of the batch that its checksum covers. */
export function computeCrc(source: ByteSource, at: number, size: number): number {
  if (source.crc32c !== undefined) return source.crc32c(at + ATTRIBUTES_AT, size - ATTRIBUTES_AT);
  return crc32c(source.bytes, at + ATTRIBUTES_AT, at + size);
}

/** Whether a batch of magic 2 fills the given size, as far as its fixed header says. */
function isFramed(view: DataView, at: number, size: number, out: BatchCheck): boolean {
  if (size < BATCH_OVERHEAD_BYTES) {
    return refuse(out, ErrorCode.INVALID_RECORD, 'there is no record batch');
  }
  const length = batchSize(view, at) - BATCH_OVERHEAD_BYTES;
  if (length < BATCH_LENGTH_MIN) {
    const message = `Record size ${length} is less than the minimum record overhead (${BATCH_LENGTH_MIN})`;
    return refuse(out, ErrorCode.CORRUPT_MESSAGE, message);
  }
  if (length > size - BATCH_OVERHEAD_BYTES) {
    return refuse(out, ErrorCode.INVALID_RECORD, 'the record batch ends early');
  }
  const magic = batchMagic(view, at);
  if (magic < 0 || magic > MAGIC_V2) {
    return refuse(out, ErrorCode.CORRUPT_MESSAGE, `Invalid magic found in record: ${magic}`);
  }
  if (magic !== MAGIC_V2) {
    const message = 'only record batches with magic version 2 are allowed';
    return refuse(out, ErrorCode.INVALID_RECORD, message);
  }
  if (length !== size - BATCH_OVERHEAD_BYTES) {
    const message = 'there must be exactly one record batch per partition';
    return refuse(out, ErrorCode.INVALID_RECORD, message);
  }
  if (size < BATCH_HEADER_BYTES) {
    const message = `Record batch is corrupt (the size ${size} is smaller than the minimum allowed overhead ${BATCH_HEADER_BYTES})`;
    return refuse(out, ErrorCode.CORRUPT_MESSAGE, message);
  }
  return true;
}

/** What LogValidator.validateBatch asks of a client's batch. */
function isClientHeader(rules: BatchRules, out: BatchCheck): boolean {
  const { recordCount, lastOffsetDelta } = out;
  if (lastOffsetDelta < 0) {
    const message = `Batch has an invalid offset range: [0, ${lastOffsetDelta}] in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, message);
  }
  if (recordCount <= 0) {
    const message = `Invalid reported count for record batch: ${recordCount} in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, message);
  }
  if (lastOffsetDelta + 1 !== recordCount) {
    const message = `Inconsistent batch offset range [0, ${lastOffsetDelta}] and count of records ${recordCount} in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, message);
  }
  if (isControl(out.attributes)) {
    const message = `Clients are not allowed to write control records in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, message);
  }
  if (out.producerId > NO_PRODUCER_ID && out.baseSequence < 0) {
    const message = `Invalid sequence number ${out.baseSequence} in record batch with producerId ${out.producerId} in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, message);
  }
  return true;
}

/** The records themselves: structure, timestamps, keys. */
function checkRecords(
  source: ByteSource,
  at: number,
  size: number,
  rules: BatchRules,
  out: BatchCheck,
): boolean {
  let { bytes } = source;
  let from = at + RECORDS_AT;
  let to = at + size;
  const codec = out.attributes & CODEC_MASK;
  if (codec !== Codec.NONE) {
    if (!mustUnfold(rules, out)) {
      stamp(rules, out);
      return true;
    }
    try {
      bytes = decompress(codec, bytes.subarray(from, to), DECOMPRESSED_BYTES_MAX);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      return refuse(out, ErrorCode.CORRUPT_MESSAGE, error.message);
    }
    from = 0;
    to = bytes.length;
  }
  if (!walkRecords(bytes, from, to, out.recordCount)) {
    const fault = recordsFault(bytes, from, to, out.recordCount);
    return refuse(out, ErrorCode.INVALID_RECORD, fault ?? 'Found invalid record structure');
  }
  const claimsLogAppendTime = isLogAppendTime(out.attributes);
  // With LogAppendTime claimed, every record's timestamp is the batch's maximum.
  const earliest = claimsLogAppendTime
    ? out.maxTimestamp
    : out.baseTimestamp + recordWalk.minTimestampDelta;
  const latest = claimsLogAppendTime
    ? out.maxTimestamp
    : out.baseTimestamp + recordWalk.maxTimestampDelta;
  const isCreateTime = rules.timestampType === 'CreateTime';
  if (
    (rules.isCompacted && recordWalk.hasNullKey) ||
    (isCreateTime && !isWithin(earliest, latest, rules)) ||
    (claimsLogAppendTime && !isCreateTime)
  ) {
    const faults = rejectedRecords(bytes, from, out.recordCount, to, {
      topicPartition: rules.topicPartition,
      isCompacted: rules.isCompacted,
      baseTimestamp: out.baseTimestamp,
      stampedTimestamp: claimsLogAppendTime ? out.maxTimestamp : null,
      timestamps: isCreateTime
        ? {
            earliest: rules.nowMs - rules.timestampBeforeMaxMs,
            latest: rules.nowMs + rules.timestampAfterMaxMs,
          }
        : null,
    });
    if (faults !== null) {
      out.recordErrors = faults.recordErrors;
      return refuse(out, faults.errorCode, faults.message);
    }
  }
  if (latest !== out.maxTimestamp) {
    out.maxTimestamp = latest;
    out.needsTimestampStamp = true;
  }
  stamp(rules, out);
  return true;
}

function isWithin(earliest: number, latest: number, rules: BatchRules): boolean {
  return (
    earliest >= rules.nowMs - rules.timestampBeforeMaxMs &&
    latest <= rules.nowMs + rules.timestampAfterMaxMs
  );
}

/**
 * Whether the inside of a compressed batch must be looked at: when asked to, when keys are needed, and when
 * its header's timestamps are suspect, to say which records are out of bounds.
 */
function mustUnfold(rules: BatchRules, out: BatchCheck): boolean {
  if (rules.walkCompressed || rules.isCompacted) return true;
  if (rules.timestampType === 'LogAppendTime') return isLogAppendTime(out.attributes);
  const earliest = Math.min(out.baseTimestamp, out.maxTimestamp);
  return !isWithin(earliest, out.maxTimestamp, rules);
}

/** Decides what timestamp and type the stored batch must carry. */
function stamp(rules: BatchRules, out: BatchCheck): void {
  if (rules.timestampType === 'LogAppendTime') {
    out.maxTimestamp = rules.nowMs;
    out.needsTimestampStamp = true;
  } else if (isLogAppendTime(out.attributes) && rules.fromClient) {
    out.needsTimestampStamp = true;
  }
}

/**
 * Decides whether a record batch may be appended, with Kafka 4.3's error codes and words (ProduceRequest,
 * UnifiedLog.analyzeAndValidateRecords, LogValidator). A good batch costs its checksum and, uncompressed, a
 * walk over its records; nothing is allocated for it. Stricter than Kafka in one thing: the offset deltas of
 * uncompressed records must count 0, 1, 2, ... And where Kafka trips over bytes it does not expect and
 * answers UNKNOWN_SERVER_ERROR (an unknown codec, a block that does not unfold), the code says what is wrong.
 *
 * Any thread; pure. What a client sends is held against everything; what the broker itself or a leader sends
 * (`fromClient: false`) against header and checksum only, as in Kafka. The inside of a compressed batch is
 * unfolded only where something needs it: header, checksum and sizes already guard it in transit. That may take long, so a
 * caller who must not may leave it to another thread (`unfoldedBytesMax`).
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
  MAGIC_AT,
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
  /** A batch that must be looked into and unfolds to more is refused; below the usual limit because it `needsUnfolding`. */
  unfoldedBytesMax: number;
  /** `prepareBatch` has looked at the records of this batch, compressed or not, under the same rules. */
  isPrepared: boolean;
}

/** The outcome of a check, overwritten by each: the caller reuses one. */
export interface BatchCheck {
  errorCode: number;
  /** What the client is told beside the code; null in most cases, as from Kafka. */
  message: string | null;
  /** Why the batch was refused, always: for logs. */
  reason: string | null;
  recordErrors: RecordError[] | null;
  /** Size of the batch in bytes: what is to be appended. */
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
  /** It was unfolded. */
  isUnfolded: boolean;
  /** Refused only because it must be unfolded by who may do more. */
  needsUnfolding: boolean;
}

/** A fresh outcome, to be reused. */
export function createBatchCheck(): BatchCheck {
  return {
    errorCode: ErrorCode.NONE,
    message: null,
    reason: null,
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
    isUnfolded: false,
    needsUnfolding: false,
  };
}

/** Kafka's smallest believable batch length: the header of the oldest record format. */
const BATCH_LENGTH_MIN = 14;

/**
 * Whether exactly one valid v2 batch lies in [at, at + available) of `source`; `out` says what it is, or why it may
 * not be appended. As in Kafka a fragment of a further batch behind it does not matter: it is not counted in
 * `out.size`. Never throws on any bytes.
 */
export function checkBatch(
  source: ByteSource,
  at: number,
  available: number,
  rules: BatchRules,
  out: BatchCheck,
): boolean {
  out.errorCode = ErrorCode.NONE;
  out.message = null;
  out.reason = null;
  out.recordErrors = null;
  out.needsTimestampStamp = false;
  out.isUnfolded = false;
  out.needsUnfolding = false;
  const { view } = source;
  if (!isFramed(view, at, available, out)) return false;
  const size = batchSize(view, at);
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
    const reason = `The baseOffset of the record batch in the append to ${rules.topicPartition} should be 0, but it is ${batchBaseOffset(view, at)}`;
    return refuse(out, ErrorCode.INVALID_RECORD, reason);
  }
  if (size > rules.maxMessageBytes) {
    const reason = `The record batch size in the append to ${rules.topicPartition} is ${size} bytes which exceeds the maximum configured value of ${rules.maxMessageBytes}).`;
    return refuse(out, ErrorCode.MESSAGE_TOO_LARGE, reason);
  }
  if (rules.checkCrc && batchCrc(view, at) !== computeCrc(source, at, size)) {
    const reason = `Record is corrupt (stored crc = ${batchCrc(view, at)}) in topic partition ${rules.topicPartition}.`;
    return refuse(out, ErrorCode.CORRUPT_MESSAGE, reason);
  }
  if ((attributes & CODEC_MASK) > Codec.ZSTD) {
    const reason = `Unknown compression type id: ${attributes & CODEC_MASK}`;
    return refuse(out, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, reason);
  }
  if (!rules.fromClient) {
    stamp(rules, out);
    return true;
  }
  return isClientHeader(rules, out) && checkRecords(source, at, size, rules, out);
}

function refuse(out: BatchCheck, errorCode: number, reason: string): false {
  out.errorCode = errorCode;
  out.reason = reason;
  return false;
}

/** Refuses in a case where Kafka tells the client why. */
function refuseAloud(out: BatchCheck, errorCode: number, reason: string): false {
  out.message = reason;
  return refuse(out, errorCode, reason);
}

/** CRC-32C over the part of the batch that its checksum covers. */
export function computeCrc(source: ByteSource, at: number, size: number): number {
  if (source.crc32c !== undefined) return source.crc32c(at + ATTRIBUTES_AT, size - ATTRIBUTES_AT);
  return crc32c(source.bytes, at + ATTRIBUTES_AT, at + size);
}

/** Whether [at, at + available) starts with a batch of magic 2 and holds no whole second one. */
function isFramed(view: DataView, at: number, available: number, out: BatchCheck): boolean {
  const size = framedSize(view, at, available, out);
  if (size < 0) {
    if (out.errorCode !== ErrorCode.NONE) out.message = out.reason;
    else refuse(out, ErrorCode.INVALID_RECORD, 'there is no whole record batch');
    return false;
  }
  const magic = batchMagic(view, at);
  if (magic !== MAGIC_V2) {
    const reason = `only record batches with magic version 2 are allowed, not ${magic}`;
    return refuse(out, ErrorCode.INVALID_RECORD, reason);
  }
  if (size < BATCH_HEADER_BYTES) {
    const reason = `Record batch is corrupt (the size ${size} is smaller than the minimum allowed overhead ${BATCH_HEADER_BYTES})`;
    return refuse(out, ErrorCode.CORRUPT_MESSAGE, reason);
  }
  if (size === available) return true;
  if (framedSize(view, at + size, available - size, out) >= 0) {
    const reason = 'there must be exactly one record batch per partition';
    return refuse(out, ErrorCode.INVALID_RECORD, reason);
  }
  return out.errorCode === ErrorCode.NONE;
}

/** Size of the batch at `at` when all of it is there, else -1; `out` is set when it is none (ByteBufferLogInputStream). */
function framedSize(view: DataView, at: number, available: number, out: BatchCheck): number {
  if (available < BATCH_OVERHEAD_BYTES) return -1;
  const length = batchSize(view, at) - BATCH_OVERHEAD_BYTES;
  if (length < BATCH_LENGTH_MIN) {
    const reason = `Record size ${length} is less than the minimum record overhead (${BATCH_LENGTH_MIN})`;
    refuse(out, ErrorCode.CORRUPT_MESSAGE, reason);
    return -1;
  }
  if (available <= MAGIC_AT) return -1;
  const magic = batchMagic(view, at);
  if (magic < 0 || magic > MAGIC_V2) {
    refuse(out, ErrorCode.CORRUPT_MESSAGE, `Invalid magic found in record: ${magic}`);
    return -1;
  }
  return length > available - BATCH_OVERHEAD_BYTES ? -1 : length + BATCH_OVERHEAD_BYTES;
}

/** What LogValidator.validateBatch asks of a client's batch. */
function isClientHeader(rules: BatchRules, out: BatchCheck): boolean {
  const { recordCount, lastOffsetDelta } = out;
  if (lastOffsetDelta < 0) {
    const reason = `Batch has an invalid offset range: [0, ${lastOffsetDelta}] in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, reason);
  }
  if (recordCount <= 0) {
    const reason = `Invalid reported count for record batch: ${recordCount} in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, reason);
  }
  if (lastOffsetDelta + 1 !== recordCount) {
    const reason = `Inconsistent batch offset range [0, ${lastOffsetDelta}] and count of records ${recordCount} in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, reason);
  }
  if (isControl(out.attributes)) {
    const reason = `Clients are not allowed to write control records in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, reason);
  }
  if (out.producerId > NO_PRODUCER_ID && out.baseSequence < 0) {
    const reason = `Invalid sequence number ${out.baseSequence} in record batch with producerId ${out.producerId} in topic partition ${rules.topicPartition}`;
    return refuse(out, ErrorCode.INVALID_RECORD, reason);
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
  let { bytes, view } = source;
  let from = at + RECORDS_AT;
  let to = at + size;
  const codec = out.attributes & CODEC_MASK;
  if (rules.isPrepared) {
    stamp(rules, out);
    return true;
  }
  if (codec !== Codec.NONE) {
    if (!mustUnfold(rules, out)) {
      stamp(rules, out);
      return true;
    }
    const limitBytes = rules.unfoldedBytesMax;
    if (limitBytes === 0) {
      out.needsUnfolding = true;
      return refuse(out, ErrorCode.CORRUPT_MESSAGE, 'the batch was not unfolded');
    }
    out.isUnfolded = true;
    try {
      bytes = decompress(codec, bytes.subarray(from, to), limitBytes);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      out.needsUnfolding = error.code === 'too-large' && limitBytes < DECOMPRESSED_BYTES_MAX;
      return refuse(out, ErrorCode.CORRUPT_MESSAGE, error.message);
    }
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    from = 0;
    to = bytes.length;
  }
  if (!walkRecords(bytes, view, from, to, out.recordCount)) {
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
            nowMs: rules.nowMs,
            beforeMaxMs: rules.timestampBeforeMaxMs,
            afterMaxMs: rules.timestampAfterMaxMs,
          }
        : null,
    });
    if (faults !== null) {
      out.recordErrors = faults.recordErrors;
      return refuseAloud(out, faults.errorCode, faults.message);
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

/**
 * Decides whether a record batch that a client (or a leader) sent may be appended.
 *
 * Any thread; pure.
 */

import { crc32c } from '../base/crc32c.ts';
import { ErrorCode } from '../base/error-codes.ts';
import {
  ATTRIBUTES_AT,
  batchAttributes,
  batchBaseSequence,
  batchBaseTimestamp,
  batchCrc,
  batchLastOffsetDelta,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  batchSize,
  RECORDS_AT,
  type TimestampType,
} from './batch.ts';

/** Memory in which a batch lies: SharedMemory satisfies it. */
export interface ByteSource {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** CRC-32C of `size` bytes at `at`, where the source has a way that makes no view. */
  crc32c?(at: number, size: number): number;
}

/** One rejected record of a batch: its index in the batch and why. */
export interface RecordError {
  index: number;
  message: string | null;
}

/** What a batch is checked against. One per partition log, reused; `nowMs` is set before each use. */
export interface BatchRules {
  /** `topic-partition`, for messages only. */
  topicPartition: string;
  maxMessageBytes: number;
  nowMs: number;
  timestampBeforeMaxMs: number;
  timestampAfterMaxMs: number;
  timestampType: TimestampType;
  isCompacted: boolean;
  walkCompressed: boolean;
  checkCrc: boolean;
  fromClient: boolean;
}

/** The outcome of a check, overwritten by each: the caller reuses one, nothing is allocated for a good batch. */
export interface BatchCheck {
  errorCode: number;
  message: string | null;
  recordErrors: RecordError[] | null;
  /** Size of the batch in bytes. */
  size: number;
  recordCount: number;
  lastOffsetDelta: number;
  baseTimestamp: number;
  /** The true maximum where the records were walked, else the header's. */
  maxTimestamp: number;
  attributes: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
}

/** A fresh outcome to be reused. */
export function createBatchCheck(): BatchCheck {
  return {
    errorCode: 0,
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
  };
}

/** Whether exactly one valid v2 batch fills [at, at + size); `out` says what it is, or why not. */
export function checkBatch(
  source: ByteSource,
  at: number,
  size: number,
  rules: BatchRules,
  out: BatchCheck,
): boolean {
  const view = source.view;
  out.errorCode = ErrorCode.NONE;
  out.message = null;
  out.recordErrors = null;
  if (size < RECORDS_AT || batchSize(view, at) !== size) {
    out.errorCode = ErrorCode.CORRUPT_MESSAGE;
    return false;
  }
  out.size = size;
  out.recordCount = batchRecordCount(view, at);
  out.lastOffsetDelta = batchLastOffsetDelta(view, at);
  out.baseTimestamp = batchBaseTimestamp(view, at);
  out.maxTimestamp = batchMaxTimestamp(view, at);
  out.attributes = batchAttributes(view, at);
  out.producerId = batchProducerId(view, at);
  out.producerEpoch = batchProducerEpoch(view, at);
  out.baseSequence = batchBaseSequence(view, at);
  if (size > rules.maxMessageBytes) {
    out.errorCode = ErrorCode.MESSAGE_TOO_LARGE;
    return false;
  }
  if (
    rules.checkCrc &&
    crc32c(source.bytes, at + ATTRIBUTES_AT, at + size) !== batchCrc(view, at)
  ) {
    out.errorCode = ErrorCode.CORRUPT_MESSAGE;
    return false;
  }
  return true;
}

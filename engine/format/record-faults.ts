/**
 * Says what is wrong with records that may not be appended, in the words of Kafka 4.3 (DefaultRecord,
 * LogValidator), because clients show them to people. Runs only for batches that the fast walk or the bounds
 * check refused, so it may be slow and may allocate.
 *
 * Any thread; pure.
 */

import { ErrorCode } from '../base/error-codes.ts';
import { formatInt64Sum } from '../base/int64.ts';
import { RECORD_ERRORS_MAX } from '../base/limits.ts';
import { readVarint, readVarlong, varint } from '../base/varint.ts';

/** One rejected record of a batch: its index in the batch and why. */
export interface RecordError {
  index: number;
  message: string | null;
}

/** Why exactly `count` records with offset deltas 0 to count-1 do not fill [at, end); null when they do. */
export function recordsFault(
  bytes: Uint8Array,
  at: number,
  end: number,
  count: number,
): string | null {
  let position = at;
  for (let index = 0; index < count; index++) {
    if (position >= end) return 'Incorrect declared batch size, premature EOF reached';
    const length = readVarint(bytes, position, end);
    position = varint.end;
    if (position < 0) return 'Found invalid record structure';
    const remaining = end - position;
    if (length > remaining) {
      return `Invalid record size: expected ${length} bytes in record payload, but instead the buffer has only ${remaining} remaining bytes.`;
    }
    const fault = recordFault(bytes, position, length, index, end);
    if (fault !== null) return fault;
    position += length;
  }
  return position === end ? null : 'Incorrect declared batch size, records still remaining in file';
}

/** Why one record of `length` bytes at `at` is malformed. Its parts are read against the end of the batch. */
function recordFault(
  bytes: Uint8Array,
  at: number,
  length: number,
  index: number,
  end: number,
): string | null {
  const structure = 'Found invalid record structure';
  readVarlong(bytes, at + 1, end); // behind the attributes
  if (varint.end < 0) return structure;
  const offsetDelta = readVarint(bytes, varint.end, end);
  if (varint.end < 0) return structure;
  if (offsetDelta !== index) {
    return `Record ${index} of the batch does not have incremental offsets, expected offset delta is ${index}, found ${offsetDelta}`;
  }
  let position = varint.end;
  for (let part = 0; part < 2; part++) {
    const partLength = readVarint(bytes, position, end);
    position = varint.end;
    if (position < 0 || partLength > end - position) return structure;
    position += Math.max(partLength, 0);
  }
  const headerCount = readVarint(bytes, position, end);
  position = varint.end;
  if (position < 0) return structure;
  if (headerCount < 0) return `Found invalid number of record headers ${headerCount}`;
  if (headerCount > end - position) {
    return `Found invalid number of record headers. ${headerCount} is larger than the remaining size of the buffer`;
  }
  for (let header = 0; header < headerCount; header++) {
    const keyLength = readVarint(bytes, position, end);
    position = varint.end;
    if (position < 0 || keyLength > end - position) return structure;
    if (keyLength < 0) return `Invalid negative header key size ${keyLength}`;
    position += keyLength;
    const valueLength = readVarint(bytes, position, end);
    position = varint.end;
    if (position < 0 || valueLength > end - position) return structure;
    position += Math.max(valueLength, 0);
  }
  if (position - at !== length) {
    return `Invalid record size: expected to read ${length} bytes in record payload, but instead read ${position - at}`;
  }
  return null;
}

/** Against what each record is held. */
export interface RecordBounds {
  topicPartition: string;
  isCompacted: boolean;
  baseTimestamp: number;
  /** The timestamp of all records when the producer claims LogAppendTime for them, else null. */
  stampedTimestamp: number | null;
  /** Null where timestamps are not checked. */
  timestamps: { nowMs: number; beforeMaxMs: number; afterMaxMs: number } | null;
}

export interface RecordFaults {
  errorCode: number;
  message: string;
  recordErrors: RecordError[];
}

/** Which of the well-formed records in [at, end) may not be appended; null when all may. */
export function rejectedRecords(
  bytes: Uint8Array,
  at: number,
  count: number,
  end: number,
  bounds: RecordBounds,
): RecordFaults | null {
  const recordErrors: RecordError[] = [];
  let errorCount = 0;
  let isTimestampWrong = false;
  let position = at;
  for (let index = 0; index < count; index++) {
    const length = readVarint(bytes, position, end);
    position = varint.end;
    const next = position + length;
    const delta = readVarlong(bytes, position + 1, end);
    const timestamp = bounds.stampedTimestamp ?? bounds.baseTimestamp + delta;
    readVarint(bytes, varint.end, end);
    const keyLength = readVarint(bytes, varint.end, end);
    const valueLength = readVarint(bytes, varint.end + Math.max(keyLength, 0), end);
    position = next;
    let message: string | null = null;
    if (bounds.isCompacted && keyLength < 0) {
      message = `Compacted topic cannot accept message without key in topic partition ${bounds.topicPartition}`;
    } else if (bounds.timestamps !== null && timestamp !== -1) {
      const { nowMs, beforeMaxMs, afterMaxMs } = bounds.timestamps;
      if (timestamp < nowMs - beforeMaxMs || timestamp > nowMs + afterMaxMs) {
        isTimestampWrong = true;
        const earliest = formatInt64Sum(nowMs, -beforeMaxMs);
        const latest = formatInt64Sum(nowMs, afterMaxMs);
        message = `Timestamp ${timestamp} of message with offset ${index} is out of range. The timestamp should be within [${earliest}, ${latest}]`;
      }
    } else if (bounds.stampedTimestamp !== null) {
      isTimestampWrong = true;
      message = `Invalid timestamp type in message DefaultRecord(offset=${index}, timestamp=${timestamp}, key=${Math.max(keyLength, 0)} bytes, value=${Math.max(valueLength, 0)} bytes). Producer should not set timestamp type to LogAppendTime.`;
    }
    if (message === null) continue;
    errorCount++;
    if (recordErrors.length < RECORD_ERRORS_MAX) recordErrors.push({ index, message });
  }
  if (errorCount === 0) return null;
  if (isTimestampWrong) {
    return {
      errorCode: ErrorCode.INVALID_TIMESTAMP,
      message: 'One or more records have been rejected due to invalid timestamp',
      recordErrors,
    };
  }
  const firstThree = recordErrors
    .slice(0, 3)
    .map((error) => `RecordError(batchIndex=${error.index}, message='${error.message}')`)
    .join(', ');
  return {
    errorCode: ErrorCode.INVALID_RECORD,
    message: `One or more records have been rejected due to ${errorCount} record errors in total, and only showing the first three errors at most: [${firstThree}]`,
    recordErrors,
  };
}

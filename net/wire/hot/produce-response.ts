/**
 * Writes a Produce response (versions 3 to 13) piece by piece into memory that the caller has made large enough, in the
 * order start, then per topic: topic, its partitions, topic end, then the response's end. Beside every writer stands the
 * function that tells how many bytes it will write.
 *
 * Any thread; allocates nothing, except for partitions that carry an error message.
 */

import { setInt64 } from '../../../engine/base/int64.ts';
import {
  type ByteTarget,
  type NodeEndpoint,
  putBytes,
  putCount,
  putNodeEndpointTags,
  putStringSize,
  putText,
  putVarint,
  sizeOfCount,
  sizeOfNodeEndpoints,
  sizeOfString,
  sizeOfText,
} from './bytes.ts';

const LOG_START_OFFSET_FROM = 5;
const RECORD_ERRORS_FROM = 8;
const FLEXIBLE_FROM = 9;
const CURRENT_LEADER_FROM = 10;
const TOPIC_ID_FROM = 13;
const TOPIC_ID_BYTES = 16;

/** Tag, size and content of `currentLeader`. */
const CURRENT_LEADER_BYTES = 1 + 1 + (4 + 4 + 1);

/** What became of one partition of the request. */
export interface ProducePartitionOutcome {
  readonly index: number;
  readonly errorCode: number;
  /** -1 on errors. */
  readonly baseOffset: number;
  /** -1 unless the topic's timestamps are LogAppendTime. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** Told from version 8 on. */
  readonly recordErrors:
    | readonly { readonly index: number; readonly message: string | null }[]
    | null;
  readonly errorMessage: string | null;
  /** The leader to turn to, -1 when there is nothing to tell; from version 10 on. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export function produceStartBytes(version: number, topicCount: number): number {
  return sizeOfCount(topicCount, version >= FLEXIBLE_FROM);
}

/** Begins the body. */
export function putProduceStart(
  target: ByteTarget,
  at: number,
  version: number,
  topicCount: number,
): number {
  return putCount(target, at, topicCount, version >= FLEXIBLE_FROM);
}

/** `keySize`: see `putProduceTopic`. */
export function produceTopicBytes(
  version: number,
  keySize: number,
  partitionCount: number,
): number {
  const isFlexible = version >= FLEXIBLE_FROM;
  const key = version < TOPIC_ID_FROM ? sizeOfString(keySize, isFlexible) : TOPIC_ID_BYTES;
  return key + sizeOfCount(partitionCount, isFlexible);
}

/** Begins a topic. Its key lies at `keyAt` of `source`: name up to version 12, id from 13 on, as in the request. */
export function putProduceTopic(
  target: ByteTarget,
  at: number,
  version: number,
  source: Uint8Array,
  keyAt: number,
  keySize: number,
  partitionCount: number,
): number {
  const isFlexible = version >= FLEXIBLE_FROM;
  if (version < TOPIC_ID_FROM) at = putStringSize(target, at, keySize, isFlexible);
  at = putBytes(target, at, source, keyAt, keySize);
  return putCount(target, at, partitionCount, isFlexible);
}

export function producePartitionBytes(version: number, outcome: ProducePartitionOutcome): number {
  let size = 4 + 2 + 8 + 8;
  if (version >= LOG_START_OFFSET_FROM) size += 8;
  if (version < RECORD_ERRORS_FROM) return size;
  const isFlexible = version >= FLEXIBLE_FROM;
  const recordErrors = outcome.recordErrors;
  size += sizeOfCount(recordErrors === null ? 0 : recordErrors.length, isFlexible);
  if (recordErrors !== null) {
    for (const { message } of recordErrors) {
      size += 4 + sizeOfText(message, isFlexible) + (isFlexible ? 1 : 0);
    }
  }
  size += sizeOfText(outcome.errorMessage, isFlexible);
  if (isFlexible) size += 1;
  if (tellsLeader(version, outcome)) size += CURRENT_LEADER_BYTES;
  return size;
}

/** Writes a partition of the topic begun last. */
export function putProducePartition(
  target: ByteTarget,
  at: number,
  version: number,
  outcome: ProducePartitionOutcome,
): number {
  const { view } = target;
  view.setInt32(at, outcome.index);
  view.setInt16(at + 4, outcome.errorCode);
  setInt64(view, at + 6, outcome.baseOffset);
  setInt64(view, at + 14, outcome.logAppendTimeMs);
  at += 22;
  if (version >= LOG_START_OFFSET_FROM) {
    setInt64(view, at, outcome.logStartOffset);
    at += 8;
  }
  if (version < RECORD_ERRORS_FROM) return at;
  const isFlexible = version >= FLEXIBLE_FROM;
  const recordErrors = outcome.recordErrors;
  at = putCount(target, at, recordErrors === null ? 0 : recordErrors.length, isFlexible);
  if (recordErrors !== null) {
    for (const { index, message } of recordErrors) {
      view.setInt32(at, index);
      at = putText(target, at + 4, message, isFlexible);
      if (isFlexible) at = putVarint(target, at, 0);
    }
  }
  at = putText(target, at, outcome.errorMessage, isFlexible);
  if (!isFlexible) return at;
  if (!tellsLeader(version, outcome)) return putVarint(target, at, 0);
  at = putVarint(target, at, 1);
  view.setInt8(at, 0);
  view.setInt8(at + 1, CURRENT_LEADER_BYTES - 2);
  view.setInt32(at + 2, outcome.leaderId);
  view.setInt32(at + 6, outcome.leaderEpoch);
  view.setInt8(at + 10, 0);
  return at + CURRENT_LEADER_BYTES;
}

function tellsLeader(version: number, outcome: ProducePartitionOutcome): boolean {
  return version >= CURRENT_LEADER_FROM && (outcome.leaderId !== -1 || outcome.leaderEpoch !== -1);
}

export function produceTopicEndBytes(version: number): number {
  return version >= FLEXIBLE_FROM ? 1 : 0;
}

/** Ends a topic behind its last partition. */
export function putProduceTopicEnd(target: ByteTarget, at: number, version: number): number {
  return version >= FLEXIBLE_FROM ? putVarint(target, at, 0) : at;
}

export function produceEndBytes(version: number, endpoints: readonly NodeEndpoint[]): number {
  if (version < FLEXIBLE_FROM) return 4;
  return 4 + 1 + (version >= CURRENT_LEADER_FROM ? sizeOfNodeEndpoints(endpoints) : 0);
}

/** Ends the body. `endpoints` are those of the leaders told in partitions (10+), usually none. */
export function putProduceEnd(
  target: ByteTarget,
  at: number,
  version: number,
  throttleTimeMs: number,
  endpoints: readonly NodeEndpoint[],
): number {
  target.view.setInt32(at, throttleTimeMs);
  at += 4;
  if (version < FLEXIBLE_FROM) return at;
  return version >= CURRENT_LEADER_FROM
    ? putNodeEndpointTags(target, at, endpoints)
    : putVarint(target, at, 0);
}

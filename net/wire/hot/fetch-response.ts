/**
 * Writes a Fetch response (versions 4 to 18) around record bytes that it never sees: start, then per topic: topic, per
 * partition: prefix · (record bytes, put there by the caller) · suffix, topic end, then the response's end. The prefix ends
 * with the length of the records, so that a file can be read directly behind it. Beside every writer stands the function
 * that tells how many bytes it will write, so the size of a frame is known before any of it is.
 *
 * The length of the records is a varint from version 12 on. Its width is that of the size announced to the prefix; when
 * fewer bytes turn out to be there, `patchFetchRecordsSize` pads the varint, which every reader of varints accepts.
 *
 * Any thread; allocates nothing.
 */

import { setInt64 } from '../../../engine/base/int64.ts';
import { sizeOfUnsignedVarint } from '../../../engine/base/varint.ts';
import {
  type ByteTarget,
  type NodeEndpoint,
  putBytes,
  putCount,
  putNodeEndpointTags,
  putStringSize,
  putVarint,
  sizeOfCount,
  sizeOfNodeEndpoints,
  sizeOfString,
} from './bytes.ts';

const LOG_START_OFFSET_FROM = 5;
const SESSION_FROM = 7;
const PREFERRED_REPLICA_FROM = 11;
const FLEXIBLE_FROM = 12;
const TOPIC_ID_FROM = 13;
const NODE_ENDPOINTS_FROM = 16;
const TOPIC_ID_BYTES = 16;

/** Content of each of the three tagged fields: two numbers, and its own empty tag section. */
const DIVERGING_EPOCH_BYTES = 4 + 8 + 1;
const CURRENT_LEADER_BYTES = 4 + 4 + 1;
const SNAPSHOT_ID_BYTES = 8 + 4 + 1;
/** Tag and size before each. */
const TAG_HEAD_BYTES = 2;

/** What is told of one partition beside its records. */
export interface FetchPartitionOutcome {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Null for consumers that read uncommitted records. */
  readonly abortedTransactions:
    | readonly { readonly producerId: number; readonly firstOffset: number }[]
    | null;
  /** The replica to read from instead, -1 for none; 11+. */
  readonly preferredReadReplica: number;
  /** Where a follower's log parts from this one, -1 and -1 when it does not; 12+, as all below. */
  readonly divergingEpoch: number;
  readonly divergingEndOffset: number;
  /** The leader to turn to, -1 when there is nothing to tell. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  /** The snapshot that a KRaft replica must fetch first, -1 and -1 for none. */
  readonly snapshotEndOffset: number;
  readonly snapshotEpoch: number;
}

export function fetchStartBytes(version: number, topicCount: number): number {
  return 4 + (version >= SESSION_FROM ? 6 : 0) + sizeOfCount(topicCount, version >= FLEXIBLE_FROM);
}

/** What is told of the response as a whole. */
export interface FetchResponseStart {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly sessionId: number;
}

/** Begins the body. */
export function putFetchStart(
  target: ByteTarget,
  at: number,
  version: number,
  start: FetchResponseStart,
  topicCount: number,
): number {
  const { view } = target;
  view.setInt32(at, start.throttleTimeMs);
  at += 4;
  if (version >= SESSION_FROM) {
    view.setInt16(at, start.errorCode);
    view.setInt32(at + 2, start.sessionId);
    at += 6;
  }
  return putCount(target, at, topicCount, version >= FLEXIBLE_FROM);
}

/** `keySize`: see `putFetchTopic`. */
export function fetchTopicBytes(version: number, keySize: number, partitionCount: number): number {
  const isFlexible = version >= FLEXIBLE_FROM;
  const key = version < TOPIC_ID_FROM ? sizeOfString(keySize, isFlexible) : TOPIC_ID_BYTES;
  return key + sizeOfCount(partitionCount, isFlexible);
}

/** Begins a topic. Its key lies at `keyAt` of `source`: name up to version 12, id from 13 on, as in the request. */
export function putFetchTopic(
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

/** Bytes of a partition before its records. `recordsSize`: at most that many, -1 for null. */
export function fetchPrefixBytes(
  version: number,
  outcome: FetchPartitionOutcome,
  recordsSize: number,
): number {
  const isFlexible = version >= FLEXIBLE_FROM;
  const aborted = outcome.abortedTransactions;
  let size = 4 + 2 + 8 + 8;
  if (version >= LOG_START_OFFSET_FROM) size += 8;
  size += sizeOfCount(aborted === null ? -1 : aborted.length, isFlexible);
  if (aborted !== null) size += aborted.length * (isFlexible ? 17 : 16);
  if (version >= PREFERRED_REPLICA_FROM) size += 4;
  return size + fetchRecordsSizeBytes(version, recordsSize);
}

/** Bytes of the length of the records itself. */
export function fetchRecordsSizeBytes(version: number, recordsSize: number): number {
  return version >= FLEXIBLE_FROM ? sizeOfUnsignedVarint(recordsSize + 1) : 4;
}

/** Writes a partition up to its records and returns the position where they go. */
export function putFetchPrefix(
  target: ByteTarget,
  at: number,
  version: number,
  outcome: FetchPartitionOutcome,
  recordsSize: number,
): number {
  const { view } = target;
  const isFlexible = version >= FLEXIBLE_FROM;
  view.setInt32(at, outcome.partitionIndex);
  view.setInt16(at + 4, outcome.errorCode);
  setInt64(view, at + 6, outcome.highWatermark);
  setInt64(view, at + 14, outcome.lastStableOffset);
  at += 22;
  if (version >= LOG_START_OFFSET_FROM) {
    setInt64(view, at, outcome.logStartOffset);
    at += 8;
  }
  const aborted = outcome.abortedTransactions;
  at = putCount(target, at, aborted === null ? -1 : aborted.length, isFlexible);
  if (aborted !== null) {
    for (const { producerId, firstOffset } of aborted) {
      setInt64(view, at, producerId);
      setInt64(view, at + 8, firstOffset);
      at += 16;
      if (isFlexible) at = putVarint(target, at, 0);
    }
  }
  if (version >= PREFERRED_REPLICA_FROM) {
    view.setInt32(at, outcome.preferredReadReplica);
    at += 4;
  }
  if (isFlexible) return putVarint(target, at, recordsSize + 1);
  view.setInt32(at, recordsSize);
  return at + 4;
}

/**
 * Corrects the length of records that begin at `recordsAt`: `recordsSize` of them, at most the `announcedSize` that the
 * prefix was written with. The records stay where they are.
 */
export function patchFetchRecordsSize(
  target: ByteTarget,
  recordsAt: number,
  version: number,
  announcedSize: number,
  recordsSize: number,
): void {
  if (version < FLEXIBLE_FROM) {
    target.view.setInt32(recordsAt - 4, recordsSize);
    return;
  }
  const width = sizeOfUnsignedVarint(announcedSize + 1);
  let rest = recordsSize + 1;
  for (let index = 0; index < width; index++) {
    const isLast = index === width - 1;
    target.view.setUint8(recordsAt - width + index, isLast ? rest : (rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
}

export function fetchSuffixBytes(version: number, outcome: FetchPartitionOutcome): number {
  if (version < FLEXIBLE_FROM) return 0;
  let size = 1;
  if (tellsDivergence(outcome)) size += TAG_HEAD_BYTES + DIVERGING_EPOCH_BYTES;
  if (tellsLeader(outcome)) size += TAG_HEAD_BYTES + CURRENT_LEADER_BYTES;
  if (tellsSnapshot(outcome)) size += TAG_HEAD_BYTES + SNAPSHOT_ID_BYTES;
  return size;
}

/** Ends a partition behind its records. */
export function putFetchSuffix(
  target: ByteTarget,
  at: number,
  version: number,
  outcome: FetchPartitionOutcome,
): number {
  if (version < FLEXIBLE_FROM) return at;
  const { view } = target;
  const divergence = tellsDivergence(outcome);
  const leader = tellsLeader(outcome);
  const snapshot = tellsSnapshot(outcome);
  view.setInt8(at++, (divergence ? 1 : 0) + (leader ? 1 : 0) + (snapshot ? 1 : 0));
  if (divergence) {
    at = putTagHead(view, at, 0, DIVERGING_EPOCH_BYTES);
    view.setInt32(at, outcome.divergingEpoch);
    setInt64(view, at + 4, outcome.divergingEndOffset);
    view.setInt8(at + 12, 0);
    at += DIVERGING_EPOCH_BYTES;
  }
  if (leader) {
    at = putTagHead(view, at, 1, CURRENT_LEADER_BYTES);
    view.setInt32(at, outcome.leaderId);
    view.setInt32(at + 4, outcome.leaderEpoch);
    view.setInt8(at + 8, 0);
    at += CURRENT_LEADER_BYTES;
  }
  if (snapshot) {
    at = putTagHead(view, at, 2, SNAPSHOT_ID_BYTES);
    setInt64(view, at, outcome.snapshotEndOffset);
    view.setInt32(at + 8, outcome.snapshotEpoch);
    view.setInt8(at + 12, 0);
    at += SNAPSHOT_ID_BYTES;
  }
  return at;
}

function putTagHead(view: DataView, at: number, tag: number, size: number): number {
  view.setInt8(at, tag);
  view.setInt8(at + 1, size);
  return at + TAG_HEAD_BYTES;
}

function tellsDivergence(outcome: FetchPartitionOutcome): boolean {
  return outcome.divergingEpoch !== -1 || outcome.divergingEndOffset !== -1;
}

function tellsLeader(outcome: FetchPartitionOutcome): boolean {
  return outcome.leaderId !== -1 || outcome.leaderEpoch !== -1;
}

function tellsSnapshot(outcome: FetchPartitionOutcome): boolean {
  return outcome.snapshotEndOffset !== -1 || outcome.snapshotEpoch !== -1;
}

export function fetchTopicEndBytes(version: number): number {
  return version >= FLEXIBLE_FROM ? 1 : 0;
}

/** Ends a topic behind its last partition. */
export function putFetchTopicEnd(target: ByteTarget, at: number, version: number): number {
  return version >= FLEXIBLE_FROM ? putVarint(target, at, 0) : at;
}

export function fetchEndBytes(version: number, endpoints: readonly NodeEndpoint[]): number {
  if (version < FLEXIBLE_FROM) return 0;
  return 1 + (version >= NODE_ENDPOINTS_FROM ? sizeOfNodeEndpoints(endpoints) : 0);
}

/** Ends the body. `endpoints` are those of the leaders told in partitions (16+), usually none. */
export function putFetchEnd(
  target: ByteTarget,
  at: number,
  version: number,
  endpoints: readonly NodeEndpoint[],
): number {
  if (version < FLEXIBLE_FROM) return at;
  return version >= NODE_ENDPOINTS_FROM
    ? putNodeEndpointTags(target, at, endpoints)
    : putVarint(target, at, 0);
}

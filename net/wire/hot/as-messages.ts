/**
 * The codecs of this folder in the shape of schema codecs, values and all: what they read as an object, what they write
 * from one. It holds the hot codecs against the schemas (tests, fuzzing) and shows how they are used together.
 *
 * Any thread; allocates freely.
 */

import { uuidFromBytes, uuidToBytes, ZERO_UUID } from '../../../engine/base/uuid.ts';
import type { FetchRequest, FetchResponse } from '../api/fetch.ts';
import type { ProduceRequest, ProduceResponse } from '../api/produce.ts';
import type { ByteTarget } from './bytes.ts';
import { FetchRequestCursor } from './fetch-request.ts';
import {
  type FetchPartitionOutcome,
  fetchEndBytes,
  fetchPrefixBytes,
  fetchStartBytes,
  fetchSuffixBytes,
  fetchTopicBytes,
  fetchTopicEndBytes,
  putFetchEnd,
  putFetchPrefix,
  putFetchStart,
  putFetchSuffix,
  putFetchTopic,
  putFetchTopicEnd,
} from './fetch-response.ts';
import { walkProduceRequest } from './produce-request.ts';
import {
  type ProducePartitionOutcome,
  produceEndBytes,
  producePartitionBytes,
  produceStartBytes,
  produceTopicBytes,
  produceTopicEndBytes,
  putProduceEnd,
  putProducePartition,
  putProduceStart,
  putProduceTopic,
  putProduceTopicEnd,
} from './produce-response.ts';

const TOPIC_ID_FROM = 13;

/** Reads a Produce request body. */
export function produceRequestOf(bytes: Buffer, version: number): ProduceRequest {
  const request: ProduceRequest = { transactionalId: null, acks: 0, timeoutMs: 0, topicData: [] };
  walkProduceRequest({ bytes }, 0, bytes.length, version, {
    onRequest(acks, timeoutMs, transactionalIdAt, transactionalIdSize) {
      request.acks = acks;
      request.timeoutMs = timeoutMs;
      if (transactionalIdSize >= 0) {
        request.transactionalId = textAt(bytes, transactionalIdAt, transactionalIdSize);
      }
    },
    onTopic(keyAt, keySize) {
      request.topicData.push({
        name: version < TOPIC_ID_FROM ? textAt(bytes, keyAt, keySize) : '',
        topicId: version < TOPIC_ID_FROM ? ZERO_UUID : uuidFromBytes(bytes, keyAt),
        partitionData: [],
      });
    },
    onPartition(index, recordsAt, recordsSize) {
      const records = recordsSize < 0 ? null : bytes.subarray(recordsAt, recordsAt + recordsSize);
      request.topicData.at(-1)!.partitionData.push({ index, records });
    },
  });
  return request;
}

/** Reads a Fetch request body. What only KRaft voters look at (cluster id) is left out, as the cursor leaves it. */
export function fetchRequestOf(bytes: Buffer, version: number): FetchRequest {
  const cursor = new FetchRequestCursor();
  cursor.open({ bytes }, 0, bytes.length, version);
  const hasReplicaState = version >= 15;
  const request: FetchRequest = {
    clusterId: null,
    replicaId: hasReplicaState ? -1 : cursor.replicaId,
    replicaState: {
      replicaId: hasReplicaState ? cursor.replicaId : -1,
      replicaEpoch: cursor.replicaEpoch,
    },
    maxWaitMs: cursor.maxWaitMs,
    minBytes: cursor.minBytes,
    maxBytes: cursor.maxBytes,
    isolationLevel: cursor.isolationLevel,
    sessionId: cursor.sessionId,
    sessionEpoch: cursor.sessionEpoch,
    topics: [],
    forgottenTopicsData: [],
    rackId: textAt(bytes, cursor.rackIdAt, cursor.rackIdSize),
  };
  while (cursor.nextTopic()) {
    const partitions: FetchRequest['topics'][number]['partitions'] = [];
    request.topics.push({ ...topicOf(bytes, cursor, version), partitions });
    while (cursor.nextPartition()) {
      const directoryAt = cursor.replicaDirectoryIdAt;
      partitions.push({
        partition: cursor.partition,
        currentLeaderEpoch: cursor.currentLeaderEpoch,
        fetchOffset: cursor.fetchOffset,
        lastFetchedEpoch: cursor.lastFetchedEpoch,
        logStartOffset: cursor.logStartOffset,
        partitionMaxBytes: cursor.partitionMaxBytes,
        replicaDirectoryId: directoryAt < 0 ? ZERO_UUID : uuidFromBytes(bytes, directoryAt),
        highWatermark: cursor.highWatermark,
      });
    }
  }
  cursor.openForgotten();
  while (cursor.nextForgottenTopic()) {
    const partitions: number[] = [];
    request.forgottenTopicsData.push({ ...topicOf(bytes, cursor, version), partitions });
    while (cursor.nextForgottenPartition()) partitions.push(cursor.partition);
  }
  return request;
}

function topicOf(
  bytes: Buffer,
  cursor: FetchRequestCursor,
  version: number,
): { topic: string; topicId: string } {
  return version < TOPIC_ID_FROM
    ? { topic: textAt(bytes, cursor.keyAt, cursor.keySize), topicId: ZERO_UUID }
    : { topic: '', topicId: uuidFromBytes(bytes, cursor.keyAt) };
}

function textAt(bytes: Buffer, at: number, size: number): string {
  return bytes.toString('utf8', at, at + size);
}

/** Writes a Produce response body; the buffer has exactly the announced size. */
export function produceResponseBytes(response: ProduceResponse, version: number): Buffer {
  const topics = response.responses.map((topic) => ({
    key: topicKey(topic.name, topic.topicId, version),
    partitions: topic.partitionResponses.map(produceOutcome),
  }));
  let size =
    produceStartBytes(version, topics.length) + produceEndBytes(version, response.nodeEndpoints);
  for (const { key, partitions } of topics) {
    size += produceTopicBytes(version, key.length, partitions.length);
    for (const partition of partitions) size += producePartitionBytes(version, partition);
    size += produceTopicEndBytes(version);
  }
  const target = targetOf(size);
  let at = putProduceStart(target, 0, version, topics.length);
  for (const { key, partitions } of topics) {
    at = putProduceTopic(target, at, version, key, 0, key.length, partitions.length);
    for (const partition of partitions) at = putProducePartition(target, at, version, partition);
    at = putProduceTopicEnd(target, at, version);
  }
  at = putProduceEnd(target, at, version, response.throttleTimeMs, response.nodeEndpoints);
  return wholeOf(target, at);
}

function produceOutcome(
  partition: ProduceResponse['responses'][number]['partitionResponses'][number],
): ProducePartitionOutcome {
  return {
    index: partition.index,
    errorCode: partition.errorCode,
    baseOffset: partition.baseOffset,
    logAppendTimeMs: partition.logAppendTimeMs,
    logStartOffset: partition.logStartOffset,
    recordErrors: partition.recordErrors.map((error) => ({
      index: error.batchIndex,
      message: error.batchIndexErrorMessage,
    })),
    errorMessage: partition.errorMessage,
    leaderId: partition.currentLeader.leaderId,
    leaderEpoch: partition.currentLeader.leaderEpoch,
  };
}

/** Writes a Fetch response body; the buffer has exactly the announced size. */
export function fetchResponseBytes(response: FetchResponse, version: number): Buffer {
  const topics = response.responses.map((topic) => ({
    key: topicKey(topic.topic, topic.topicId, version),
    partitions: topic.partitions.map((partition) => ({
      outcome: fetchOutcome(partition),
      records: partition.records,
    })),
  }));
  let size =
    fetchStartBytes(version, topics.length) + fetchEndBytes(version, response.nodeEndpoints);
  for (const { key, partitions } of topics) {
    size += fetchTopicBytes(version, key.length, partitions.length);
    for (const { outcome, records } of partitions) {
      size += fetchPrefixBytes(version, outcome, records === null ? -1 : records.length);
      size += (records?.length ?? 0) + fetchSuffixBytes(version, outcome);
    }
    size += fetchTopicEndBytes(version);
  }
  const target = targetOf(size);
  let at = putFetchStart(target, 0, version, response, topics.length);
  for (const { key, partitions } of topics) {
    at = putFetchTopic(target, at, version, key, 0, key.length, partitions.length);
    for (const { outcome, records } of partitions) {
      at = putFetchPrefix(target, at, version, outcome, records === null ? -1 : records.length);
      if (records !== null) {
        target.bytes.set(records, at);
        at += records.length;
      }
      at = putFetchSuffix(target, at, version, outcome);
    }
    at = putFetchTopicEnd(target, at, version);
  }
  at = putFetchEnd(target, at, version, response.nodeEndpoints);
  return wholeOf(target, at);
}

function fetchOutcome(
  partition: FetchResponse['responses'][number]['partitions'][number],
): FetchPartitionOutcome {
  return {
    partitionIndex: partition.partitionIndex,
    errorCode: partition.errorCode,
    highWatermark: partition.highWatermark,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.logStartOffset,
    abortedTransactions: partition.abortedTransactions,
    preferredReadReplica: partition.preferredReadReplica,
    divergingEpoch: partition.divergingEpoch.epoch,
    divergingEndOffset: partition.divergingEpoch.endOffset,
    leaderId: partition.currentLeader.leaderId,
    leaderEpoch: partition.currentLeader.leaderEpoch,
    snapshotEndOffset: partition.snapshotId.endOffset,
    snapshotEpoch: partition.snapshotId.epoch,
  };
}

function topicKey(name: string, topicId: string, version: number): Uint8Array {
  return version < TOPIC_ID_FROM ? Buffer.from(name) : uuidToBytes(topicId);
}

function targetOf(size: number): ByteTarget & { readonly bytes: Buffer } {
  const bytes = Buffer.alloc(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) };
}

function wholeOf(target: ByteTarget & { readonly bytes: Buffer }, at: number): Buffer {
  if (at !== target.bytes.length) {
    throw new RangeError(`wrote ${at} bytes, announced ${target.bytes.length}`);
  }
  return target.bytes;
}

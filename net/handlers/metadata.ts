/**
 * Metadata: brokers, topics and who leads each partition, from the front's image. Topics that do not exist are created by
 * the main thread when client and settings both allow it, and the answer waits for that, so that a client finds its topic
 * in the first answer.
 *
 * Thread of the front. Rules: Kafka's KafkaApis.handleTopicMetadataRequest.
 */
import type { BrokerImage, PartitionImage, TopicImage } from '../../cluster/metadata-image.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { ZERO_UUID } from '../../engine/base/uuid.ts';
import type { FrontServices } from '../front/services.ts';
import type { MetadataRequest } from '../wire/api/metadata.ts';
import {
  CLUSTER_OPERATIONS,
  OPERATIONS_NOT_ASKED,
  TOPIC_OPERATIONS,
} from './authorized-operations.ts';
import { isInternalTopic, missingTopicError } from './topic-name.ts';

const TOPIC_IDS_FROM = 12;
const CLUSTER_OPERATIONS_VERSIONS = [8, 10] as const;

interface TopicRow {
  errorCode: number;
  name: string | null;
  topicId: string;
  isInternal: boolean;
  partitions: object[];
  topicAuthorizedOperations: number;
}

export function answerMetadata(
  services: FrontServices,
  request: MetadataRequest,
  version: number,
  listener: string,
): object | Promise<object> {
  const { image } = services;
  const asked = request.topics;
  const invalid = asked === null ? null : refuseInvalid(asked, version);
  if (invalid !== null) return invalid;
  const operations = request.includeTopicAuthorizedOperations
    ? TOPIC_OPERATIONS
    : OPERATIONS_NOT_ASKED;
  const rows: TopicRow[] = [];
  if (asked === null || (version === 0 && asked.length === 0)) {
    for (const topic of image.topics()) rows.push(rowOf(topic, operations));
    return response(services, request, version, listener, rows);
  }
  if (asked.some((topic) => topic.topicId !== ZERO_UUID)) {
    for (const { topicId } of uniqueBy(asked, (topic) => topic.topicId)) {
      const topic = image.topicById(topicId);
      if (topic !== undefined) rows.push(rowOf(topic, operations));
      else if (topicId !== ZERO_UUID) rows.unshift(unknownId(topicId));
    }
    return response(services, request, version, listener, rows);
  }
  const missing: string[] = [];
  for (const { name } of uniqueBy(asked, (topic) => topic.name)) {
    const topic = image.topicByName(name!);
    if (topic !== undefined) rows.push(rowOf(topic, operations));
    else missing.push(name!);
  }
  const mayCreate = request.allowAutoTopicCreation && services.settings.autoCreateTopicsEnable;
  if (missing.length === 0 || !mayCreate) {
    for (const name of missing) rows.push(missingRow(name, missingTopicError(name), operations));
    return response(services, request, version, listener, rows);
  }
  return services.control.createForMetadata(missing).then((created) => {
    for (const { name, errorCode } of created) {
      const topic = image.topicByName(name);
      rows.push(
        topic === undefined
          ? missingRow(name, errorCode || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, operations)
          : rowOf(topic, operations),
      );
    }
    return response(services, request, version, listener, rows);
  });
}

/** Requests that contradict their version, or name a topic neither way. */
function refuseInvalid(topics: NonNullable<MetadataRequest['topics']>, version: number) {
  const hasNullName = topics.some((topic) => topic.name === null && topic.topicId === ZERO_UUID);
  const hasEarlyId =
    version < TOPIC_IDS_FROM &&
    topics.some((topic) => topic.topicId !== ZERO_UUID || topic.name === null);
  if (!hasNullName && !hasEarlyId) return null;
  const errorCode = hasEarlyId ? ErrorCode.INVALID_REQUEST : ErrorCode.UNKNOWN_SERVER_ERROR;
  return {
    throttleTimeMs: 0,
    brokers: [],
    clusterId: null,
    controllerId: -1,
    topics: topics.map((topic) => ({
      errorCode,
      name: topic.name ?? '',
      topicId: topic.topicId,
      partitions: [],
    })),
  };
}

function response(
  services: FrontServices,
  request: MetadataRequest,
  version: number,
  listener: string,
  topics: TopicRow[],
): object {
  const { image } = services;
  const [from, to] = CLUSTER_OPERATIONS_VERSIONS;
  const tellsOperations =
    request.includeClusterAuthorizedOperations && version >= from && version <= to;
  return {
    throttleTimeMs: 0,
    brokers: brokersFor(services, listener).map(({ id, ...where }) => ({ nodeId: id, ...where })),
    clusterId: image.clusterId,
    controllerId: image.controllerId,
    topics,
    clusterAuthorizedOperations: tellsOperations ? CLUSTER_OPERATIONS : OPERATIONS_NOT_ASKED,
    errorCode: ErrorCode.NONE,
  };
}

function rowOf(topic: TopicImage, topicAuthorizedOperations: number): TopicRow {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map(partitionRow),
    topicAuthorizedOperations,
  };
}

/** The brokers, this one as clients of the listener reach it. */
export function brokersFor({ image, settings }: FrontServices, listener: string): BrokerImage[] {
  const own = settings.endpoints[listener];
  return image.brokers.map((broker) =>
    own !== undefined && broker.id === settings.nodeId ? { ...broker, ...own } : broker,
  );
}

/** A partition as Metadata and DescribeTopicPartitions tell it. */
export function partitionRow(partition: PartitionImage) {
  return {
    errorCode: partition.leaderId < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
    partitionIndex: partition.partition,
    leaderId: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.offline,
  };
}

function missingRow(name: string, errorCode: number, topicAuthorizedOperations: number): TopicRow {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations,
  };
}

function unknownId(topicId: string): TopicRow {
  return {
    errorCode: ErrorCode.UNKNOWN_TOPIC_ID,
    name: null,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  };
}

function uniqueBy<T, K>(values: readonly T[], key: (value: T) => K): T[] {
  const seen = new Set<K>();
  return values.filter((value) => {
    const known = seen.has(key(value));
    seen.add(key(value));
    return !known;
  });
}

/**
 * DescribeTopicPartitions: topics in the order of their names, at most so many partitions per answer, and a cursor from
 * which the client goes on.
 *
 * Thread of the front. Rules: Kafka's DescribeTopicPartitionsRequestHandler.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { ZERO_UUID } from '../../engine/base/uuid.ts';
import type { FrontServices } from '../front/services.ts';
import type { DescribeTopicPartitionsRequest } from '../wire/api/describe-topic-partitions.ts';
import { TOPIC_OPERATIONS } from './authorized-operations.ts';
import { partitionRow } from './metadata.ts';
import { isInternalTopic, missingTopicError } from './topic-name.ts';

export function describeTopicPartitions(
  services: FrontServices,
  request: DescribeTopicPartitionsRequest,
): object {
  const { image, settings } = services;
  const { cursor } = request;
  const fromName = cursor?.topicName ?? '';
  const asked = request.topics.map((topic) => topic.name);
  const isAll = asked.length === 0;
  const names = [...new Set(isAll ? [...image.topics()].map((topic) => topic.name) : asked)]
    .filter((name) => name >= fromName)
    .sort();
  if (cursor !== null && (cursor.partitionIndex < 0 || (!isAll && !names.includes(fromName)))) {
    return refusal(asked);
  }
  let left = Math.max(
    1,
    Math.min(settings.maxRequestPartitionSizeLimit, request.responsePartitionLimit),
  );
  const topics: object[] = [];
  let nextCursor: { topicName: string; partitionIndex: number } | null = null;
  for (const name of names) {
    if (left === 0) {
      nextCursor = { topicName: name, partitionIndex: 0 };
      break;
    }
    const topic = image.topicByName(name);
    if (topic === undefined) {
      if (!isAll) topics.push(missingRow(name));
      continue;
    }
    const from = name === fromName && cursor !== null ? cursor.partitionIndex : 0;
    const shown = topic.partitions.slice(from, from + left);
    left -= shown.length;
    topics.push({
      errorCode: ErrorCode.NONE,
      name,
      topicId: topic.topicId,
      isInternal: topic.isInternal,
      partitions: shown.map((partition) => ({
        ...partitionRow(partition),
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
      })),
      topicAuthorizedOperations: TOPIC_OPERATIONS,
    });
    if (from + shown.length < topic.partitions.length) {
      nextCursor = { topicName: name, partitionIndex: from + shown.length };
      break;
    }
  }
  return { throttleTimeMs: 0, topics, nextCursor };
}

function missingRow(name: string): object {
  return {
    errorCode: missingTopicError(name),
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  };
}

function refusal(names: readonly string[]): object {
  return {
    throttleTimeMs: 0,
    topics: names.map((name) => ({
      errorCode: ErrorCode.INVALID_REQUEST,
      name,
      topicId: ZERO_UUID,
      isInternal: false,
      partitions: [],
    })),
    nextCursor: null,
  };
}

/**
 * What can be told of a topic that does not exist from its name alone.
 *
 * Pure.
 */
import { INTERNAL_TOPICS, topicNameProblem } from '../../cluster/topic-names.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';

/** INVALID_TOPIC_EXCEPTION when there can be no topic of that name, else UNKNOWN_TOPIC_OR_PARTITION. */
export function missingTopicError(name: string): number {
  return topicNameProblem(name) === null
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION;
}

/** Whether the name belongs to the broker's own topics. */
export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}

/** CreateTopics: one row per topic, whatever happens to the others; names given twice are refused at the end, once each. */
import type { CreatedTopic } from '../../cluster/controller.ts';
import { isRefusal, type Refusal } from '../../cluster/topic-plans.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { ZERO_UUID } from '../../engine/base/uuid.ts';
import { TOPIC_CONFIGS } from '../settings/topic-configs.ts';
import type { CreateTopicsRequest, createTopicsResponse } from '../wire/api/create-topics.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler, AdminServices } from './admin-services.ts';
import { describeTopicConfig } from './describe-configs.ts';
import { outcomesOf } from './failures.ts';
import { once } from './repeated-names.ts';

type Response = InferInput<typeof createTopicsResponse>;
type Row = Response['topics'][number];

export const handle: AdminHandler<CreateTopicsRequest, Response> = async (request, services) => {
  const { single, repeated } = once(request.topics, (topic) => topic.name);
  const twice = { errorCode: ErrorCode.INVALID_REQUEST, message: 'Duplicate topic name.' };
  const refused = repeated.map((name) => refusedRow(name, twice));
  if (request.timeoutMs <= 0) {
    const late = { errorCode: ErrorCode.REQUEST_TIMED_OUT, message: null };
    return respond([...single.map((topic) => refusedRow(topic.name, late)), ...refused]);
  }
  const creating = services.controller.createTopics(
    single.map((topic) => ({
      name: topic.name,
      partitions: topic.numPartitions,
      replicationFactor: topic.replicationFactor,
      assignments: topic.assignments.map(({ partitionIndex, brokerIds }) => ({
        partition: partitionIndex,
        brokers: brokerIds,
      })),
      configs: topic.configs,
    })),
    { validateOnly: request.validateOnly },
  );
  const outcomes = await outcomesOf(single.length, creating);
  const rows = outcomes.map((outcome, index) =>
    isRefusal(outcome) ? refusedRow(single[index]!.name, outcome) : createdRow(outcome, services),
  );
  return respond([...rows, ...refused]);
};

function respond(topics: Row[]): Response {
  return { throttleTimeMs: 0, topics };
}

function refusedRow(name: string, refusal: Refusal): Row {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: refusal.errorCode,
    errorMessage: refusal.message,
    configs: [],
  };
}

function createdRow(topic: CreatedTopic, services: AdminServices): Row {
  const { name, topicId, partitions, replicationFactor } = topic;
  const own = Object.keys(topic.configs).filter((config) => !TOPIC_CONFIGS.has(config));
  const configs = [...TOPIC_CONFIGS.keys(), ...own].sort().map((config) => {
    const entry = describeTopicConfig(config, topic.configs, services.settings);
    const { value, readOnly, configSource, isSensitive } = entry;
    // As the client wrote it: this is what was stored, DescribeConfigs tells what was understood.
    return {
      name: config,
      value: topic.configs[config] ?? value,
      readOnly,
      configSource,
      isSensitive,
    };
  });
  return {
    name,
    topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions: partitions,
    replicationFactor,
    configs,
  };
}

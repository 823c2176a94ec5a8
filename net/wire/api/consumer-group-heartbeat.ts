/**
 * ConsumerGroupHeartbeat (68): the one request of a consumer group member (KIP-848): joins, reports,
 * leaves; the response carries the assignment. Null in a request means "unchanged since the last one";
 * member epoch 0 joins, -1 leaves, -2 leaves for a while as a static member.
 */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string, struct, uuid } from '../schema.ts';

export const consumerGroupHeartbeatRequest = message({
  name: 'ConsumerGroupHeartbeatRequest',
  apiKey: 68,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    instanceId: string('0+', { nullable: '0+', default: null }),
    rackId: string('0+', { nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    subscribedTopicNames: array('0+', 'string', { nullable: '0+', default: null }),
    subscribedTopicRegex: string('1+', { nullable: '1+', default: null }),
    serverAssignor: string('0+', { nullable: '0+', default: null }),
    topicPartitions: array(
      '0+',
      {
        topicId: uuid('0+'),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+', default: null },
    ),
  },
});
export type ConsumerGroupHeartbeatRequest = Infer<typeof consumerGroupHeartbeatRequest>;

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
};

export const consumerGroupHeartbeatResponse = message({
  name: 'ConsumerGroupHeartbeatResponse',
  apiKey: 68,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+', default: null }),
    memberEpoch: int32('0+'),
    heartbeatIntervalMs: int32('0+'),
    assignment: struct(
      '0+',
      {
        topicPartitions: array('0+', topicPartitions),
      },
      { nullable: '0+', default: null },
    ),
  },
});
export type ConsumerGroupHeartbeatResponse = Infer<typeof consumerGroupHeartbeatResponse>;

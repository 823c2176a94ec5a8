/** ShareGroupHeartbeat (76): the heartbeat of a share group member (KIP-932), alike ConsumerGroupHeartbeat. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string, struct, uuid } from '../schema.ts';

export const shareGroupHeartbeatRequest = message({
  name: 'ShareGroupHeartbeatRequest',
  apiKey: 76,
  versions: [1, 1],
  flexible: 0,
  fields: {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    rackId: string('0+', { nullable: '0+', default: null }),
    subscribedTopicNames: array('0+', 'string', { nullable: '0+', default: null }),
  },
});
export type ShareGroupHeartbeatRequest = Infer<typeof shareGroupHeartbeatRequest>;

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
};

export const shareGroupHeartbeatResponse = message({
  name: 'ShareGroupHeartbeatResponse',
  apiKey: 76,
  versions: [1, 1],
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
export type ShareGroupHeartbeatResponse = Infer<typeof shareGroupHeartbeatResponse>;

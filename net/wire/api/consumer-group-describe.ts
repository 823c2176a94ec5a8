/** ConsumerGroupDescribe (69): members and assignments of consumer groups (KIP-848). */

import { type Infer, message } from '../message.ts';
import { array, bool, int8, int16, int32, string, struct, uuid } from '../schema.ts';

export const consumerGroupDescribeRequest = message({
  name: 'ConsumerGroupDescribeRequest',
  apiKey: 69,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groupIds: array('0+', 'string'),
    includeAuthorizedOperations: bool('0+'),
  },
});
export type ConsumerGroupDescribeRequest = Infer<typeof consumerGroupDescribeRequest>;

const topicPartitions = {
  topicId: uuid('0+'),
  topicName: string('0+'),
  partitions: array('0+', 'int32'),
};

const assignment = {
  topicPartitions: array('0+', topicPartitions),
};

export const consumerGroupDescribeResponse = message({
  name: 'ConsumerGroupDescribeResponse',
  apiKey: 69,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    groups: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      groupEpoch: int32('0+'),
      assignmentEpoch: int32('0+'),
      assignorName: string('0+'),
      members: array('0+', {
        memberId: string('0+'),
        instanceId: string('0+', { nullable: '0+', default: null }),
        rackId: string('0+', { nullable: '0+', default: null }),
        memberEpoch: int32('0+'),
        clientId: string('0+'),
        clientHost: string('0+'),
        subscribedTopicNames: array('0+', 'string'),
        subscribedTopicRegex: string('0+', { nullable: '0+', default: null }),
        assignment: struct('0+', assignment),
        targetAssignment: struct('0+', assignment),
        memberType: int8('1+', { default: -1, ignorable: true }),
      }),
      authorizedOperations: int32('0+', { default: -2147483648 }),
    }),
  },
});
export type ConsumerGroupDescribeResponse = Infer<typeof consumerGroupDescribeResponse>;

/**
 * Records of `__consumer_offsets` that hold the state of consumer groups (KIP-848). Key and value each
 * start with an int16; in a key it is the record type (the apiKey here), in a value the version.
 */

import { type Infer, message } from '../message.ts';
import { array, bytes, int8, int32, int64, string, struct, uuid } from '../schema.ts';

export const consumerGroupMetadataKey = message({
  name: 'ConsumerGroupMetadataKey',
  apiKey: 3,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type ConsumerGroupMetadataKey = Infer<typeof consumerGroupMetadataKey>;

export const consumerGroupMetadataValue = message({
  name: 'ConsumerGroupMetadataValue',
  apiKey: 3,
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32('0+'),
    metadataHash: int64('0+', { tag: 0, default: 0 }),
  },
});
export type ConsumerGroupMetadataValue = Infer<typeof consumerGroupMetadataValue>;

export const consumerGroupPartitionMetadataKey = message({
  name: 'ConsumerGroupPartitionMetadataKey',
  apiKey: 4,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type ConsumerGroupPartitionMetadataKey = Infer<typeof consumerGroupPartitionMetadataKey>;

export const consumerGroupPartitionMetadataValue = message({
  name: 'ConsumerGroupPartitionMetadataValue',
  apiKey: 4,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array('0+', {
      topicId: uuid('0+'),
      topicName: string('0+'),
      numPartitions: int32('0+'),
      partitionMetadata: array('0+', {
        partition: int32('0+'),
        racks: array('0+', 'string'),
      }),
    }),
  },
});
export type ConsumerGroupPartitionMetadataValue = Infer<typeof consumerGroupPartitionMetadataValue>;

export const consumerGroupMemberMetadataKey = message({
  name: 'ConsumerGroupMemberMetadataKey',
  apiKey: 5,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ConsumerGroupMemberMetadataKey = Infer<typeof consumerGroupMemberMetadataKey>;

export const consumerGroupMemberMetadataValue = message({
  name: 'ConsumerGroupMemberMetadataValue',
  apiKey: 5,
  versions: [0, 0],
  flexible: 0,
  fields: {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
    subscribedTopicRegex: string('0+', { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    serverAssignor: string('0+', { nullable: '0+' }),
    classicMemberMetadata: struct(
      '0+',
      {
        sessionTimeoutMs: int32('0+'),
        supportedProtocols: array('0+', {
          name: string('0+'),
          metadata: bytes('0+'),
        }),
      },
      { nullable: '0+', tag: 0, default: null },
    ),
  },
});
export type ConsumerGroupMemberMetadataValue = Infer<typeof consumerGroupMemberMetadataValue>;

export const consumerGroupTargetAssignmentMetadataKey = message({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  apiKey: 6,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type ConsumerGroupTargetAssignmentMetadataKey = Infer<
  typeof consumerGroupTargetAssignmentMetadataKey
>;

export const consumerGroupTargetAssignmentMetadataValue = message({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  apiKey: 6,
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tag: 0, default: 0, ignorable: true }),
  },
});
export type ConsumerGroupTargetAssignmentMetadataValue = Infer<
  typeof consumerGroupTargetAssignmentMetadataValue
>;

export const consumerGroupTargetAssignmentMemberKey = message({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  apiKey: 7,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ConsumerGroupTargetAssignmentMemberKey = Infer<
  typeof consumerGroupTargetAssignmentMemberKey
>;

export const consumerGroupTargetAssignmentMemberValue = message({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  apiKey: 7,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicPartitions: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
});
export type ConsumerGroupTargetAssignmentMemberValue = Infer<
  typeof consumerGroupTargetAssignmentMemberValue
>;

export const consumerGroupCurrentMemberAssignmentKey = message({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  apiKey: 8,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ConsumerGroupCurrentMemberAssignmentKey = Infer<
  typeof consumerGroupCurrentMemberAssignmentKey
>;

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tag: 0, default: null }),
};

export const consumerGroupCurrentMemberAssignmentValue = message({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  apiKey: 8,
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', topicPartitions),
    partitionsPendingRevocation: array('0+', topicPartitions),
  },
});
export type ConsumerGroupCurrentMemberAssignmentValue = Infer<
  typeof consumerGroupCurrentMemberAssignmentValue
>;

export const consumerGroupRegularExpressionKey = message({
  name: 'ConsumerGroupRegularExpressionKey',
  apiKey: 16,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    regularExpression: string('0'),
  },
});
export type ConsumerGroupRegularExpressionKey = Infer<typeof consumerGroupRegularExpressionKey>;

export const consumerGroupRegularExpressionValue = message({
  name: 'ConsumerGroupRegularExpressionValue',
  apiKey: 16,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array('0+', 'string'),
    version: int64('0+'),
    timestamp: int64('0+'),
  },
});
export type ConsumerGroupRegularExpressionValue = Infer<typeof consumerGroupRegularExpressionValue>;

/**
 * Records of share groups (KIP-932): group state in `__consumer_offsets`, and snapshots and updates of
 * share partitions in `__share_group_state`. Key and value each start with an int16; in a key it is the
 * record type (the apiKey here), in a value the version.
 */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, int64, string, uuid } from '../schema.ts';

export const shareGroupMemberMetadataKey = message({
  name: 'ShareGroupMemberMetadataKey',
  apiKey: 10,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ShareGroupMemberMetadataKey = Infer<typeof shareGroupMemberMetadataKey>;

export const shareGroupMemberMetadataValue = message({
  name: 'ShareGroupMemberMetadataValue',
  apiKey: 10,
  versions: [0, 0],
  flexible: 0,
  fields: {
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
  },
});
export type ShareGroupMemberMetadataValue = Infer<typeof shareGroupMemberMetadataValue>;

export const shareGroupMetadataKey = message({
  name: 'ShareGroupMetadataKey',
  apiKey: 11,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type ShareGroupMetadataKey = Infer<typeof shareGroupMetadataKey>;

export const shareGroupMetadataValue = message({
  name: 'ShareGroupMetadataValue',
  apiKey: 11,
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32('0+'),
    metadataHash: int64('0+'),
  },
});
export type ShareGroupMetadataValue = Infer<typeof shareGroupMetadataValue>;

export const shareGroupTargetAssignmentMetadataKey = message({
  name: 'ShareGroupTargetAssignmentMetadataKey',
  apiKey: 12,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type ShareGroupTargetAssignmentMetadataKey = Infer<
  typeof shareGroupTargetAssignmentMetadataKey
>;

export const shareGroupTargetAssignmentMetadataValue = message({
  name: 'ShareGroupTargetAssignmentMetadataValue',
  apiKey: 12,
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tag: 0, default: 0, ignorable: true }),
  },
});
export type ShareGroupTargetAssignmentMetadataValue = Infer<
  typeof shareGroupTargetAssignmentMetadataValue
>;

export const shareGroupTargetAssignmentMemberKey = message({
  name: 'ShareGroupTargetAssignmentMemberKey',
  apiKey: 13,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ShareGroupTargetAssignmentMemberKey = Infer<typeof shareGroupTargetAssignmentMemberKey>;

export const shareGroupTargetAssignmentMemberValue = message({
  name: 'ShareGroupTargetAssignmentMemberValue',
  apiKey: 13,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicPartitions: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
});
export type ShareGroupTargetAssignmentMemberValue = Infer<
  typeof shareGroupTargetAssignmentMemberValue
>;

export const shareGroupCurrentMemberAssignmentKey = message({
  name: 'ShareGroupCurrentMemberAssignmentKey',
  apiKey: 14,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type ShareGroupCurrentMemberAssignmentKey = Infer<
  typeof shareGroupCurrentMemberAssignmentKey
>;

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
};

export const shareGroupCurrentMemberAssignmentValue = message({
  name: 'ShareGroupCurrentMemberAssignmentValue',
  apiKey: 14,
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', topicPartitions),
  },
});
export type ShareGroupCurrentMemberAssignmentValue = Infer<
  typeof shareGroupCurrentMemberAssignmentValue
>;

export const shareGroupStatePartitionMetadataKey = message({
  name: 'ShareGroupStatePartitionMetadataKey',
  apiKey: 15,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type ShareGroupStatePartitionMetadataKey = Infer<typeof shareGroupStatePartitionMetadataKey>;

const topicPartitionsInfo = {
  topicId: uuid('0+'),
  topicName: string('0+'),
  partitions: array('0+', 'int32'),
};

const topicInfo = {
  topicId: uuid('0+'),
  topicName: string('0+'),
};

export const shareGroupStatePartitionMetadataValue = message({
  name: 'ShareGroupStatePartitionMetadataValue',
  apiKey: 15,
  versions: [0, 0],
  flexible: 0,
  fields: {
    initializingTopics: array('0+', topicPartitionsInfo),
    initializedTopics: array('0+', topicPartitionsInfo),
    deletingTopics: array('0+', topicInfo),
  },
});
export type ShareGroupStatePartitionMetadataValue = Infer<
  typeof shareGroupStatePartitionMetadataValue
>;

export const shareSnapshotKey = message({
  name: 'ShareSnapshotKey',
  apiKey: 0,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
});
export type ShareSnapshotKey = Infer<typeof shareSnapshotKey>;

export const shareSnapshotValue = message({
  name: 'ShareSnapshotValue',
  apiKey: 0,
  versions: [0, 0],
  flexible: 0,
  fields: {
    snapshotEpoch: int32('0+'),
    stateEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { tag: 0, default: -1 }),
    createTimestamp: int64('0+'),
    writeTimestamp: int64('0+'),
    stateBatches: array('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
});
export type ShareSnapshotValue = Infer<typeof shareSnapshotValue>;

export const shareUpdateKey = message({
  name: 'ShareUpdateKey',
  apiKey: 1,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
});
export type ShareUpdateKey = Infer<typeof shareUpdateKey>;

export const shareUpdateValue = message({
  name: 'ShareUpdateValue',
  apiKey: 1,
  versions: [0, 0],
  flexible: 0,
  fields: {
    snapshotEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { tag: 0, default: -1 }),
    stateBatches: array('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
});
export type ShareUpdateValue = Infer<typeof shareUpdateValue>;

/**
 * Records of `__consumer_offsets` that hold the state of Streams groups (KIP-1071). Key and value each
 * start with an int16; in a key it is the record type (the apiKey here), in a value the version.
 */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, int64, string, struct, uint16 } from '../schema.ts';

export const streamsGroupMetadataKey = message({
  name: 'StreamsGroupMetadataKey',
  apiKey: 17,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type StreamsGroupMetadataKey = Infer<typeof streamsGroupMetadataKey>;

const lastAssignmentConfig = {
  key: string('0+'),
  value: string('0+'),
};

export const streamsGroupMetadataValue = message({
  name: 'StreamsGroupMetadataValue',
  apiKey: 17,
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32('0+'),
    metadataHash: int64('0+'),
    validatedTopologyEpoch: int32('0+', { tag: 0, default: -1 }),
    lastAssignmentConfigs: array('0+', lastAssignmentConfig, {
      nullable: '0+',
      tag: 1,
      default: null,
    }),
  },
});
export type StreamsGroupMetadataValue = Infer<typeof streamsGroupMetadataValue>;

export const streamsGroupMemberMetadataKey = message({
  name: 'StreamsGroupMemberMetadataKey',
  apiKey: 19,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type StreamsGroupMemberMetadataKey = Infer<typeof streamsGroupMemberMetadataKey>;

const endpoint = {
  host: string('0+'),
  port: uint16('0+'),
};

const keyValue = {
  key: string('0+'),
  value: string('0+'),
};

export const streamsGroupMemberMetadataValue = message({
  name: 'StreamsGroupMemberMetadataValue',
  apiKey: 19,
  versions: [0, 0],
  flexible: 0,
  fields: {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    topologyEpoch: int32('0+'),
    processId: string('0+'),
    userEndpoint: struct('0+', endpoint, { nullable: '0+', default: null }),
    clientTags: array('0+', keyValue),
  },
});
export type StreamsGroupMemberMetadataValue = Infer<typeof streamsGroupMemberMetadataValue>;

export const streamsGroupTargetAssignmentMetadataKey = message({
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  apiKey: 20,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type StreamsGroupTargetAssignmentMetadataKey = Infer<
  typeof streamsGroupTargetAssignmentMetadataKey
>;

export const streamsGroupTargetAssignmentMetadataValue = message({
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  apiKey: 20,
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tag: 0, default: 0, ignorable: true }),
  },
});
export type StreamsGroupTargetAssignmentMetadataValue = Infer<
  typeof streamsGroupTargetAssignmentMetadataValue
>;

export const streamsGroupTargetAssignmentMemberKey = message({
  name: 'StreamsGroupTargetAssignmentMemberKey',
  apiKey: 21,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type StreamsGroupTargetAssignmentMemberKey = Infer<
  typeof streamsGroupTargetAssignmentMemberKey
>;

const taskIds = {
  subtopologyId: string('0+'),
  partitions: array('0+', 'int32'),
};

export const streamsGroupTargetAssignmentMemberValue = message({
  name: 'StreamsGroupTargetAssignmentMemberValue',
  apiKey: 21,
  versions: [0, 0],
  flexible: 0,
  fields: {
    activeTasks: array('0+', taskIds),
    standbyTasks: array('0+', taskIds),
    warmupTasks: array('0+', taskIds),
  },
});
export type StreamsGroupTargetAssignmentMemberValue = Infer<
  typeof streamsGroupTargetAssignmentMemberValue
>;

export const streamsGroupCurrentMemberAssignmentKey = message({
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  apiKey: 22,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
    memberId: string('0'),
  },
});
export type StreamsGroupCurrentMemberAssignmentKey = Infer<
  typeof streamsGroupCurrentMemberAssignmentKey
>;

const taskIdsOfStreamsGroupCurrentMemberAssignmentValue = {
  subtopologyId: string('0+'),
  partitions: array('0+', 'int32'),
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tag: 0, default: null }),
};

export const streamsGroupCurrentMemberAssignmentValue = message({
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  apiKey: 22,
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    activeTasks: array('0+', taskIdsOfStreamsGroupCurrentMemberAssignmentValue),
    standbyTasks: array('0+', taskIdsOfStreamsGroupCurrentMemberAssignmentValue),
    warmupTasks: array('0+', taskIdsOfStreamsGroupCurrentMemberAssignmentValue),
    activeTasksPendingRevocation: array('0+', taskIdsOfStreamsGroupCurrentMemberAssignmentValue),
    standbyTasksPendingRevocation: array('0+', taskIdsOfStreamsGroupCurrentMemberAssignmentValue),
    warmupTasksPendingRevocation: array('0+', taskIdsOfStreamsGroupCurrentMemberAssignmentValue),
  },
});
export type StreamsGroupCurrentMemberAssignmentValue = Infer<
  typeof streamsGroupCurrentMemberAssignmentValue
>;

export const streamsGroupTopologyKey = message({
  name: 'StreamsGroupTopologyKey',
  apiKey: 23,
  versions: [0, 0],
  fields: {
    groupId: string('0'),
  },
});
export type StreamsGroupTopologyKey = Infer<typeof streamsGroupTopologyKey>;

const topicConfig = {
  key: string('0+'),
  value: string('0+'),
};

const topicInfo = {
  name: string('0+'),
  partitions: int32('0+'),
  replicationFactor: int16('0+'),
  topicConfigs: array('0+', topicConfig),
};

export const streamsGroupTopologyValue = message({
  name: 'StreamsGroupTopologyValue',
  apiKey: 23,
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32('0+'),
    subtopologies: array('0+', {
      subtopologyId: string('0+'),
      sourceTopics: array('0+', 'string'),
      sourceTopicRegex: array('0+', 'string'),
      stateChangelogTopics: array('0+', topicInfo),
      repartitionSinkTopics: array('0+', 'string'),
      repartitionSourceTopics: array('0+', topicInfo),
      copartitionGroups: array('0+', {
        sourceTopics: array('0+', 'int16'),
        sourceTopicRegex: array('0+', 'int16'),
        repartitionSourceTopics: array('0+', 'int16'),
      }),
    }),
  },
});
export type StreamsGroupTopologyValue = Infer<typeof streamsGroupTopologyValue>;

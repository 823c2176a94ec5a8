/**
 * Records of `__consumer_offsets` that tools such as Burrow read directly: committed offsets and classic
 * groups. Key and value each start with an int16; in a key it is the record type (the apiKey here), in a
 * value the version.
 */

import { type Infer, message } from '../message.ts';
import { array, bytes, int32, int64, string, uuid } from '../schema.ts';

export const offsetCommitKey = message({
  name: 'OffsetCommitKey',
  apiKey: 1,
  versions: [0, 0],
  fields: {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
});
export type OffsetCommitKey = Infer<typeof offsetCommitKey>;

export const offsetCommitValue = message({
  name: 'OffsetCommitValue',
  apiKey: 1,
  versions: [0, 4],
  flexible: 4,
  fields: {
    offset: int64('0+'),
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string('0+'),
    commitTimestamp: int64('0+'),
    expireTimestamp: int64('1', { default: -1, ignorable: true }),
    topicId: uuid('4+', { tag: 0, ignorable: true }),
  },
});
export type OffsetCommitValue = Infer<typeof offsetCommitValue>;

export const legacyOffsetCommitKey = message({
  name: 'LegacyOffsetCommitKey',
  apiKey: 0,
  versions: [0, 0],
  fields: {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
});
export type LegacyOffsetCommitKey = Infer<typeof legacyOffsetCommitKey>;

export const legacyOffsetCommitValue = message({
  name: 'LegacyOffsetCommitValue',
  apiKey: 0,
  versions: [0, 0],
  fields: {
    offset: int64('0'),
    metadata: string('0'),
    commitTimestamp: int64('0'),
  },
});
export type LegacyOffsetCommitValue = Infer<typeof legacyOffsetCommitValue>;

export const groupMetadataKey = message({
  name: 'GroupMetadataKey',
  apiKey: 2,
  versions: [0, 0],
  fields: {
    group: string('0'),
  },
});
export type GroupMetadataKey = Infer<typeof groupMetadataKey>;

const memberMetadata = {
  memberId: string('0+'),
  groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  clientId: string('0+'),
  clientHost: string('0+'),
  rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
  sessionTimeout: int32('0+'),
  subscription: bytes('0+'),
  assignment: bytes('0+'),
};

export const groupMetadataValue = message({
  name: 'GroupMetadataValue',
  apiKey: 2,
  versions: [0, 4],
  flexible: 4,
  fields: {
    protocolType: string('0+'),
    generation: int32('0+'),
    protocol: string('0+', { nullable: '0+' }),
    leader: string('0+', { nullable: '0+' }),
    currentStateTimestamp: int64('2+', { default: -1, ignorable: true }),
    members: array('0+', memberMetadata),
  },
});
export type GroupMetadataValue = Infer<typeof groupMetadataValue>;

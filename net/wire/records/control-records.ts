/**
 * The keys and values of control records: transaction markers in partition logs, and what KRaft writes
 * into its metadata log. A key is a version (int16) and then the type: 0 abort, 1 commit, 2 leader
 * change, 3 snapshot header, 4 snapshot footer, 5 KRaft version, 6 voters. The value of a marker has its
 * version (int16) before it, which the schema leaves out; the KRaft ones hold it in a field.
 */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, string, struct, uint16, uuid } from '../schema.ts';

export const controlRecordTypeSchema = message({
  name: 'ControlRecordTypeSchema',
  versions: [0, 0],
  fields: {
    type: int16('0+'),
  },
});
export type ControlRecordTypeSchema = Infer<typeof controlRecordTypeSchema>;

export const endTxnMarker = message({
  name: 'EndTxnMarker',
  versions: [0, 0],
  fields: {
    coordinatorEpoch: int32('0+'),
  },
});
export type EndTxnMarker = Infer<typeof endTxnMarker>;

const voter = {
  voterId: int32('0+'),
  voterDirectoryId: uuid('1+'),
};

export const leaderChangeMessage = message({
  name: 'LeaderChangeMessage',
  versions: [0, 1],
  flexible: 0,
  fields: {
    version: int16('0+'),
    leaderId: int32('0+'),
    voters: array('0+', voter),
    grantingVoters: array('0+', voter),
  },
});
export type LeaderChangeMessage = Infer<typeof leaderChangeMessage>;

export const snapshotHeaderRecord = message({
  name: 'SnapshotHeaderRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    version: int16('0+'),
    lastContainedLogTimestamp: int64('0+'),
  },
});
export type SnapshotHeaderRecord = Infer<typeof snapshotHeaderRecord>;

export const snapshotFooterRecord = message({
  name: 'SnapshotFooterRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    version: int16('0+'),
  },
});
export type SnapshotFooterRecord = Infer<typeof snapshotFooterRecord>;

export const kRaftVersionRecord = message({
  name: 'KRaftVersionRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    version: int16('0+'),
    kRaftVersion: int16('0+'),
  },
});
export type KRaftVersionRecord = Infer<typeof kRaftVersionRecord>;

export const votersRecord = message({
  name: 'VotersRecord',
  versions: [0, 0],
  flexible: 0,
  fields: {
    version: int16('0+'),
    voters: array('0+', {
      voterId: int32('0+'),
      voterDirectoryId: uuid('0+'),
      endpoints: array('0+', {
        name: string('0+'),
        host: string('0+'),
        port: uint16('0+'),
      }),
      kRaftVersionFeature: struct('0+', {
        minSupportedVersion: int16('0+'),
        maxSupportedVersion: int16('0+'),
      }),
    }),
  },
});
export type VotersRecord = Infer<typeof votersRecord>;

/**
 * OffsetForLeaderEpoch (23): where a leader epoch ended in the leader's log, for finding the point of
 * divergence.
 */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, string } from '../schema.ts';

export const offsetForLeaderEpochRequest = message({
  name: 'OffsetForLeaderEpochRequest',
  apiKey: 23,
  versions: [2, 4],
  flexible: 4,
  fields: {
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: array('0+', {
      topic: string('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        leaderEpoch: int32('0+'),
      }),
    }),
  },
});
export type OffsetForLeaderEpochRequest = Infer<typeof offsetForLeaderEpochRequest>;

export const offsetForLeaderEpochResponse = message({
  name: 'OffsetForLeaderEpochResponse',
  apiKey: 23,
  versions: [2, 4],
  flexible: 4,
  fields: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      topic: string('0+'),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partition: int32('0+'),
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        endOffset: int64('0+', { default: -1 }),
      }),
    }),
  },
});
export type OffsetForLeaderEpochResponse = Infer<typeof offsetForLeaderEpochResponse>;

/**
 * ListOffsets (2): the offset for a timestamp, per partition. Negative timestamps are questions of their
 * own: -1 latest, -2 earliest, -3 the record with the largest timestamp (7+), -4 earliest local (8+), -5
 * latest tiered (9+), -6 earliest not yet tiered (11+).
 */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, int64, string } from '../schema.ts';

export const listOffsetsRequest = message({
  name: 'ListOffsetsRequest',
  apiKey: 2,
  versions: [1, 11],
  flexible: 6,
  fields: {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64('0+'),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  },
});
export type ListOffsetsRequest = Infer<typeof listOffsetsRequest>;

export const listOffsetsResponse = message({
  name: 'ListOffsetsResponse',
  apiKey: 2,
  versions: [1, 11],
  flexible: 6,
  fields: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        timestamp: int64('1+', { default: -1 }),
        offset: int64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
});
export type ListOffsetsResponse = Infer<typeof listOffsetsResponse>;

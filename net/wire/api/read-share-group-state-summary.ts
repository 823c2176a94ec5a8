/** ReadShareGroupStateSummary (87): start offsets of share partitions, without their batches. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, string, uuid } from '../schema.ts';

export const readShareGroupStateSummaryRequest = message({
  name: 'ReadShareGroupStateSummaryRequest',
  apiKey: 87,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        leaderEpoch: int32('0+'),
      }),
    }),
  },
});
export type ReadShareGroupStateSummaryRequest = Infer<typeof readShareGroupStateSummaryRequest>;

export const readShareGroupStateSummaryResponse = message({
  name: 'ReadShareGroupStateSummaryResponse',
  apiKey: 87,
  versions: [0, 1],
  flexible: 0,
  fields: {
    results: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        stateEpoch: int32('0+'),
        leaderEpoch: int32('0+'),
        startOffset: int64('0+'),
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
      }),
    }),
  },
});
export type ReadShareGroupStateSummaryResponse = Infer<typeof readShareGroupStateSummaryResponse>;

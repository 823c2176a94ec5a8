/** DescribeProducers (61): the idempotent and transactional producers a partition remembers. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, string } from '../schema.ts';

export const describeProducersRequest = message({
  name: 'DescribeProducersRequest',
  apiKey: 61,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array('0+', {
      name: string('0+'),
      partitionIndexes: array('0+', 'int32'),
    }),
  },
});
export type DescribeProducersRequest = Infer<typeof describeProducersRequest>;

export const describeProducersResponse = message({
  name: 'DescribeProducersResponse',
  apiKey: 61,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        activeProducers: array('0+', {
          producerId: int64('0+'),
          producerEpoch: int32('0+'),
          lastSequence: int32('0+', { default: -1 }),
          lastTimestamp: int64('0+', { default: -1 }),
          coordinatorEpoch: int32('0+'),
          currentTxnStartOffset: int64('0+', { default: -1 }),
        }),
      }),
    }),
  },
});
export type DescribeProducersResponse = Infer<typeof describeProducersResponse>;

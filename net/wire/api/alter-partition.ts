/** AlterPartition (56): a leader asks the controller to change the in-sync replicas. */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, int64, uuid } from '../schema.ts';

export const alterPartitionRequest = message({
  name: 'AlterPartitionRequest',
  apiKey: 56,
  versions: [2, 3],
  flexible: 0,
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    topics: array('0+', {
      topicId: uuid('2+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        leaderEpoch: int32('0+'),
        newIsr: array('0-2', 'int32'),
        newIsrWithEpochs: array('3+', {
          brokerId: int32('3+'),
          brokerEpoch: int64('3+', { default: -1 }),
        }),
        leaderRecoveryState: int8('1+', { default: 0 }),
        partitionEpoch: int32('0+'),
      }),
    }),
  },
});
export type AlterPartitionRequest = Infer<typeof alterPartitionRequest>;

export const alterPartitionResponse = message({
  name: 'AlterPartitionResponse',
  apiKey: 56,
  versions: [2, 3],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    topics: array('0+', {
      topicId: uuid('2+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        isr: array('0+', 'int32'),
        leaderRecoveryState: int8('1+', { default: 0, ignorable: true }),
        partitionEpoch: int32('0+'),
      }),
    }),
  },
});
export type AlterPartitionResponse = Infer<typeof alterPartitionResponse>;

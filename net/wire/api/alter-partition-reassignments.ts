/** AlterPartitionReassignments (45): moves partitions to other replicas, or cancels that (null replicas). */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, string } from '../schema.ts';

export const alterPartitionReassignmentsRequest = message({
  name: 'AlterPartitionReassignmentsRequest',
  apiKey: 45,
  versions: [0, 1],
  flexible: 0,
  fields: {
    timeoutMs: int32('0+', { default: 60000 }),
    allowReplicationFactorChange: bool('1+', { default: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', 'int32', { nullable: '0+', default: null }),
      }),
    }),
  },
});
export type AlterPartitionReassignmentsRequest = Infer<typeof alterPartitionReassignmentsRequest>;

export const alterPartitionReassignmentsResponse = message({
  name: 'AlterPartitionReassignmentsResponse',
  apiKey: 45,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    allowReplicationFactorChange: bool('1+', { default: true, ignorable: true }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    responses: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  },
});
export type AlterPartitionReassignmentsResponse = Infer<typeof alterPartitionReassignmentsResponse>;

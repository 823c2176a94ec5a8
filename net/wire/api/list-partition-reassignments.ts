/** ListPartitionReassignments (46): the reassignments under way. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string } from '../schema.ts';

export const listPartitionReassignmentsRequest = message({
  name: 'ListPartitionReassignmentsRequest',
  apiKey: 46,
  versions: [0, 0],
  flexible: 0,
  fields: {
    timeoutMs: int32('0+', { default: 60000 }),
    topics: array(
      '0+',
      {
        name: string('0+'),
        partitionIndexes: array('0+', 'int32'),
      },
      { nullable: '0+', default: null },
    ),
  },
});
export type ListPartitionReassignmentsRequest = Infer<typeof listPartitionReassignmentsRequest>;

export const listPartitionReassignmentsResponse = message({
  name: 'ListPartitionReassignmentsResponse',
  apiKey: 46,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', 'int32'),
        addingReplicas: array('0+', 'int32'),
        removingReplicas: array('0+', 'int32'),
      }),
    }),
  },
});
export type ListPartitionReassignmentsResponse = Infer<typeof listPartitionReassignmentsResponse>;

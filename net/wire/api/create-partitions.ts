/** CreatePartitions (37): raises the number of partitions of topics. */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, string } from '../schema.ts';

export const createPartitionsRequest = message({
  name: 'CreatePartitionsRequest',
  apiKey: 37,
  versions: [0, 3],
  flexible: 2,
  fields: {
    topics: array('0+', {
      name: string('0+'),
      count: int32('0+'),
      assignments: array(
        '0+',
        {
          brokerIds: array('0+', 'int32'),
        },
        { nullable: '0+' },
      ),
    }),
    timeoutMs: int32('0+'),
    validateOnly: bool('0+'),
  },
});
export type CreatePartitionsRequest = Infer<typeof createPartitionsRequest>;

export const createPartitionsResponse = message({
  name: 'CreatePartitionsResponse',
  apiKey: 37,
  versions: [0, 3],
  flexible: 2,
  fields: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      name: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
});
export type CreatePartitionsResponse = Infer<typeof createPartitionsResponse>;

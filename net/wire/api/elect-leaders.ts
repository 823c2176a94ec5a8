/** ElectLeaders (43): elects leaders, preferred (0) or unclean (1), for some partitions or for all. */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, string } from '../schema.ts';

export const electLeadersRequest = message({
  name: 'ElectLeadersRequest',
  apiKey: 43,
  versions: [0, 2],
  flexible: 2,
  fields: {
    electionType: int8('1+'),
    topicPartitions: array(
      '0+',
      {
        topic: string('0+'),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
    timeoutMs: int32('0+', { default: 60000 }),
  },
});
export type ElectLeadersRequest = Infer<typeof electLeadersRequest>;

export const electLeadersResponse = message({
  name: 'ElectLeadersResponse',
  apiKey: 43,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('1+'),
    replicaElectionResults: array('0+', {
      topic: string('0+'),
      partitionResult: array('0+', {
        partitionId: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  },
});
export type ElectLeadersResponse = Infer<typeof electLeadersResponse>;

/** RemoveRaftVoter (81): removes a voter from the KRaft quorum. */

import { type Infer, message } from '../message.ts';
import { int16, int32, string, uuid } from '../schema.ts';

export const removeRaftVoterRequest = message({
  name: 'RemoveRaftVoterRequest',
  apiKey: 81,
  versions: [0, 0],
  flexible: 0,
  fields: {
    clusterId: string('0+', { nullable: '0+' }),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
  },
});
export type RemoveRaftVoterRequest = Infer<typeof removeRaftVoterRequest>;

export const removeRaftVoterResponse = message({
  name: 'RemoveRaftVoterResponse',
  apiKey: 81,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
});
export type RemoveRaftVoterResponse = Infer<typeof removeRaftVoterResponse>;

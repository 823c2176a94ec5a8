/** AddRaftVoter (80): adds a voter to the KRaft quorum (KIP-853). */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, string, uint16, uuid } from '../schema.ts';

export const addRaftVoterRequest = message({
  name: 'AddRaftVoterRequest',
  apiKey: 80,
  versions: [0, 1],
  flexible: 0,
  fields: {
    clusterId: string('0+', { nullable: '0+' }),
    timeoutMs: int32('0+'),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
    listeners: array('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
    }),
    ackWhenCommitted: bool('1+', { default: true }),
  },
});
export type AddRaftVoterRequest = Infer<typeof addRaftVoterRequest>;

export const addRaftVoterResponse = message({
  name: 'AddRaftVoterResponse',
  apiKey: 80,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  },
});
export type AddRaftVoterResponse = Infer<typeof addRaftVoterResponse>;

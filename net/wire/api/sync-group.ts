/** SyncGroup (14): the leader of a classic group hands in the assignment, every member receives its own. */

import { type Infer, message } from '../message.ts';
import { array, bytes, int16, int32, string } from '../schema.ts';

export const syncGroupRequest = message({
  name: 'SyncGroupRequest',
  apiKey: 14,
  versions: [0, 5],
  flexible: 4,
  fields: {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignments: array('0+', {
      memberId: string('0+'),
      assignment: bytes('0+'),
    }),
  },
});
export type SyncGroupRequest = Infer<typeof syncGroupRequest>;

export const syncGroupResponse = message({
  name: 'SyncGroupResponse',
  apiKey: 14,
  versions: [0, 5],
  flexible: 4,
  fields: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignment: bytes('0+'),
  },
});
export type SyncGroupResponse = Infer<typeof syncGroupResponse>;

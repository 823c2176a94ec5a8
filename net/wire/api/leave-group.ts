/**
 * LeaveGroup (13): members leave a classic group: one up to version 2, a list (by group instance id, too)
 * from 3 on.
 */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string } from '../schema.ts';

export const leaveGroupRequest = message({
  name: 'LeaveGroupRequest',
  apiKey: 13,
  versions: [0, 5],
  flexible: 4,
  fields: {
    groupId: string('0+'),
    memberId: string('0-2'),
    members: array('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
      reason: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
});
export type LeaveGroupRequest = Infer<typeof leaveGroupRequest>;

export const leaveGroupResponse = message({
  name: 'LeaveGroupResponse',
  apiKey: 13,
  versions: [0, 5],
  flexible: 4,
  fields: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    members: array('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+' }),
      errorCode: int16('3+'),
    }),
  },
});
export type LeaveGroupResponse = Infer<typeof leaveGroupResponse>;

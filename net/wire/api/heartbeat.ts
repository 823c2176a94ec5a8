/** Heartbeat (12): a member of a classic group is alive; the error code tells it when to rejoin. */

import { type Infer, message } from '../message.ts';
import { int16, int32, string } from '../schema.ts';

export const heartbeatRequest = message({
  name: 'HeartbeatRequest',
  apiKey: 12,
  versions: [0, 4],
  flexible: 4,
  fields: {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
});
export type HeartbeatRequest = Infer<typeof heartbeatRequest>;

export const heartbeatResponse = message({
  name: 'HeartbeatResponse',
  apiKey: 12,
  versions: [0, 4],
  flexible: 4,
  fields: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
  },
});
export type HeartbeatResponse = Infer<typeof heartbeatResponse>;

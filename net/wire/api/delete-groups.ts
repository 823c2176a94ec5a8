/** DeleteGroups (42): deletes empty groups. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string } from '../schema.ts';

export const deleteGroupsRequest = message({
  name: 'DeleteGroupsRequest',
  apiKey: 42,
  versions: [0, 2],
  flexible: 2,
  fields: {
    groupsNames: array('0+', 'string'),
  },
});
export type DeleteGroupsRequest = Infer<typeof deleteGroupsRequest>;

export const deleteGroupsResponse = message({
  name: 'DeleteGroupsResponse',
  apiKey: 42,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      groupId: string('0+'),
      errorCode: int16('0+'),
    }),
  },
});
export type DeleteGroupsResponse = Infer<typeof deleteGroupsResponse>;

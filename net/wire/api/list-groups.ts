/** ListGroups (16): the groups a broker coordinates, filtered by state (4+) and by type (5+). */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string } from '../schema.ts';

export const listGroupsRequest = message({
  name: 'ListGroupsRequest',
  apiKey: 16,
  versions: [0, 5],
  flexible: 3,
  fields: {
    statesFilter: array('4+', 'string'),
    typesFilter: array('5+', 'string'),
  },
});
export type ListGroupsRequest = Infer<typeof listGroupsRequest>;

export const listGroupsResponse = message({
  name: 'ListGroupsResponse',
  apiKey: 16,
  versions: [0, 5],
  flexible: 3,
  fields: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    groups: array('0+', {
      groupId: string('0+'),
      protocolType: string('0+'),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
});
export type ListGroupsResponse = Infer<typeof listGroupsResponse>;

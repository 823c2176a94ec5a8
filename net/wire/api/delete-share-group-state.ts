/** DeleteShareGroupState (86): the share coordinator forgets share partitions. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string, uuid } from '../schema.ts';

export const deleteShareGroupStateRequest = message({
  name: 'DeleteShareGroupStateRequest',
  apiKey: 86,
  versions: [0, 0],
  flexible: 0,
  fields: {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
      }),
    }),
  },
});
export type DeleteShareGroupStateRequest = Infer<typeof deleteShareGroupStateRequest>;

export const deleteShareGroupStateResponse = message({
  name: 'DeleteShareGroupStateResponse',
  apiKey: 86,
  versions: [0, 0],
  flexible: 0,
  fields: {
    results: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  },
});
export type DeleteShareGroupStateResponse = Infer<typeof deleteShareGroupStateResponse>;

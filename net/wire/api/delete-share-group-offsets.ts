/** DeleteShareGroupOffsets (92): forgets topics of an empty share group. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string, uuid } from '../schema.ts';

export const deleteShareGroupOffsetsRequest = message({
  name: 'DeleteShareGroupOffsetsRequest',
  apiKey: 92,
  versions: [0, 0],
  flexible: 0,
  fields: {
    groupId: string('0+'),
    topics: array('0+', {
      topicName: string('0+'),
    }),
  },
});
export type DeleteShareGroupOffsetsRequest = Infer<typeof deleteShareGroupOffsetsRequest>;

export const deleteShareGroupOffsetsResponse = message({
  name: 'DeleteShareGroupOffsetsResponse',
  apiKey: 92,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: array('0+', {
      topicName: string('0+'),
      topicId: uuid('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
});
export type DeleteShareGroupOffsetsResponse = Infer<typeof deleteShareGroupOffsetsResponse>;

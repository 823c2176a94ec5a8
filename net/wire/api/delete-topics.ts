/** DeleteTopics (20): deletes topics, by name up to version 5, by name or id from 6 on. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string, uuid } from '../schema.ts';

export const deleteTopicsRequest = message({
  name: 'DeleteTopicsRequest',
  apiKey: 20,
  versions: [1, 6],
  flexible: 4,
  fields: {
    topics: array('6+', {
      name: string('6+', { nullable: '6+', default: null }),
      topicId: uuid('6+'),
    }),
    topicNames: array('0-5', 'string', { ignorable: true }),
    timeoutMs: int32('0+'),
  },
});
export type DeleteTopicsRequest = Infer<typeof deleteTopicsRequest>;

export const deleteTopicsResponse = message({
  name: 'DeleteTopicsResponse',
  apiKey: 20,
  versions: [1, 6],
  flexible: 4,
  fields: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: array('0+', {
      name: string('0+', { nullable: '6+' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
});
export type DeleteTopicsResponse = Infer<typeof deleteTopicsResponse>;

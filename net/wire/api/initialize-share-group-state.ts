/** InitializeShareGroupState (83): group coordinator to share coordinator: a share partition begins. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, string, uuid } from '../schema.ts';

export const initializeShareGroupStateRequest = message({
  name: 'InitializeShareGroupStateRequest',
  apiKey: 83,
  versions: [0, 0],
  flexible: 0,
  fields: {
    groupId: string('0+'),
    topics: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        stateEpoch: int32('0+'),
        startOffset: int64('0+'),
      }),
    }),
  },
});
export type InitializeShareGroupStateRequest = Infer<typeof initializeShareGroupStateRequest>;

export const initializeShareGroupStateResponse = message({
  name: 'InitializeShareGroupStateResponse',
  apiKey: 83,
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
export type InitializeShareGroupStateResponse = Infer<typeof initializeShareGroupStateResponse>;

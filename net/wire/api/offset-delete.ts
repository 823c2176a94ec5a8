/** OffsetDelete (47): forgets committed offsets of a group. Never flexible. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string } from '../schema.ts';

export const offsetDeleteRequest = message({
  name: 'OffsetDeleteRequest',
  apiKey: 47,
  versions: [0, 0],
  fields: {
    groupId: string('0+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  },
});
export type OffsetDeleteRequest = Infer<typeof offsetDeleteRequest>;

export const offsetDeleteResponse = message({
  name: 'OffsetDeleteResponse',
  apiKey: 47,
  versions: [0, 0],
  fields: {
    errorCode: int16('0+'),
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
});
export type OffsetDeleteResponse = Infer<typeof offsetDeleteResponse>;

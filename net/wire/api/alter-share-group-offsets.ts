/** AlterShareGroupOffsets (91): moves the start offsets of an empty share group. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, string, uuid } from '../schema.ts';

export const alterShareGroupOffsetsRequest = message({
  name: 'AlterShareGroupOffsetsRequest',
  apiKey: 91,
  versions: [0, 0],
  flexible: 0,
  fields: {
    groupId: string('0+'),
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        startOffset: int64('0+'),
      }),
    }),
  },
});
export type AlterShareGroupOffsetsRequest = Infer<typeof alterShareGroupOffsetsRequest>;

export const alterShareGroupOffsetsResponse = message({
  name: 'AlterShareGroupOffsetsResponse',
  apiKey: 91,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: array('0+', {
      topicName: string('0+'),
      topicId: uuid('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  },
});
export type AlterShareGroupOffsetsResponse = Infer<typeof alterShareGroupOffsetsResponse>;

/**
 * CreateTopics (19): creates topics. Negative counts ask for the broker's defaults (4+); the response
 * tells the resulting configuration from 5 on, and the topic id from 7 on.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int8, int16, int32, string, uuid } from '../schema.ts';

export const createTopicsRequest = message({
  name: 'CreateTopicsRequest',
  apiKey: 19,
  versions: [2, 7],
  flexible: 5,
  fields: {
    topics: array('0+', {
      name: string('0+'),
      numPartitions: int32('0+'),
      replicationFactor: int16('0+'),
      assignments: array('0+', {
        partitionIndex: int32('0+'),
        brokerIds: array('0+', 'int32'),
      }),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    timeoutMs: int32('0+', { default: 60000 }),
    validateOnly: bool('1+', { default: false }),
  },
});
export type CreateTopicsRequest = Infer<typeof createTopicsRequest>;

export const createTopicsResponse = message({
  name: 'CreateTopicsResponse',
  apiKey: 19,
  versions: [2, 7],
  flexible: 5,
  fields: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16('0+'),
      // Nullable from version 0 on, though first present in 1.
      errorMessage: string('1+', { nullable: '0+', ignorable: true }),
      // Set when the configs below could not be read.
      topicConfigErrorCode: int16('5+', { tag: 0, ignorable: true }),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: array(
        '5+',
        {
          name: string('5+'),
          value: string('5+', { nullable: '5+' }),
          readOnly: bool('5+'),
          configSource: int8('5+', { default: -1, ignorable: true }),
          isSensitive: bool('5+'),
        },
        { nullable: '5+', ignorable: true },
      ),
    }),
  },
});
export type CreateTopicsResponse = Infer<typeof createTopicsResponse>;

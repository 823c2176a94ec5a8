/**
 * Produce (0): appends record batches to partitions. A topic is named up to version 12 and given by its id
 * from 13 on. The broker reads requests and writes responses with the codecs of `hot/`; this schema is
 * what those are tested against, and what the client uses. With acks 0 there is no response at all.
 * Versions 0 to 2 carried older record formats and are gone, yet ApiVersions still lists them (see
 * `versions.ts`).
 */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, records, string, struct, uuid } from '../schema.ts';

export const produceRequest = message({
  name: 'ProduceRequest',
  apiKey: 0,
  versions: [3, 13],
  flexible: 9,
  fields: {
    transactionalId: string('3+', { nullable: '3+', default: null }),
    acks: int16('0+'),
    timeoutMs: int32('0+'),
    topicData: array('0+', {
      name: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionData: array('0+', {
        index: int32('0+'),
        records: records('0+', { nullable: '0+' }),
      }),
    }),
  },
});
export type ProduceRequest = Infer<typeof produceRequest>;

export const produceResponse = message({
  name: 'ProduceResponse',
  apiKey: 0,
  versions: [3, 13],
  flexible: 9,
  fields: {
    responses: array('0+', {
      name: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionResponses: array('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        baseOffset: int64('0+'),
        logAppendTimeMs: int64('2+', { default: -1, ignorable: true }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        recordErrors: array(
          '8+',
          {
            batchIndex: int32('8+'),
            batchIndexErrorMessage: string('8+', { nullable: '8+', default: null }),
          },
          { ignorable: true },
        ),
        errorMessage: string('8+', { nullable: '8+', default: null, ignorable: true }),
        currentLeader: struct(
          '10+',
          {
            leaderId: int32('10+', { default: -1 }),
            leaderEpoch: int32('10+', { default: -1 }),
          },
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    nodeEndpoints: array(
      '10+',
      {
        nodeId: int32('10+'),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', { nullable: '10+', default: null }),
      },
      { tag: 0 },
    ),
  },
});
export type ProduceResponse = Infer<typeof produceResponse>;

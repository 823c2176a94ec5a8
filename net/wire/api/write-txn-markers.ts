/**
 * WriteTxnMarkers (27): a transaction coordinator has brokers write commit or abort markers to their
 * partitions.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int8, int16, int32, int64, string } from '../schema.ts';

export const writeTxnMarkersRequest = message({
  name: 'WriteTxnMarkersRequest',
  apiKey: 27,
  versions: [1, 2],
  flexible: 1,
  fields: {
    markers: array('0+', {
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      transactionResult: bool('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitionIndexes: array('0+', 'int32'),
      }),
      coordinatorEpoch: int32('0+'),
      transactionVersion: int8('2+', { default: 0, ignorable: true }),
    }),
  },
});
export type WriteTxnMarkersRequest = Infer<typeof writeTxnMarkersRequest>;

export const writeTxnMarkersResponse = message({
  name: 'WriteTxnMarkersResponse',
  apiKey: 27,
  versions: [1, 2],
  flexible: 1,
  fields: {
    markers: array('0+', {
      producerId: int64('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  },
});
export type WriteTxnMarkersResponse = Infer<typeof writeTxnMarkersResponse>;

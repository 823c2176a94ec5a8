/**
 * AddPartitionsToTxn (24): adds partitions to a transaction. Clients send one transaction in versions 0 to
 * 3; versions 4 and 5 are batches between brokers, in fields of their own.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, int64, string } from '../schema.ts';

const addPartitionsToTxnTopic = {
  name: string('0+'),
  partitions: array('0+', 'int32'),
};

export const addPartitionsToTxnRequest = message({
  name: 'AddPartitionsToTxnRequest',
  apiKey: 24,
  versions: [0, 5],
  flexible: 3,
  fields: {
    transactions: array('4+', {
      transactionalId: string('4+'),
      producerId: int64('4+'),
      producerEpoch: int16('4+'),
      verifyOnly: bool('4+', { default: false }),
      topics: array('4+', addPartitionsToTxnTopic),
    }),
    v3AndBelowTransactionalId: string('0-3'),
    v3AndBelowProducerId: int64('0-3'),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: array('0-3', addPartitionsToTxnTopic),
  },
});
export type AddPartitionsToTxnRequest = Infer<typeof addPartitionsToTxnRequest>;

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32('0+'),
  partitionErrorCode: int16('0+'),
};

const addPartitionsToTxnTopicResult = {
  name: string('0+'),
  resultsByPartition: array('0+', addPartitionsToTxnPartitionResult),
};

export const addPartitionsToTxnResponse = message({
  name: 'AddPartitionsToTxnResponse',
  apiKey: 24,
  versions: [0, 5],
  flexible: 3,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('4+', { ignorable: true }),
    resultsByTransaction: array('4+', {
      transactionalId: string('4+'),
      topicResults: array('4+', addPartitionsToTxnTopicResult),
    }),
    resultsByTopicV3AndBelow: array('0-3', addPartitionsToTxnTopicResult),
  },
});
export type AddPartitionsToTxnResponse = Infer<typeof addPartitionsToTxnResponse>;

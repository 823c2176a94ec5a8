/**
 * Records of `__transaction_state`: one per transactional id. Key and value each start with an int16; in a
 * key it is the record type (the apiKey here), in a value the version.
 */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, int64, string } from '../schema.ts';

export const transactionLogKey = message({
  name: 'TransactionLogKey',
  apiKey: 0,
  versions: [0, 0],
  fields: {
    transactionalId: string('0'),
  },
});
export type TransactionLogKey = Infer<typeof transactionLogKey>;

export const transactionLogValue = message({
  name: 'TransactionLogValue',
  apiKey: 0,
  versions: [0, 1],
  flexible: 1,
  fields: {
    producerId: int64('0+'),
    previousProducerId: int64('1+', { tag: 0, default: -1 }),
    nextProducerId: int64('1+', { tag: 1, default: -1 }),
    producerEpoch: int16('0+'),
    nextProducerEpoch: int16('1+', { tag: 3, default: -1 }),
    transactionTimeoutMs: int32('0+'),
    transactionStatus: int8('0+'),
    transactionPartitions: array(
      '0+',
      {
        topic: string('0+'),
        partitionIds: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
    transactionLastUpdateTimestampMs: int64('0+'),
    transactionStartTimestampMs: int64('0+'),
    clientTransactionVersion: int16('1+', { tag: 2, default: 0 }),
  },
});
export type TransactionLogValue = Infer<typeof transactionLogValue>;

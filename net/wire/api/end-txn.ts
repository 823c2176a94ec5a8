/**
 * EndTxn (26): commits or aborts a transaction. From version 5 on the response bumps the producer epoch
 * (KIP-890).
 */

import { type Infer, message } from '../message.ts';
import { bool, int16, int32, int64, string } from '../schema.ts';

export const endTxnRequest = message({
  name: 'EndTxnRequest',
  apiKey: 26,
  versions: [0, 5],
  flexible: 3,
  fields: {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    committed: bool('0+'),
  },
});
export type EndTxnRequest = Infer<typeof endTxnRequest>;

export const endTxnResponse = message({
  name: 'EndTxnResponse',
  apiKey: 26,
  versions: [0, 5],
  flexible: 3,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerId: int64('5+', { default: -1, ignorable: true }),
    producerEpoch: int16('5+', { default: -1, ignorable: true }),
  },
});
export type EndTxnResponse = Infer<typeof endTxnResponse>;

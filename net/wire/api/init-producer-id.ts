/**
 * InitProducerId (22): a producer id and epoch for an idempotent or transactional producer. From version 3
 * on the producer may pass what it has, to have the epoch bumped (KIP-360); 6 adds two-phase commit
 * (KIP-939).
 */

import { type Infer, message } from '../message.ts';
import { bool, int16, int32, int64, string } from '../schema.ts';

export const initProducerIdRequest = message({
  name: 'InitProducerIdRequest',
  apiKey: 22,
  versions: [0, 6],
  flexible: 2,
  fields: {
    transactionalId: string('0+', { nullable: '0+' }),
    transactionTimeoutMs: int32('0+'),
    producerId: int64('3+', { default: -1 }),
    producerEpoch: int16('3+', { default: -1 }),
    enable2Pc: bool('6+', { default: false }),
    keepPreparedTxn: bool('6+', { default: false }),
  },
});
export type InitProducerIdRequest = Infer<typeof initProducerIdRequest>;

export const initProducerIdResponse = message({
  name: 'InitProducerIdResponse',
  apiKey: 22,
  versions: [0, 6],
  flexible: 2,
  fields: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1 }),
    producerEpoch: int16('0+'),
    ongoingTxnProducerId: int64('6+', { default: -1 }),
    ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
  },
});
export type InitProducerIdResponse = Infer<typeof initProducerIdResponse>;

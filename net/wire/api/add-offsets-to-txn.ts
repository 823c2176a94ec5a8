/** AddOffsetsToTxn (25): adds the offsets partition of a group to a transaction. */

import { type Infer, message } from '../message.ts';
import { int16, int32, int64, string } from '../schema.ts';

export const addOffsetsToTxnRequest = message({
  name: 'AddOffsetsToTxnRequest',
  apiKey: 25,
  versions: [0, 4],
  flexible: 3,
  fields: {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    groupId: string('0+'),
  },
});
export type AddOffsetsToTxnRequest = Infer<typeof addOffsetsToTxnRequest>;

export const addOffsetsToTxnResponse = message({
  name: 'AddOffsetsToTxnResponse',
  apiKey: 25,
  versions: [0, 4],
  flexible: 3,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  },
});
export type AddOffsetsToTxnResponse = Infer<typeof addOffsetsToTxnResponse>;

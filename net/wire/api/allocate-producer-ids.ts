/** AllocateProducerIds (67): a broker gets a block of producer ids from the controller. */

import { type Infer, message } from '../message.ts';
import { int16, int32, int64 } from '../schema.ts';

export const allocateProducerIdsRequest = message({
  name: 'AllocateProducerIdsRequest',
  apiKey: 67,
  versions: [0, 0],
  flexible: 0,
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
  },
});
export type AllocateProducerIdsRequest = Infer<typeof allocateProducerIdsRequest>;

export const allocateProducerIdsResponse = message({
  name: 'AllocateProducerIdsResponse',
  apiKey: 67,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerIdStart: int64('0+'),
    producerIdLen: int32('0+'),
  },
});
export type AllocateProducerIdsResponse = Infer<typeof allocateProducerIdsResponse>;

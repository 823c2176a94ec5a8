/** UnregisterBroker (64): removes a broker that will not come back. */

import { type Infer, message } from '../message.ts';
import { int16, int32, string } from '../schema.ts';

export const unregisterBrokerRequest = message({
  name: 'UnregisterBrokerRequest',
  apiKey: 64,
  versions: [0, 0],
  flexible: 0,
  fields: {
    brokerId: int32('0+'),
  },
});
export type UnregisterBrokerRequest = Infer<typeof unregisterBrokerRequest>;

export const unregisterBrokerResponse = message({
  name: 'UnregisterBrokerResponse',
  apiKey: 64,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
});
export type UnregisterBrokerResponse = Infer<typeof unregisterBrokerResponse>;

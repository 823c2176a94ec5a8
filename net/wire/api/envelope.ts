/**
 * Envelope (58): a broker forwards a client's request to the controller, with the principal it
 * authenticated.
 */

import { type Infer, message } from '../message.ts';
import { bytes, int16 } from '../schema.ts';

export const envelopeRequest = message({
  name: 'EnvelopeRequest',
  apiKey: 58,
  versions: [0, 0],
  flexible: 0,
  fields: {
    requestData: bytes('0+'),
    requestPrincipal: bytes('0+', { nullable: '0+' }),
    clientHostAddress: bytes('0+'),
  },
});
export type EnvelopeRequest = Infer<typeof envelopeRequest>;

export const envelopeResponse = message({
  name: 'EnvelopeResponse',
  apiKey: 58,
  versions: [0, 0],
  flexible: 0,
  fields: {
    responseData: bytes('0+', { nullable: '0+', default: null }),
    errorCode: int16('0+'),
  },
});
export type EnvelopeResponse = Infer<typeof envelopeResponse>;

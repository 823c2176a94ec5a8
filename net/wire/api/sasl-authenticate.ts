/** SaslAuthenticate (36): carries the tokens of a SASL exchange. */

import { type Infer, message } from '../message.ts';
import { bytes, int16, int64, string } from '../schema.ts';

export const saslAuthenticateRequest = message({
  name: 'SaslAuthenticateRequest',
  apiKey: 36,
  versions: [0, 2],
  flexible: 2,
  fields: {
    authBytes: bytes('0+'),
  },
});
export type SaslAuthenticateRequest = Infer<typeof saslAuthenticateRequest>;

export const saslAuthenticateResponse = message({
  name: 'SaslAuthenticateResponse',
  apiKey: 36,
  versions: [0, 2],
  flexible: 2,
  fields: {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    authBytes: bytes('0+'),
    sessionLifetimeMs: int64('1+', { default: 0, ignorable: true }),
  },
});
export type SaslAuthenticateResponse = Infer<typeof saslAuthenticateResponse>;

/** RenewDelegationToken (39): lengthens the life of a delegation token. */

import { type Infer, message } from '../message.ts';
import { bytes, int16, int32, int64 } from '../schema.ts';

export const renewDelegationTokenRequest = message({
  name: 'RenewDelegationTokenRequest',
  apiKey: 39,
  versions: [1, 2],
  flexible: 2,
  fields: {
    hmac: bytes('0+'),
    renewPeriodMs: int64('0+'),
  },
});
export type RenewDelegationTokenRequest = Infer<typeof renewDelegationTokenRequest>;

export const renewDelegationTokenResponse = message({
  name: 'RenewDelegationTokenResponse',
  apiKey: 39,
  versions: [1, 2],
  flexible: 2,
  fields: {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  },
});
export type RenewDelegationTokenResponse = Infer<typeof renewDelegationTokenResponse>;

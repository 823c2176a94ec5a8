/** ExpireDelegationToken (40): sets when a delegation token ends. */

import { type Infer, message } from '../message.ts';
import { bytes, int16, int32, int64 } from '../schema.ts';

export const expireDelegationTokenRequest = message({
  name: 'ExpireDelegationTokenRequest',
  apiKey: 40,
  versions: [1, 2],
  flexible: 2,
  fields: {
    hmac: bytes('0+'),
    expiryTimePeriodMs: int64('0+'),
  },
});
export type ExpireDelegationTokenRequest = Infer<typeof expireDelegationTokenRequest>;

export const expireDelegationTokenResponse = message({
  name: 'ExpireDelegationTokenResponse',
  apiKey: 40,
  versions: [1, 2],
  flexible: 2,
  fields: {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  },
});
export type ExpireDelegationTokenResponse = Infer<typeof expireDelegationTokenResponse>;

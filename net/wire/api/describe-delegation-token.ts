/** DescribeDelegationToken (41): the delegation tokens of some owners, or of all. */

import { type Infer, message } from '../message.ts';
import { array, bytes, int16, int32, int64, string } from '../schema.ts';

export const describeDelegationTokenRequest = message({
  name: 'DescribeDelegationTokenRequest',
  apiKey: 41,
  versions: [1, 3],
  flexible: 2,
  fields: {
    owners: array(
      '0+',
      {
        principalType: string('0+'),
        principalName: string('0+'),
      },
      { nullable: '0+' },
    ),
  },
});
export type DescribeDelegationTokenRequest = Infer<typeof describeDelegationTokenRequest>;

export const describeDelegationTokenResponse = message({
  name: 'DescribeDelegationTokenResponse',
  apiKey: 41,
  versions: [1, 3],
  flexible: 2,
  fields: {
    errorCode: int16('0+'),
    tokens: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
      tokenRequesterPrincipalType: string('3+'),
      tokenRequesterPrincipalName: string('3+'),
      issueTimestamp: int64('0+'),
      expiryTimestamp: int64('0+'),
      maxTimestamp: int64('0+'),
      tokenId: string('0+'),
      hmac: bytes('0+'),
      renewers: array('0+', {
        principalType: string('0+'),
        principalName: string('0+'),
      }),
    }),
    throttleTimeMs: int32('0+'),
  },
});
export type DescribeDelegationTokenResponse = Infer<typeof describeDelegationTokenResponse>;

/** DescribeUserScramCredentials (50): which SCRAM mechanisms users have, with iterations; never the keys. */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, string } from '../schema.ts';

export const describeUserScramCredentialsRequest = message({
  name: 'DescribeUserScramCredentialsRequest',
  apiKey: 50,
  versions: [0, 0],
  flexible: 0,
  fields: {
    users: array(
      '0+',
      {
        name: string('0+'),
      },
      { nullable: '0+' },
    ),
  },
});
export type DescribeUserScramCredentialsRequest = Infer<typeof describeUserScramCredentialsRequest>;

export const describeUserScramCredentialsResponse = message({
  name: 'DescribeUserScramCredentialsResponse',
  apiKey: 50,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: array('0+', {
      user: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      credentialInfos: array('0+', {
        mechanism: int8('0+'),
        iterations: int32('0+'),
      }),
    }),
  },
});
export type DescribeUserScramCredentialsResponse = Infer<
  typeof describeUserScramCredentialsResponse
>;

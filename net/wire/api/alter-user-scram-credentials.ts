/** AlterUserScramCredentials (51): deletes and stores SCRAM credentials (salted passwords). */

import { type Infer, message } from '../message.ts';
import { array, bytes, int8, int16, int32, string } from '../schema.ts';

export const alterUserScramCredentialsRequest = message({
  name: 'AlterUserScramCredentialsRequest',
  apiKey: 51,
  versions: [0, 0],
  flexible: 0,
  fields: {
    deletions: array('0+', {
      name: string('0+'),
      mechanism: int8('0+'),
    }),
    upsertions: array('0+', {
      name: string('0+'),
      mechanism: int8('0+'),
      iterations: int32('0+'),
      salt: bytes('0+'),
      saltedPassword: bytes('0+'),
    }),
  },
});
export type AlterUserScramCredentialsRequest = Infer<typeof alterUserScramCredentialsRequest>;

export const alterUserScramCredentialsResponse = message({
  name: 'AlterUserScramCredentialsResponse',
  apiKey: 51,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      user: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    }),
  },
});
export type AlterUserScramCredentialsResponse = Infer<typeof alterUserScramCredentialsResponse>;

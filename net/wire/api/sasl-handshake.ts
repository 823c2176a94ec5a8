/** SaslHandshake (17): picks a SASL mechanism. Never flexible: version 1 is followed by SaslAuthenticate. */

import { type Infer, message } from '../message.ts';
import { array, int16, string } from '../schema.ts';

export const saslHandshakeRequest = message({
  name: 'SaslHandshakeRequest',
  apiKey: 17,
  versions: [0, 1],
  fields: {
    mechanism: string('0+'),
  },
});
export type SaslHandshakeRequest = Infer<typeof saslHandshakeRequest>;

export const saslHandshakeResponse = message({
  name: 'SaslHandshakeResponse',
  apiKey: 17,
  versions: [0, 1],
  fields: {
    errorCode: int16('0+'),
    mechanisms: array('0+', 'string'),
  },
});
export type SaslHandshakeResponse = Infer<typeof saslHandshakeResponse>;

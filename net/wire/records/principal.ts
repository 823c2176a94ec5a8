/** A principal as an envelope or a token carries it between brokers. A version (int16) goes before it. */

import { type Infer, message } from '../message.ts';
import { bool, string } from '../schema.ts';

export const defaultPrincipalData = message({
  name: 'DefaultPrincipalData',
  versions: [0, 0],
  flexible: 0,
  fields: {
    type: string('0+'),
    name: string('0+'),
    tokenAuthenticated: bool('0+'),
  },
});
export type DefaultPrincipalData = Infer<typeof defaultPrincipalData>;

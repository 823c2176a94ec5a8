/** AlterClientQuotas (49): sets and removes quotas. */

import { type Infer, message } from '../message.ts';
import { array, bool, float64, int16, int32, string } from '../schema.ts';

export const alterClientQuotasRequest = message({
  name: 'AlterClientQuotasRequest',
  apiKey: 49,
  versions: [0, 1],
  flexible: 1,
  fields: {
    entries: array('0+', {
      entity: array('0+', {
        entityType: string('0+'),
        entityName: string('0+', { nullable: '0+' }),
      }),
      ops: array('0+', {
        key: string('0+'),
        value: float64('0+'),
        remove: bool('0+'),
      }),
    }),
    validateOnly: bool('0+'),
  },
});
export type AlterClientQuotasRequest = Infer<typeof alterClientQuotasRequest>;

export const alterClientQuotasResponse = message({
  name: 'AlterClientQuotasResponse',
  apiKey: 49,
  versions: [0, 1],
  flexible: 1,
  fields: {
    throttleTimeMs: int32('0+'),
    entries: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      entity: array('0+', {
        entityType: string('0+'),
        entityName: string('0+', { nullable: '0+' }),
      }),
    }),
  },
});
export type AlterClientQuotasResponse = Infer<typeof alterClientQuotasResponse>;

/** DescribeClientQuotas (48): quotas that match a filter of users, client ids and addresses. */

import { type Infer, message } from '../message.ts';
import { array, bool, float64, int8, int16, int32, string } from '../schema.ts';

export const describeClientQuotasRequest = message({
  name: 'DescribeClientQuotasRequest',
  apiKey: 48,
  versions: [0, 1],
  flexible: 1,
  fields: {
    components: array('0+', {
      entityType: string('0+'),
      matchType: int8('0+'),
      match: string('0+', { nullable: '0+' }),
    }),
    strict: bool('0+'),
  },
});
export type DescribeClientQuotasRequest = Infer<typeof describeClientQuotasRequest>;

export const describeClientQuotasResponse = message({
  name: 'DescribeClientQuotasResponse',
  apiKey: 48,
  versions: [0, 1],
  flexible: 1,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    entries: array(
      '0+',
      {
        entity: array('0+', {
          entityType: string('0+'),
          entityName: string('0+', { nullable: '0+' }),
        }),
        values: array('0+', {
          key: string('0+'),
          value: float64('0+'),
        }),
      },
      { nullable: '0+' },
    ),
  },
});
export type DescribeClientQuotasResponse = Infer<typeof describeClientQuotasResponse>;

/**
 * AlterConfigs (33): replaces the whole configuration of resources; what is not listed returns to its
 * default.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int8, int16, int32, string } from '../schema.ts';

export const alterConfigsRequest = message({
  name: 'AlterConfigsRequest',
  apiKey: 33,
  versions: [0, 2],
  flexible: 2,
  fields: {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool('0+'),
  },
});
export type AlterConfigsRequest = Infer<typeof alterConfigsRequest>;

export const alterConfigsResponse = message({
  name: 'AlterConfigsResponse',
  apiKey: 33,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: int32('0+'),
    responses: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
    }),
  },
});
export type AlterConfigsResponse = Infer<typeof alterConfigsResponse>;

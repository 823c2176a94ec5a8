/**
 * IncrementalAlterConfigs (44): changes single configs: operation 0 sets, 1 deletes, 2 appends, 3
 * subtracts.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int8, int16, int32, string } from '../schema.ts';

export const incrementalAlterConfigsRequest = message({
  name: 'IncrementalAlterConfigsRequest',
  apiKey: 44,
  versions: [0, 1],
  flexible: 1,
  fields: {
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: array('0+', {
        name: string('0+'),
        configOperation: int8('0+'),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool('0+'),
  },
});
export type IncrementalAlterConfigsRequest = Infer<typeof incrementalAlterConfigsRequest>;

export const incrementalAlterConfigsResponse = message({
  name: 'IncrementalAlterConfigsResponse',
  apiKey: 44,
  versions: [0, 1],
  flexible: 1,
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
export type IncrementalAlterConfigsResponse = Infer<typeof incrementalAlterConfigsResponse>;

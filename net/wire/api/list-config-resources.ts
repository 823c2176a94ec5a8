/**
 * ListConfigResources (74): names of resources that have configs. Version 0, once
 * ListClientMetricsResources, lists client metrics only.
 */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, string } from '../schema.ts';

export const listConfigResourcesRequest = message({
  name: 'ListConfigResourcesRequest',
  apiKey: 74,
  versions: [0, 1],
  flexible: 0,
  fields: {
    resourceTypes: array('1+', 'int8'),
  },
});
export type ListConfigResourcesRequest = Infer<typeof listConfigResourcesRequest>;

export const listConfigResourcesResponse = message({
  name: 'ListConfigResourcesResponse',
  apiKey: 74,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    configResources: array('0+', {
      resourceName: string('0+'),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  },
});
export type ListConfigResourcesResponse = Infer<typeof listConfigResourcesResponse>;

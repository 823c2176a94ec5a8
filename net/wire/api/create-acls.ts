/** CreateAcls (30): adds access rules. */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, string } from '../schema.ts';

export const createAclsRequest = message({
  name: 'CreateAclsRequest',
  apiKey: 30,
  versions: [1, 3],
  flexible: 2,
  fields: {
    creations: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      resourcePatternType: int8('1+', { default: 3 }),
      principal: string('0+'),
      host: string('0+'),
      operation: int8('0+'),
      permissionType: int8('0+'),
    }),
  },
});
export type CreateAclsRequest = Infer<typeof createAclsRequest>;

export const createAclsResponse = message({
  name: 'CreateAclsResponse',
  apiKey: 30,
  versions: [1, 3],
  flexible: 2,
  fields: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    }),
  },
});
export type CreateAclsResponse = Infer<typeof createAclsResponse>;

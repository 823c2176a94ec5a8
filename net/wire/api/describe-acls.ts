/** DescribeAcls (29): access rules that match a filter. */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, string } from '../schema.ts';

export const describeAclsRequest = message({
  name: 'DescribeAclsRequest',
  apiKey: 29,
  versions: [1, 3],
  flexible: 2,
  fields: {
    resourceTypeFilter: int8('0+'),
    resourceNameFilter: string('0+', { nullable: '0+' }),
    patternTypeFilter: int8('1+', { default: 3 }),
    principalFilter: string('0+', { nullable: '0+' }),
    hostFilter: string('0+', { nullable: '0+' }),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
});
export type DescribeAclsRequest = Infer<typeof describeAclsRequest>;

export const describeAclsResponse = message({
  name: 'DescribeAclsResponse',
  apiKey: 29,
  versions: [1, 3],
  flexible: 2,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      patternType: int8('1+', { default: 3 }),
      acls: array('0+', {
        principal: string('0+'),
        host: string('0+'),
        operation: int8('0+'),
        permissionType: int8('0+'),
      }),
    }),
  },
});
export type DescribeAclsResponse = Infer<typeof describeAclsResponse>;

/** DescribeCluster (60): cluster id, controller and brokers (1) or controllers (2, from version 1 on). */

import { type Infer, message } from '../message.ts';
import { array, bool, int8, int16, int32, string } from '../schema.ts';

export const describeClusterRequest = message({
  name: 'DescribeClusterRequest',
  apiKey: 60,
  versions: [0, 2],
  flexible: 0,
  fields: {
    includeClusterAuthorizedOperations: bool('0+'),
    endpointType: int8('1+', { default: 1 }),
    includeFencedBrokers: bool('2+'),
  },
});
export type DescribeClusterRequest = Infer<typeof describeClusterRequest>;

export const describeClusterResponse = message({
  name: 'DescribeClusterResponse',
  apiKey: 60,
  versions: [0, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string('0+'),
    controllerId: int32('0+', { default: -1 }),
    brokers: array('0+', {
      brokerId: int32('0+'),
      host: string('0+'),
      port: int32('0+'),
      rack: string('0+', { nullable: '0+', default: null }),
      isFenced: bool('2+'),
    }),
    clusterAuthorizedOperations: int32('0+', { default: -2147483648 }),
  },
});
export type DescribeClusterResponse = Infer<typeof describeClusterResponse>;

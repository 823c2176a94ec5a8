/**
 * Metadata (3): brokers, topics, partitions and their leaders. In version 0 an empty list of topics asks
 * for all of them; from 1 on null does, and an empty list asks for none. Topics may be asked for by id
 * from 12 on; the field is there since 10, but brokers refuse it before.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, string, uuid } from '../schema.ts';

export const metadataRequest = message({
  name: 'MetadataRequest',
  apiKey: 3,
  versions: [0, 13],
  flexible: 9,
  fields: {
    // Null asks for all topics; in version 0, where null cannot be, an empty list does.
    topics: array(
      '0+',
      {
        topicId: uuid('10+', { ignorable: true }),
        name: string('0+', { nullable: '10+' }),
      },
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool('4+', { default: true }),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+'),
  },
});
export type MetadataRequest = Infer<typeof metadataRequest>;

export const metadataResponse = message({
  name: 'MetadataResponse',
  apiKey: 3,
  versions: [0, 13],
  flexible: 9,
  fields: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    brokers: array('0+', {
      nodeId: int32('0+'),
      host: string('0+'),
      port: int32('0+'),
      rack: string('1+', { nullable: '1+', default: null, ignorable: true }),
    }),
    clusterId: string('2+', { nullable: '2+', default: null, ignorable: true }),
    controllerId: int32('1+', { default: -1, ignorable: true }),
    topics: array('0+', {
      errorCode: int16('0+'),
      name: string('0+', { nullable: '12+' }),
      topicId: uuid('10+', { ignorable: true }),
      isInternal: bool('1+', { default: false, ignorable: true }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('7+', { default: -1, ignorable: true }),
        replicaNodes: array('0+', 'int32'),
        isrNodes: array('0+', 'int32'),
        offlineReplicas: array('5+', 'int32', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('8+', { default: -2147483648 }),
    }),
    // Moved to DescribeCluster.
    clusterAuthorizedOperations: int32('8-10', { default: -2147483648 }),
    errorCode: int16('13+', { ignorable: true }),
  },
});
export type MetadataResponse = Infer<typeof metadataResponse>;

/** AssignReplicasToDirs (73): a broker tells the controller in which log directories its replicas lie. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, int64, uuid } from '../schema.ts';

export const assignReplicasToDirsRequest = message({
  name: 'AssignReplicasToDirsRequest',
  apiKey: 73,
  versions: [0, 0],
  flexible: 0,
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    directories: array('0+', {
      id: uuid('0+'),
      topics: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
        }),
      }),
    }),
  },
});
export type AssignReplicasToDirsRequest = Infer<typeof assignReplicasToDirsRequest>;

export const assignReplicasToDirsResponse = message({
  name: 'AssignReplicasToDirsResponse',
  apiKey: 73,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    directories: array('0+', {
      id: uuid('0+'),
      topics: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  },
});
export type AssignReplicasToDirsResponse = Infer<typeof assignReplicasToDirsResponse>;

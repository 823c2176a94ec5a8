/** AlterReplicaLogDirs (34): moves replicas to another log directory of the same broker. */

import { type Infer, message } from '../message.ts';
import { array, int16, int32, string } from '../schema.ts';

export const alterReplicaLogDirsRequest = message({
  name: 'AlterReplicaLogDirsRequest',
  apiKey: 34,
  versions: [1, 2],
  flexible: 2,
  fields: {
    dirs: array('0+', {
      path: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', 'int32'),
      }),
    }),
  },
});
export type AlterReplicaLogDirsRequest = Infer<typeof alterReplicaLogDirsRequest>;

export const alterReplicaLogDirsResponse = message({
  name: 'AlterReplicaLogDirsResponse',
  apiKey: 34,
  versions: [1, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
});
export type AlterReplicaLogDirsResponse = Infer<typeof alterReplicaLogDirsResponse>;

/**
 * What members of a classic consumer group tell each other through JoinGroup and SyncGroup. The broker
 * passes these bytes on without looking, except for listing subscribed topics. A version (int16) goes
 * before each; a reader takes what it knows of a newer version and ignores the rest.
 */

import { type Infer, message } from '../message.ts';
import { array, bytes, int32, string } from '../schema.ts';

export const consumerProtocolSubscription = message({
  name: 'ConsumerProtocolSubscription',
  versions: [0, 3],
  fields: {
    topics: array('0+', 'string'),
    userData: bytes('0+', { nullable: '0+', default: null }),
    ownedPartitions: array(
      '1+',
      {
        topic: string('1+'),
        partitions: array('1+', 'int32'),
      },
      { ignorable: true },
    ),
    generationId: int32('2+', { default: -1, ignorable: true }),
    rackId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  },
});
export type ConsumerProtocolSubscription = Infer<typeof consumerProtocolSubscription>;

export const consumerProtocolAssignment = message({
  name: 'ConsumerProtocolAssignment',
  versions: [0, 3],
  fields: {
    assignedPartitions: array('0+', {
      topic: string('0+'),
      partitions: array('0+', 'int32'),
    }),
    userData: bytes('0+', { nullable: '0+', default: null }),
  },
});
export type ConsumerProtocolAssignment = Infer<typeof consumerProtocolAssignment>;

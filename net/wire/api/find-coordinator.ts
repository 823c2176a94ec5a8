/**
 * FindCoordinator (10): which broker coordinates a group, a transactional id or a share group. One key up
 * to version 3, a list of keys from 4 on; keyType is 0 group, 1 transaction, 2 share.
 */

import { type Infer, message } from '../message.ts';
import { array, int8, int16, int32, string } from '../schema.ts';

export const findCoordinatorRequest = message({
  name: 'FindCoordinatorRequest',
  apiKey: 10,
  versions: [0, 6],
  flexible: 3,
  fields: {
    key: string('0-3'),
    keyType: int8('1+', { default: 0 }),
    coordinatorKeys: array('4+', 'string'),
  },
});
export type FindCoordinatorRequest = Infer<typeof findCoordinatorRequest>;

export const findCoordinatorResponse = message({
  name: 'FindCoordinatorResponse',
  apiKey: 10,
  versions: [0, 6],
  flexible: 3,
  fields: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array('4+', {
      key: string('4+'),
      nodeId: int32('4+'),
      host: string('4+'),
      port: int32('4+'),
      errorCode: int16('4+'),
      errorMessage: string('4+', { nullable: '4+', ignorable: true }),
    }),
  },
});
export type FindCoordinatorResponse = Infer<typeof findCoordinatorResponse>;

/**
 * BrokerHeartbeat (63): a broker tells the controller how far it is, asks to be fenced, unfenced or shut
 * down.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, int64 } from '../schema.ts';

export const brokerHeartbeatRequest = message({
  name: 'BrokerHeartbeatRequest',
  apiKey: 63,
  versions: [0, 2],
  flexible: 0,
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    currentMetadataOffset: int64('0+'),
    wantFence: bool('0+'),
    wantShutDown: bool('0+'),
    offlineLogDirs: array('1+', 'uuid', { tag: 0 }),
    cordonedLogDirs: array('2+', 'uuid', { nullable: '2+', tag: 1, default: null }),
  },
});
export type BrokerHeartbeatRequest = Infer<typeof brokerHeartbeatRequest>;

export const brokerHeartbeatResponse = message({
  name: 'BrokerHeartbeatResponse',
  apiKey: 63,
  versions: [0, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    isCaughtUp: bool('0+', { default: false }),
    isFenced: bool('0+', { default: true }),
    shouldShutDown: bool('0+'),
  },
});
export type BrokerHeartbeatResponse = Infer<typeof brokerHeartbeatResponse>;

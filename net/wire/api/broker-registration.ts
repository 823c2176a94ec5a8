/** BrokerRegistration (62): a broker registers with the controller and receives its epoch. */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, int64, string, uint16, uuid } from '../schema.ts';

export const brokerRegistrationRequest = message({
  name: 'BrokerRegistrationRequest',
  apiKey: 62,
  versions: [0, 4],
  flexible: 0,
  fields: {
    brokerId: int32('0+'),
    clusterId: string('0+'),
    incarnationId: uuid('0+'),
    listeners: array('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+'),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
    rack: string('0+', { nullable: '0+' }),
    isMigratingZkBroker: bool('1+', { default: false }),
    logDirs: array('2+', 'uuid', { ignorable: true }),
    previousBrokerEpoch: int64('3+', { default: -1, ignorable: true }),
  },
});
export type BrokerRegistrationRequest = Infer<typeof brokerRegistrationRequest>;

export const brokerRegistrationResponse = message({
  name: 'BrokerRegistrationResponse',
  apiKey: 62,
  versions: [0, 4],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
  },
});
export type BrokerRegistrationResponse = Infer<typeof brokerRegistrationResponse>;

/** ControllerRegistration (70): a KRaft controller registers with the active one. */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, string, uint16, uuid } from '../schema.ts';

export const controllerRegistrationRequest = message({
  name: 'ControllerRegistrationRequest',
  apiKey: 70,
  versions: [0, 0],
  flexible: 0,
  fields: {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
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
  },
});
export type ControllerRegistrationRequest = Infer<typeof controllerRegistrationRequest>;

export const controllerRegistrationResponse = message({
  name: 'ControllerRegistrationResponse',
  apiKey: 70,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
});
export type ControllerRegistrationResponse = Infer<typeof controllerRegistrationResponse>;

/** PushTelemetry (72): metrics of a client, as compressed OpenTelemetry bytes (KIP-714). */

import { type Infer, message } from '../message.ts';
import { bool, bytes, int8, int16, int32, uuid } from '../schema.ts';

export const pushTelemetryRequest = message({
  name: 'PushTelemetryRequest',
  apiKey: 72,
  versions: [0, 0],
  flexible: 0,
  fields: {
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    terminating: bool('0+'),
    compressionType: int8('0+'),
    metrics: bytes('0+'),
  },
});
export type PushTelemetryRequest = Infer<typeof pushTelemetryRequest>;

export const pushTelemetryResponse = message({
  name: 'PushTelemetryResponse',
  apiKey: 72,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  },
});
export type PushTelemetryResponse = Infer<typeof pushTelemetryResponse>;

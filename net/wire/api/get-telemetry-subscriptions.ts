/** GetTelemetrySubscriptions (71): which metrics a client shall push, and how often (KIP-714). */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, uuid } from '../schema.ts';

export const getTelemetrySubscriptionsRequest = message({
  name: 'GetTelemetrySubscriptionsRequest',
  apiKey: 71,
  versions: [0, 0],
  flexible: 0,
  fields: {
    clientInstanceId: uuid('0+'),
  },
});
export type GetTelemetrySubscriptionsRequest = Infer<typeof getTelemetrySubscriptionsRequest>;

export const getTelemetrySubscriptionsResponse = message({
  name: 'GetTelemetrySubscriptionsResponse',
  apiKey: 71,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    acceptedCompressionTypes: array('0+', 'int8'),
    pushIntervalMs: int32('0+'),
    telemetryMaxBytes: int32('0+'),
    deltaTemporality: bool('0+'),
    requestedMetrics: array('0+', 'string'),
  },
});
export type GetTelemetrySubscriptionsResponse = Infer<typeof getTelemetrySubscriptionsResponse>;

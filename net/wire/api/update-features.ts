/**
 * UpdateFeatures (57): finalizes feature levels. upgradeType replaced allowDowngrade in version 1; results
 * per feature are gone in 2, where all succeed or none.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int8, int16, int32, string } from '../schema.ts';

export const updateFeaturesRequest = message({
  name: 'UpdateFeaturesRequest',
  apiKey: 57,
  versions: [0, 2],
  flexible: 0,
  fields: {
    timeoutMs: int32('0+', { default: 60000 }),
    featureUpdates: array('0+', {
      feature: string('0+'),
      maxVersionLevel: int16('0+'),
      allowDowngrade: bool('0'),
      upgradeType: int8('1+', { default: 1 }),
    }),
    validateOnly: bool('1+', { default: false }),
  },
});
export type UpdateFeaturesRequest = Infer<typeof updateFeaturesRequest>;

export const updateFeaturesResponse = message({
  name: 'UpdateFeaturesResponse',
  apiKey: 57,
  versions: [0, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: array(
      '0-1',
      {
        feature: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      },
      { ignorable: true },
    ),
  },
});
export type UpdateFeaturesResponse = Infer<typeof updateFeaturesResponse>;

/**
 * ApiVersions (18): the first request of most clients; what the broker serves and which features are
 * finalized. The response header is version 0 also where the body is flexible, so that a client can read
 * the answer to a version that this broker does not know: such a request is answered in version 0 with
 * UNSUPPORTED_VERSION and the whole list.
 */

import { type Infer, message } from '../message.ts';
import { array, bool, int16, int32, int64, string } from '../schema.ts';

export const apiVersionsRequest = message({
  name: 'ApiVersionsRequest',
  apiKey: 18,
  versions: [0, 4],
  flexible: 3,
  fields: {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
  },
});
export type ApiVersionsRequest = Infer<typeof apiVersionsRequest>;

export const apiVersionsResponse = message({
  name: 'ApiVersionsResponse',
  apiKey: 18,
  versions: [0, 4],
  flexible: 3,
  fields: {
    errorCode: int16('0+'),
    apiKeys: array('0+', {
      apiKey: int16('0+'),
      minVersion: int16('0+'),
      maxVersion: int16('0+'),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      '3+',
      {
        name: string('3+'),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      { tag: 0, ignorable: true },
    ),
    // -1: unknown.
    finalizedFeaturesEpoch: int64('3+', { tag: 1, default: -1, ignorable: true }),
    finalizedFeatures: array(
      '3+',
      {
        name: string('3+'),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { tag: 3, default: false, ignorable: true }),
  },
});
export type ApiVersionsResponse = Infer<typeof apiVersionsResponse>;

/**
 * ApiVersions: what this broker serves. A client that asks in a version from the future gets the list in version 0 with
 * UNSUPPORTED_VERSION, so that it can ask again. Features are advertised as far as this broker has what they stand for.
 *
 * Thread of the front.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { BodyResponse } from '../front/body-response.ts';
import type { Request } from '../front/request.ts';
import type { ApiHandler, FrontServices } from '../front/services.ts';
import {
  type ApiVersionsResponse,
  apiVersionsRequest,
  apiVersionsResponse,
} from '../wire/api/api-versions.ts';
import { Reader } from '../wire/reader.ts';
import { ADVERTISED_APIS, ApiKey } from '../wire/versions.ts';

const VERSION_MAX = apiVersionsRequest.versions[1];
/** KIP-511: what a client may call itself. */
const SOFTWARE_PATTERN = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const SOFTWARE_FROM = 3;

/** Kafka 4.3's metadata.version: 7 is the oldest that a broker of that release can run with. */
const METADATA_VERSION = { name: 'metadata.version', minVersion: 7, maxVersion: 30 };

const ADVERTISED: ApiVersionsResponse['apiKeys'] = ADVERTISED_APIS.map((api) => ({ ...api }));

const reader = new Reader();

export class ApiVersionsHandler implements ApiHandler {
  readonly #services: FrontServices;

  constructor(services: FrontServices) {
    this.#services = services;
  }

  start(request: Request): void {
    const { apiVersion } = request;
    const connection = request.connection!;
    if (apiVersion < 0 || apiVersion > VERSION_MAX) {
      const body = refusal(ErrorCode.UNSUPPORTED_VERSION, [
        { apiKey: ApiKey.ApiVersions, minVersion: 0, maxVersion: VERSION_MAX },
      ]);
      connection.complete(request, new BodyResponse(request, apiVersionsResponse, body, 0));
      return;
    }
    reader.reset(this.#services.engine.memory.bytes, request.bodyAt, request.end);
    const asked = apiVersionsRequest.read(reader, apiVersion);
    const isValid =
      apiVersion < SOFTWARE_FROM ||
      (SOFTWARE_PATTERN.test(asked.clientSoftwareName) &&
        SOFTWARE_PATTERN.test(asked.clientSoftwareVersion));
    const body = isValid ? this.#answer() : refusal(ErrorCode.INVALID_REQUEST, []);
    connection.complete(request, new BodyResponse(request, apiVersionsResponse, body));
  }

  #answer(): ApiVersionsResponse {
    return {
      errorCode: ErrorCode.NONE,
      apiKeys: ADVERTISED,
      throttleTimeMs: 0,
      supportedFeatures: [METADATA_VERSION],
      finalizedFeaturesEpoch: this.#services.image.version,
      finalizedFeatures: [
        {
          name: METADATA_VERSION.name,
          minVersionLevel: METADATA_VERSION.maxVersion,
          maxVersionLevel: METADATA_VERSION.maxVersion,
        },
      ],
      zkMigrationReady: false,
    };
  }
}

function refusal(errorCode: number, apiKeys: ApiVersionsResponse['apiKeys']): ApiVersionsResponse {
  return {
    errorCode,
    apiKeys,
    throttleTimeMs: 0,
    supportedFeatures: [],
    finalizedFeaturesEpoch: -1,
    finalizedFeatures: [],
    zkMigrationReady: false,
  };
}

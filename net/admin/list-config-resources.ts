/** ListConfigResources: the names of everything that can be asked for its configs, by kind (1+). */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type {
  ListConfigResourcesRequest,
  listConfigResourcesResponse,
} from '../wire/api/list-config-resources.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler } from './admin-services.ts';
import { ResourceType } from './config-resources.ts';

type Response = InferInput<typeof listConfigResourcesResponse>;

/** In the order of the answer. */
const TYPES: readonly number[] = [
  ResourceType.GROUP,
  ResourceType.CLIENT_METRICS,
  ResourceType.BROKER_LOGGER,
  ResourceType.BROKER,
  ResourceType.TOPIC,
];

export const handle: AdminHandler<ListConfigResourcesRequest, Response> = async (
  request,
  services,
  version,
) => {
  const { controller } = services;
  const asked = version === 0 ? [ResourceType.CLIENT_METRICS] : request.resourceTypes;
  if (asked.some((type) => !TYPES.includes(type))) {
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      configResources: [],
    };
  }
  const types = asked.length === 0 ? TYPES : TYPES.filter((type) => asked.includes(type));
  const namesOf = (type: number): string[] => {
    switch (type) {
      case ResourceType.GROUP:
        return controller.resourceConfigs.names('group');
      case ResourceType.CLIENT_METRICS:
        return controller.resourceConfigs.names('client-metrics');
      case ResourceType.TOPIC:
        return [...controller.topics()].map((topic) => topic.name);
      default:
        return controller.image.brokers.map((broker) => String(broker.id));
    }
  };
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    configResources: types.flatMap((resourceType) =>
      namesOf(resourceType).map((resourceName) => ({ resourceName, resourceType })),
    ),
  };
};

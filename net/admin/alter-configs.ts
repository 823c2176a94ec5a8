/** AlterConfigs, the older form: the configs given replace all that a resource has. */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type { AlterConfigsRequest, alterConfigsResponse } from '../wire/api/alter-configs.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler } from './admin-services.ts';
import { applyConfigChanges, type ResourceChange } from './config-changes.ts';
import {
  invalidRequest,
  type ResourceRefusal,
  repeatedResources,
  resourceKey,
} from './config-resources.ts';

type Response = InferInput<typeof alterConfigsResponse>;
type Config = AlterConfigsRequest['resources'][number]['configs'][number];

export const handle: AdminHandler<AlterConfigsRequest, Response> = async (request, services) => {
  const { resources, validateOnly } = request;
  const repeated = repeatedResources(resources);
  const outcomes = resources.map((resource): ResourceRefusal | null =>
    repeated.has(resourceKey(resource))
      ? invalidRequest('Each resource must appear at most once.')
      : formProblem(resource.configs),
  );
  const changes: (ResourceChange & { index: number })[] = [];
  for (const [index, { resourceType, resourceName, configs }] of resources.entries()) {
    if (outcomes[index] !== null) continue;
    const replacement = new Map(configs.map(({ name, value }) => [name, value!]));
    changes.push({
      index,
      resourceType,
      resourceName,
      change: () => ({ configs: replacement }),
    });
  }
  const done = await applyConfigChanges(changes, services, { validateOnly });
  for (const [position, { index }] of changes.entries()) outcomes[index] = done[position]!;
  return {
    throttleTimeMs: 0,
    responses: resources.map(({ resourceType, resourceName }, index) => ({
      errorCode: outcomes[index]?.errorCode ?? ErrorCode.NONE,
      errorMessage: outcomes[index]?.message ?? null,
      resourceType,
      resourceName,
    })),
  };
};

function formProblem(configs: readonly Config[]): ResourceRefusal | null {
  if (new Set(configs.map(({ name }) => name)).size < configs.length) {
    return invalidRequest('Error due to duplicate config keys');
  }
  const nulls = configs.filter(({ value }) => value === null).map(({ name }) => name);
  return nulls.length === 0
    ? null
    : invalidRequest(`Null value not supported for : ${nulls.join(',')}`);
}

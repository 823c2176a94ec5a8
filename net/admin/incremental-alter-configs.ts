/**
 * IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single configs and leaves the others. A resource
 * is changed by all its operations or by none.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type {
  IncrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../wire/api/incremental-alter-configs.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler, AdminServices } from './admin-services.ts';
import {
  applyConfigChanges,
  type ConfigChange,
  type ConfigView,
  type ResourceChange,
} from './config-changes.ts';
import {
  invalidRequest,
  isInteger,
  LOG_LEVELS,
  type ResourceRefusal,
  ResourceType,
  ROOT_LOGGER,
  repeatedResources,
  resourceKey,
} from './config-resources.ts';

type Response = InferInput<typeof incrementalAlterConfigsResponse>;
type Resource = IncrementalAlterConfigsRequest['resources'][number];
type Operation = Resource['configs'][number];

const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;
const OPERATION_NAMES = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'];

export const handle: AdminHandler<IncrementalAlterConfigsRequest, Response> = async (
  request,
  services,
) => {
  const { resources, validateOnly } = request;
  const repeated = repeatedResources(resources);
  const outcomes = resources.map((resource): ResourceRefusal | null => {
    if (repeated.has(resourceKey(resource))) {
      return invalidRequest('Each resource must appear at most once.');
    }
    return formProblem(resource.configs);
  });
  const changes: (ResourceChange & { index: number })[] = [];
  for (const [index, resource] of resources.entries()) {
    if (outcomes[index] !== null) continue;
    if (resource.resourceType === ResourceType.BROKER_LOGGER) {
      outcomes[index] = alterLogger(resource, services, validateOnly);
    } else {
      const { resourceType, resourceName, configs } = resource;
      changes.push({ index, resourceType, resourceName, change: changeOf(configs) });
    }
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

function formProblem(operations: readonly Operation[]): ResourceRefusal | null {
  if (new Set(operations.map(({ name }) => name)).size < operations.length) {
    return invalidRequest('Error due to duplicate config keys');
  }
  const nulls = operations.filter(
    ({ value, configOperation }) => value === null && configOperation !== ConfigOperation.DELETE,
  );
  if (nulls.length > 0) {
    const names = nulls.map(({ name }) => name).join(',');
    return invalidRequest(`Null value not supported for : ${names}`);
  }
  return null;
}

function changeOf(operations: readonly Operation[]): ConfigChange {
  return (view) => {
    const configs = new Map(view.configs);
    for (const { name, configOperation, value } of operations) {
      switch (configOperation) {
        case ConfigOperation.SET:
          configs.set(name, value!);
          break;
        case ConfigOperation.DELETE:
          configs.delete(name);
          break;
        case ConfigOperation.APPEND:
        case ConfigOperation.SUBTRACT: {
          if (view.definition(name)?.type !== 'list') {
            const word = OPERATION_NAMES[configOperation];
            const message = `Can't ${word} to key ${name} because its type is not LIST.`;
            return { errorCode: ErrorCode.INVALID_CONFIG, message };
          }
          const items = listOf(view, name);
          const changed = splitList(value!);
          configs.set(
            name,
            configOperation === ConfigOperation.APPEND
              ? [...items, ...changed.filter((item) => !items.includes(item))].join(',')
              : items.filter((item) => !changed.includes(item)).join(','),
          );
          break;
        }
        default:
          return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, message: null };
      }
    }
    return { configs };
  };
}

function listOf(view: ConfigView, name: string): string[] {
  return splitList(view.configs.get(name) ?? view.effective(name) ?? '');
}

function splitList(text: string): string[] {
  return text.trim() === '' ? [] : text.trim().split(/\s*,\s*/);
}

function alterLogger(
  resource: Resource,
  services: AdminServices,
  validateOnly: boolean,
): ResourceRefusal | null {
  const { resourceName, configs } = resource;
  const { nodeId } = services.controller;
  if (!isInteger(resourceName)) {
    return invalidRequest(`Node id must be an integer, but it is: ${resourceName}`);
  }
  if (Number(resourceName) !== nodeId) {
    return invalidRequest(`Unexpected node id. Expected ${nodeId}, but received ${resourceName}`);
  }
  for (const { name, configOperation, value } of configs) {
    if (
      configOperation === ConfigOperation.APPEND ||
      configOperation === ConfigOperation.SUBTRACT
    ) {
      const word = OPERATION_NAMES[configOperation];
      return invalidRequest(`${word} operation is not allowed for the BROKER_LOGGER resource`);
    }
    if (name !== ROOT_LOGGER) {
      const message = `Logger ${name} does not exist!`;
      return { errorCode: ErrorCode.INVALID_CONFIG, message };
    }
    if (configOperation === ConfigOperation.DELETE) {
      return invalidRequest(`Removing the log level of the ${ROOT_LOGGER} logger is not allowed`);
    }
    if (!LOG_LEVELS.includes(value!)) {
      const levels = LOG_LEVELS.join(', ');
      const message = `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${levels}`;
      return { errorCode: ErrorCode.INVALID_CONFIG, message };
    }
  }
  if (!validateOnly) for (const { value } of configs) services.logLevel.set(value!);
  return null;
}

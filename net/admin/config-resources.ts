/**
 * What can be asked for configs, and which names it goes by: the checks that all config APIs share, with Kafka's words.
 * Main thread; pure.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';

export const ResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

/** Why a resource is refused as a whole. */
export interface ResourceRefusal {
  readonly errorCode: ErrorCode;
  readonly message: string | null;
}

/** A resource as the requests name it. */
export interface ResourceName {
  readonly resourceType: number;
  readonly resourceName: string;
}

export const LOG_LEVELS = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN'];
/** The one logger there is. */
export const ROOT_LOGGER = 'root';

export function invalidRequest(message: string): ResourceRefusal {
  return { errorCode: ErrorCode.INVALID_REQUEST, message };
}

/** Whether a name is that of an integer, as Java reads one. */
export function isInteger(text: string): boolean {
  return /^[+-]?\d{1,10}$/.test(text);
}

/** The resources that a request names more than once. */
export function repeatedResources(resources: readonly ResourceName[]): Set<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const resource of resources) {
    const key = resourceKey(resource);
    if (seen.has(key)) repeated.add(key);
    seen.add(key);
  }
  return repeated;
}

export function resourceKey({ resourceType, resourceName }: ResourceName): string {
  return `${resourceType} ${resourceName}`;
}

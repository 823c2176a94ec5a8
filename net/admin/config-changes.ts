/**
 * Carries out changes of configs, for both APIs that ask for them: each resource is taken or refused as a whole, with
 * Kafka's words, and what was taken holds, and is durable, when the answer leaves.
 *
 * A change is a function from the configs a resource has to those it shall have, so that it sees them as they stand when
 * its turn comes. Main thread.
 */
import type { ConfigResourceKind } from '../../cluster/metadata-keys.ts';
import type { ResourceConfigValues } from '../../cluster/resource-configs.ts';
import { topicNameProblem } from '../../cluster/topic-names.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { messageOf } from '../../engine/base/errors.ts';
import { BROKER_CONFIGS, DYNAMIC_ONLY_CONFIGS } from '../settings/broker-configs.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import { type ConfigDefinition, parseValue } from '../settings/config-definition.ts';
import {
  CLIENT_METRICS_CONFIGS,
  clientMetricsConfigProblem,
  GROUP_CONFIGS,
  groupConfigProblem,
} from '../settings/resource-definitions.ts';
import { effectiveText, topicConfig } from '../settings/topic-configs.ts';
import type { AdminServices } from './admin-services.ts';
import {
  invalidRequest,
  isInteger,
  type ResourceName,
  type ResourceRefusal,
  ResourceType,
} from './config-resources.ts';
import { outcomesOf, refusalOf } from './failures.ts';

/** What a change may look at: the configs as they stand, and what a config is. */
export interface ConfigView {
  readonly configs: ReadonlyMap<string, string>;
  definition(name: string): ConfigDefinition | undefined;
  /** The value a config has, its own or inherited, as text. */
  effective(name: string): string | null;
}

export type ConfigChange = (
  view: ConfigView,
) => { readonly configs: ReadonlyMap<string, string> } | ResourceRefusal;

export interface ResourceChange extends ResourceName {
  readonly change: ConfigChange;
}

/** One outcome per change, in order; null when done. */
export async function applyConfigChanges(
  changes: readonly ResourceChange[],
  services: AdminServices,
  options: { readonly validateOnly: boolean },
): Promise<(ResourceRefusal | null)[]> {
  const outcomes = new Array<ResourceRefusal | null>(changes.length).fill(null);
  const topics: { index: number; name: string; change: ConfigChange }[] = [];
  for (const [index, resource] of changes.entries()) {
    const { resourceType, resourceName: name, change } = resource;
    const problem = nameProblem(resource, services);
    if (problem !== null) outcomes[index] = problem;
    else if (resourceType === ResourceType.TOPIC) topics.push({ index, name, change });
    else {
      const applying = applyToResource(resource, services, options);
      outcomes[index] = await applying.catch(refusalOf);
    }
  }
  if (topics.length > 0) {
    const changeOf = new Map(topics.map(({ name, change }) => [name, change]));
    const altering = services.controller.alterTopicConfigs(
      topics.map(({ name }) => name),
      (name, configs) => {
        const decision = changeOf.get(name)!(topicView(configs, services.settings));
        if ('errorCode' in decision) return decision;
        return { configs: Object.fromEntries(decision.configs) };
      },
      options,
    );
    const done = await outcomesOf(topics.length, altering);
    for (const [position, { index }] of topics.entries()) outcomes[index] = done[position]!;
  }
  return outcomes;
}

function nameProblem(resource: ResourceName, services: AdminServices): ResourceRefusal | null {
  const { resourceType, resourceName: name } = resource;
  switch (resourceType) {
    case ResourceType.TOPIC: {
      if (name === '') return invalidRequest('Default topic resources are not allowed.');
      const problem = topicNameProblem(name);
      return problem === null
        ? null
        : { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, message: problem };
    }
    case ResourceType.BROKER: {
      if (name === '') return null;
      if (!isInteger(name)) {
        return invalidRequest(`Node id must be an integer, but it is: ${name}`);
      }
      const { nodeId } = services.controller;
      if (Number(name) === nodeId) return null;
      return invalidRequest(`Unexpected broker id, expected ${nodeId}, but received ${name}`);
    }
    case ResourceType.GROUP:
      return name === '' ? invalidRequest('Default group resources are not allowed.') : null;
    case ResourceType.CLIENT_METRICS:
      return name === '' ? invalidRequest("Subscription name can't be empty") : null;
    default:
      return invalidRequest(`Unknown resource type ${resourceType}`);
  }
}

function topicView(
  configs: Readonly<Record<string, string>>,
  settings: BrokerSettings,
): ConfigView {
  return {
    configs: new Map(Object.entries(configs)),
    definition: topicConfig,
    effective: (name) => {
      const definition = topicConfig(name);
      return definition === undefined ? null : effectiveText(definition, configs, settings);
    },
  };
}

const KIND: Readonly<Record<number, ConfigResourceKind>> = {
  [ResourceType.BROKER]: 'broker',
  [ResourceType.GROUP]: 'group',
  [ResourceType.CLIENT_METRICS]: 'client-metrics',
};

async function applyToResource(
  resource: ResourceChange,
  services: AdminServices,
  options: { readonly validateOnly: boolean },
): Promise<ResourceRefusal | null> {
  const { resourceType, resourceName, change } = resource;
  const { settings, controller } = services;
  const kind = KIND[resourceType]!;
  // "+1" and "1" are one broker.
  const name =
    kind === 'broker' && resourceName !== '' ? String(Number(resourceName)) : resourceName;
  return controller.resourceConfigs.change(kind, name, async (current, store) => {
    const decision = change(resourceView(kind, current, settings));
    if ('errorCode' in decision) return decision;
    const { configs } = decision;
    const problem =
      kind === 'broker'
        ? brokerConfigProblem({ before: current, configs, isDefault: name === '' }, settings)
        : kind === 'group'
          ? groupConfigProblem(configs, settings)
          : clientMetricsConfigProblem(configs);
    if (problem !== null || options.validateOnly) return problem;
    await store(configs);
    if (kind === 'broker') {
      settings.applyDynamic(name === '' ? 'default' : 'broker', configs);
      await services.settingsChanged();
    }
    return null;
  });
}

function resourceView(
  kind: ConfigResourceKind,
  configs: ResourceConfigValues,
  settings: BrokerSettings,
): ConfigView {
  const definition = (name: string): ConfigDefinition | undefined => {
    if (kind === 'broker') return BROKER_CONFIGS.get(name) ?? DYNAMIC_ONLY_CONFIGS.get(name);
    return (kind === 'group' ? GROUP_CONFIGS : CLIENT_METRICS_CONFIGS).get(name);
  };
  return {
    configs,
    definition,
    effective: (name) =>
      configs.get(name) ??
      (kind === 'broker' ? settings.text(name) : null) ??
      definition(name)?.defaultText ??
      null,
  };
}

/** Dynamic in Kafka; here the sockets are bound once. */
const LISTENER_SETTINGS: ReadonlySet<string> = new Set([
  'listeners',
  'listener.security.protocol.map',
]);

/** Kafka's checks of dynamic broker configs. Names nobody knows are taken: plugins may read them. */
function brokerConfigProblem(
  change: {
    readonly before: ResourceConfigValues;
    readonly configs: ResourceConfigValues;
    readonly isDefault: boolean;
  },
  settings: BrokerSettings,
): ResourceRefusal | null {
  const { before, configs, isDefault } = change;
  const given = [...configs].map(([name, text]) => ({
    name,
    text,
    known: BROKER_CONFIGS.get(name),
  }));
  const fixed = given.filter(({ known }) => known?.update === 'read-only');
  if (fixed.length > 0) {
    const names = fixed.map(({ name }) => name).join(', ');
    return invalidRequest(`Cannot update these configs dynamically: [${names}]`);
  }
  const ofListener = given.filter(({ name }) => /^ssl\.(key|keystore|truststore)\./.test(name));
  if (ofListener.length > 0) {
    const names = ofListener.map(({ name }) => name).join(', ');
    return invalidRequest(
      `These security configs can be dynamically updated only per-listener using the listener prefix: [${names}]`,
    );
  }
  const perBroker = given.filter(({ known }) => isDefault && known?.update === 'per-broker');
  if (perBroker.length > 0) {
    const names = perBroker.map(({ name }) => name).join(', ');
    return invalidRequest(
      `Cannot update these configs at default cluster level, broker id must be specified: [${names}]`,
    );
  }
  const fixedHere = given.filter(
    ({ name, text }) => LISTENER_SETTINGS.has(name) && before.get(name) !== text,
  );
  if (fixedHere.length > 0) {
    return invalidRequest('Listeners cannot be changed while the broker runs.');
  }
  for (const { name, text, known } of given) {
    const definition = known ?? DYNAMIC_ONLY_CONFIGS.get(name);
    if (definition === undefined || before.get(name) === text) continue;
    const parsed = parseValue(definition, text);
    if (!parsed.ok) return invalidRequest(parsed.message);
  }
  return settingsProblem(settings, configs, isDefault);
}

/** Settings that are right each for itself may still not fit together: the typed values tell. */
function settingsProblem(
  settings: BrokerSettings,
  configs: ResourceConfigValues,
  isDefault: boolean,
): ResourceRefusal | null {
  try {
    settings.withDynamic(isDefault ? 'default' : 'broker', configs);
    return null;
  } catch (error) {
    return invalidRequest(messageOf(error));
  }
}

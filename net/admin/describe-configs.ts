/**
 * DescribeConfigs: every config of a resource with its value, where the value comes from, and the places it could have
 * come from (synonyms), the strongest first.
 */
import { topicNameProblem } from '../../cluster/topic-names.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { BROKER_CONFIGS, DYNAMIC_ONLY_CONFIGS } from '../settings/broker-configs.ts';
import { type BrokerSettings, ConfigSource } from '../settings/broker-settings.ts';
import {
  CONFIG_TYPE_CODES,
  type ConfigDefinition,
  normalizeText,
} from '../settings/config-definition.ts';
import {
  CLIENT_METRICS_CONFIGS,
  GROUP_CONFIGS,
  groupBrokerSetting,
} from '../settings/resource-definitions.ts';
import {
  effectiveText,
  TOPIC_CONFIGS,
  type TopicConfigValues,
  topicConfig,
} from '../settings/topic-configs.ts';
import type {
  DescribeConfigsRequest,
  describeConfigsResponse,
} from '../wire/api/describe-configs.ts';
import type { InferInput } from '../wire/message.ts';
import type { AdminHandler, AdminServices } from './admin-services.ts';
import {
  invalidRequest,
  isInteger,
  type ResourceRefusal,
  ResourceType,
  ROOT_LOGGER,
} from './config-resources.ts';
import { defaultMessage } from './error-messages.ts';

type Response = InferInput<typeof describeConfigsResponse>;
type Row = Response['results'][number];

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly synonyms: { name: string; value: string | null; source: number }[];
  readonly configType: number;
  readonly documentation: string | null;
}

/** Type of a config that nobody knows. */
const UNKNOWN_TYPE = 0;

export const handle: AdminHandler<DescribeConfigsRequest, Response> = async (request, services) => {
  const results = request.resources.map(
    ({ resourceType, resourceName, configurationKeys }): Row => {
      const entries = describeResource(resourceType, resourceName, services);
      if ('errorCode' in entries) {
        const { errorCode, message } = entries;
        return { errorCode, errorMessage: message, resourceType, resourceName, configs: [] };
      }
      const keys = configurationKeys ?? [];
      const wanted =
        keys.length === 0 ? entries : entries.filter((entry) => keys.includes(entry.name));
      return {
        errorCode: ErrorCode.NONE,
        errorMessage: '',
        resourceType,
        resourceName,
        configs: wanted.map((entry) => ({
          ...entry,
          synonyms: request.includeSynonyms ? entry.synonyms : [],
          documentation: request.includeDocumentation ? entry.documentation : null,
        })),
      };
    },
  );
  return { throttleTimeMs: 0, results };
};

function describeResource(
  type: number,
  name: string,
  services: AdminServices,
): ConfigEntry[] | ResourceRefusal {
  switch (type) {
    case ResourceType.TOPIC:
      return describeTopic(name, services);
    case ResourceType.BROKER:
      return describeBroker(name, services);
    case ResourceType.BROKER_LOGGER:
      return describeLogger(name, services);
    case ResourceType.GROUP:
      if (name === '') return invalidRequest('Group name must not be empty');
      return describeGroup(name, services);
    case ResourceType.CLIENT_METRICS:
      if (name === '') {
        return invalidRequest('Client metrics subscription name must not be empty');
      }
      return describeClientMetrics(name, services);
    default:
      return {
        errorCode: ErrorCode.INVALID_REQUEST,
        message: defaultMessage(ErrorCode.INVALID_REQUEST),
      };
  }
}

function describeTopic(name: string, services: AdminServices): ConfigEntry[] | ResourceRefusal {
  const problem = topicNameProblem(name);
  if (problem !== null) return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, message: problem };
  const topic = services.controller.topic(name);
  if (topic === undefined) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: '' };
  const { configs } = topic.record;
  const own = Object.keys(configs).filter((config) => !TOPIC_CONFIGS.has(config));
  return [...TOPIC_CONFIGS.keys(), ...own].map((config) =>
    describeTopicConfig(config, configs, services.settings),
  );
}

/** One config of a topic that has these configs of its own. */
export function describeTopicConfig(
  name: string,
  configs: TopicConfigValues,
  settings: BrokerSettings,
): ConfigEntry {
  const definition = topicConfig(name)!;
  const value = effectiveText(definition, configs, settings);
  const { brokerSetting } = definition;
  const synonyms: ConfigEntry['synonyms'] =
    brokerSetting === null ? [] : settings.places(brokerSetting).map((place) => ({ ...place }));
  if (configs[name] !== undefined) synonyms.unshift({ name, value, source: ConfigSource.TOPIC });
  return {
    name,
    value,
    readOnly: false,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    isSensitive: false,
    synonyms,
    configType: CONFIG_TYPE_CODES[definition.type],
    documentation: definition.documentation,
  };
}

function describeBroker(name: string, services: AdminServices): ConfigEntry[] | ResourceRefusal {
  const { settings, controller } = services;
  if (name === '') {
    return [...settings.dynamicDefault].map(([config, text]) => {
      const entry = describeBrokerConfig(config, settings);
      const ofCluster = entry.synonyms.filter(
        ({ source }) => source === ConfigSource.DYNAMIC_DEFAULT_BROKER,
      );
      return {
        ...entry,
        value: entry.isSensitive ? null : text,
        configSource: ConfigSource.DYNAMIC_DEFAULT_BROKER,
        synonyms: ofCluster,
      };
    });
  }
  const problem = brokerNameProblem(
    name,
    controller.nodeId,
    'expected',
    ' or empty string, but received',
  );
  if (problem !== null) return problem;
  const names = new Set([...BROKER_CONFIGS.keys(), ...settings.givenNames()]);
  return [...names].map((config) => describeBrokerConfig(config, settings));
}

function brokerNameProblem(
  name: string,
  nodeId: number,
  expected: string,
  received: string,
): ResourceRefusal | null {
  if (!isInteger(name)) return invalidRequest(`Broker id must be an integer, but it is: ${name}`);
  if (Number(name) === nodeId) return null;
  return invalidRequest(`Unexpected broker id, ${expected} ${nodeId}${received} ${name}`);
}

function describeBrokerConfig(name: string, settings: BrokerSettings): ConfigEntry {
  const definition = BROKER_CONFIGS.get(name) ?? DYNAMIC_ONLY_CONFIGS.get(name);
  const isSensitive = definition === undefined || definition.type === 'password';
  const shown = (text: string | null): string | null => (isSensitive ? null : text);
  const synonyms = settings.places(name).map((place) => ({ ...place, value: shown(place.value) }));
  const own = settings.text(name);
  const text = own === null || definition === undefined ? own : normalizeText(definition, own);
  return {
    name,
    value: shown(text),
    readOnly: definition === undefined || definition.update === 'read-only',
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    isSensitive,
    synonyms,
    configType: definition === undefined ? UNKNOWN_TYPE : CONFIG_TYPE_CODES[definition.type],
    documentation: null,
  };
}

function describeLogger(name: string, services: AdminServices): ConfigEntry[] | ResourceRefusal {
  if (name === '') return invalidRequest('Broker id must not be empty');
  const problem = brokerNameProblem(name, services.controller.nodeId, 'expected', ' but received');
  if (problem !== null) return problem;
  return [
    {
      name: ROOT_LOGGER,
      value: services.logLevel.get(),
      readOnly: false,
      configSource: ConfigSource.DYNAMIC_BROKER_LOGGER,
      isSensitive: false,
      synonyms: [],
      configType: UNKNOWN_TYPE,
      documentation: '',
    },
  ];
}

function describeGroup(name: string, services: AdminServices): ConfigEntry[] {
  const { controller, settings } = services;
  const configs = controller.resourceConfigs.get('group', name);
  return [...GROUP_CONFIGS.values()].map((definition) => {
    const brokerSetting = groupBrokerSetting(definition.name);
    const inherited =
      brokerSetting === null
        ? [{ name: definition.name, value: definition.defaultText!, source: ConfigSource.DEFAULT }]
        : settings.places(brokerSetting).map((place) => ({ ...place }));
    return entryOf(definition, configs.get(definition.name), ConfigSource.GROUP, inherited);
  });
}

function describeClientMetrics(name: string, services: AdminServices): ConfigEntry[] {
  const configs = services.controller.resourceConfigs.get('client-metrics', name);
  return [...CLIENT_METRICS_CONFIGS.values()].map((definition) =>
    entryOf(definition, configs.get(definition.name), ConfigSource.CLIENT_METRICS, []),
  );
}

function entryOf(
  definition: ConfigDefinition,
  own: string | undefined,
  source: ConfigSource,
  inherited: ConfigEntry['synonyms'],
): ConfigEntry {
  const value = own === undefined ? null : normalizeText(definition, own);
  const synonyms =
    value === null ? inherited : [{ name: definition.name, value, source }, ...inherited];
  return {
    name: definition.name,
    value: value ?? inherited[0]?.value ?? definition.defaultText,
    readOnly: false,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    isSensitive: false,
    synonyms,
    configType: CONFIG_TYPE_CODES[definition.type],
    documentation: null,
  };
}

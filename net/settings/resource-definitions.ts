/**
 * The configs of consumer, share and streams groups and of client metrics subscriptions: definitions and validation,
 * with Kafka's words. Groups fall back to the broker setting of the same name behind `group.`.
 *
 * Main thread; pure but for the settings it reads.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { BROKER_CONFIGS } from './broker-configs.ts';
import type { BrokerSettings } from './broker-settings.ts';
import { type ConfigDefinition, parseDefinitions, parseValue } from './config-definition.ts';

function byName(table: string): ReadonlyMap<string, ConfigDefinition> {
  return new Map(parseDefinitions(table).map((definition) => [definition.name, definition]));
}

export const GROUP_CONFIGS = byName(`
consumer.assignment.interval.ms int 1000 0.. -
consumer.heartbeat.interval.ms int 5000 1.. -
consumer.session.timeout.ms int 45000 1.. -
share.assignment.interval.ms int 1000 0.. -
share.auto.offset.reset string latest - -
share.delivery.count.limit int 5 2.. -
share.heartbeat.interval.ms int 5000 1.. -
share.isolation.level string read_uncommitted read_committed|read_uncommitted -
share.partition.max.record.locks int 2000 100.. -
share.record.lock.duration.ms int 30000 1000.. -
share.renew.acknowledge.enable boolean true - -
share.session.timeout.ms int 45000 1.. -
streams.assignment.interval.ms int 1000 0.. -
streams.heartbeat.interval.ms int 5000 1.. -
streams.initial.rebalance.delay.ms int 3000 0.. -
streams.num.standby.replicas int 0 0.. -
streams.session.timeout.ms int 45000 1.. -
`);

export const CLIENT_METRICS_CONFIGS = byName(`
interval.ms int 300000 - -
match list "" - -
metrics list "" - -
`);

export interface ConfigProblem {
  readonly errorCode: ErrorCode;
  readonly message: string;
}

/** Group config to the broker settings that bound it: at least, at most. */
const GROUP_BOUNDS: readonly (readonly [config: string, min: string | null, max: string | null])[] =
  [
    bounds('consumer', 'heartbeat.interval.ms'),
    bounds('consumer', 'session.timeout.ms'),
    bounds('consumer', 'assignment.interval.ms'),
    bounds('share', 'heartbeat.interval.ms'),
    bounds('share', 'session.timeout.ms'),
    bounds('share', 'assignment.interval.ms'),
    bounds('share', 'delivery.count.limit'),
    bounds('share', 'record.lock.duration.ms'),
    bounds('share', 'partition.max.record.locks'),
    bounds('streams', 'heartbeat.interval.ms'),
    bounds('streams', 'session.timeout.ms'),
    bounds('streams', 'assignment.interval.ms'),
    ['streams.num.standby.replicas', null, 'group.streams.max.standby.replicas'],
  ];

function bounds(kind: string, what: string): readonly [string, string, string] {
  return [`${kind}.${what}`, `group.${kind}.min.${what}`, `group.${kind}.max.${what}`];
}

/** The broker setting that stands in for a group config, or null. */
export function groupBrokerSetting(name: string): string | null {
  const setting = `group.${name}`;
  return BROKER_CONFIGS.has(setting) ? setting : null;
}

export function groupConfigProblem(
  configs: ReadonlyMap<string, string>,
  settings: BrokerSettings,
): ConfigProblem | null {
  const problem = valueProblem(configs, GROUP_CONFIGS, (name) => ({
    errorCode: ErrorCode.INVALID_CONFIG,
    message: `Unknown group config name: ${name}`,
  }));
  if (problem !== null) return problem;
  const reset = configs.get('share.auto.offset.reset')?.trim();
  if (reset !== undefined && !isOffsetReset(reset)) {
    const name = 'share.auto.offset.reset';
    const message = `Invalid value ${reset} for configuration ${name}: Invalid value \`${reset}\` for configuration ${name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`;
    return { errorCode: ErrorCode.INVALID_CONFIG, message };
  }
  for (const [name, minSetting, maxSetting] of GROUP_BOUNDS) {
    const text = configs.get(name);
    if (text === undefined) continue;
    const value = Number(text);
    if (minSetting !== null && value < Number(settings.text(minSetting))) {
      const message = `${name} must be greater than or equal to ${minSetting}`;
      return { errorCode: ErrorCode.INVALID_CONFIG, message };
    }
    if (maxSetting !== null && value > Number(settings.text(maxSetting))) {
      const message = `${name} must be less than or equal to ${maxSetting}`;
      return { errorCode: ErrorCode.INVALID_CONFIG, message };
    }
  }
  return null;
}

/** An ISO 8601 duration as Java reads it, or one of the two words. */
function isOffsetReset(text: string): boolean {
  if (text === 'earliest' || text === 'latest') return true;
  return /^by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/i.test(text);
}

const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 3_600_000;
const MATCHABLE: ReadonlySet<string> = new Set([
  'client_id',
  'client_instance_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]);

export function clientMetricsConfigProblem(
  configs: ReadonlyMap<string, string>,
): ConfigProblem | null {
  const problem = valueProblem(configs, CLIENT_METRICS_CONFIGS, (name) => ({
    errorCode: ErrorCode.INVALID_REQUEST,
    message: `Unknown client metrics configuration: ${name}`,
  }));
  if (problem !== null) return problem;
  const interval = configs.get('interval.ms');
  if (interval !== undefined) {
    const value = Number(interval);
    if (value < INTERVAL_MS_MIN || value > INTERVAL_MS_MAX) {
      const message = `Invalid value ${value} for interval.ms, interval must be between ${INTERVAL_MS_MIN} and ${INTERVAL_MS_MAX} (1 hour)`;
      return { errorCode: ErrorCode.INVALID_REQUEST, message };
    }
  }
  const match = configs.get('match')?.trim() ?? '';
  if (match === '') return null;
  for (const pattern of match.split(/\s*,\s*/)) {
    const [name, expression, ...rest] = pattern.split('=');
    const isPattern = expression !== undefined && rest.length === 0 && isRegExp(expression);
    if (!isPattern || !MATCHABLE.has(name!.trim())) {
      const message = `Illegal client matching pattern: ${pattern}`;
      return { errorCode: ErrorCode.INVALID_CONFIG, message };
    }
  }
  return null;
}

function isRegExp(text: string): boolean {
  try {
    return new RegExp(text) !== null;
  } catch {
    return false;
  }
}

function valueProblem(
  configs: ReadonlyMap<string, string>,
  definitions: ReadonlyMap<string, ConfigDefinition>,
  unknown: (name: string) => ConfigProblem,
): ConfigProblem | null {
  for (const [name, text] of configs) {
    const definition = definitions.get(name);
    if (definition === undefined) return unknown(name);
    const parsed = parseValue(definition, text);
    if (!parsed.ok) return { errorCode: ErrorCode.INVALID_CONFIG, message: parsed.message };
  }
  return null;
}

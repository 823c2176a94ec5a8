/**
 * The settings of one broker, in layers as Kafka has them: dynamic ones of this broker, dynamic ones of the whole
 * cluster, those it was started with, defaults. `values` are the typed outcome; `lookup` tells where a value comes from,
 * for DescribeConfigs. Main thread; a net thread gets `values` as plain data.
 *
 * Those it is started with come from flags, environment and one file in Java properties syntax; flags win over the
 * environment, the environment over the file. A wrong or unknown one ends in one clear line, never in a guess.
 */
import { readFileSync } from 'node:fs';
import { MillraceError, messageOf } from '../../engine/base/errors.ts';
import { BROKER_CONFIGS, REMOVED_SETTINGS, settingSynonyms } from './broker-configs.ts';
import { type ConfigDefinition, type ConfigValue, parseValue } from './config-definition.ts';
import { parseProperties } from './properties.ts';
import { settingError } from './setting-error.ts';
import { computeSettingValues, type SettingValues } from './setting-values.ts';
import { startupWarnings } from './startup-warnings.ts';
import { nearestName } from './suggestion.ts';

export interface SettingSources {
  /** Path of a file in Java properties syntax. */
  readonly file?: string;
  /** `name=value` each. */
  readonly flags?: readonly string[];
  /** Environment variables; MILLRACE_LOG_RETENTION_HOURS sets log.retention.hours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Settings given in code (startBroker's `settings`); they win over all others. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Where a value stands, as DescribeConfigs numbers it. */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  DYNAMIC_BROKER_LOGGER: 6,
  CLIENT_METRICS: 7,
  GROUP: 8,
} as const;
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

/** One place in which a setting, or one it falls back to, has a value. */
export interface SettingPlace {
  readonly name: string;
  readonly value: string;
  readonly source: ConfigSource;
}

type Layer = ReadonlyMap<string, string>;
const EMPTY: Layer = new Map();

export class BrokerSettings {
  /** The typed values as they stand now; replaced, never changed, by a dynamic change. */
  values: SettingValues;
  /** Grows by one with every change, so that what was derived from settings can tell it is stale. */
  version = 0;
  /** One line for each setting that is known but not honoured although it would change what the broker does. */
  readonly warnings: readonly string[];
  readonly #static: Map<string, string>;
  #dynamicDefault: Layer = EMPTY;
  #dynamicBroker: Layer = EMPTY;

  constructor(settings: ReadonlyMap<string, string>, notes: readonly string[] = []) {
    this.#static = new Map(settings);
    this.values = computeSettingValues(this);
    this.warnings = [...notes, ...startupWarnings(this)];
  }

  /** The text of a setting as it stands, without those it falls back to; null when it has none. */
  text(name: string): string | null {
    return (
      this.#dynamicBroker.get(name) ??
      this.#dynamicDefault.get(name) ??
      this.#static.get(name) ??
      BROKER_CONFIGS.get(name)?.defaultText ??
      null
    );
  }

  /** The parsed value of a setting; null when it has none. */
  value(name: string): ConfigValue | null {
    const text = this.text(name);
    if (text === null) return null;
    const definition = BROKER_CONFIGS.get(name);
    if (definition === undefined) return text;
    const parsed = parseValue(definition, text);
    if (!parsed.ok) throw settingError(name, text, parsed.allowed);
    return parsed.value;
  }

  /** Whether the setting was given at start or dynamically, rather than left at its default. */
  isGiven(name: string): boolean {
    return (
      this.#dynamicBroker.has(name) || this.#dynamicDefault.has(name) || this.#static.has(name)
    );
  }

  /**
   * Where the setting and those it falls back to have values, the strongest first, as DescribeConfigs lists synonyms:
   * layer by layer, and nothing before the first place that has the setting itself.
   */
  places(name: string): SettingPlace[] {
    const synonyms = settingSynonyms(name);
    const places: SettingPlace[] = [];
    const collect = (layer: Layer, source: ConfigSource): void => {
      for (const synonym of synonyms) {
        const value = layer.get(synonym);
        if (value !== undefined) places.push({ name: synonym, value, source });
      }
    };
    collect(this.#dynamicBroker, ConfigSource.DYNAMIC_BROKER);
    collect(this.#dynamicDefault, ConfigSource.DYNAMIC_DEFAULT_BROKER);
    collect(this.#static, ConfigSource.STATIC_BROKER);
    for (const synonym of synonyms) {
      const value = BROKER_CONFIGS.get(synonym)?.defaultText ?? null;
      if (value !== null) places.push({ name: synonym, value, source: ConfigSource.DEFAULT });
    }
    const first = places.findIndex((place) => place.name === name);
    return first < 0 ? [] : places.slice(first);
  }

  /** The dynamic settings of the whole cluster. */
  get dynamicDefault(): Layer {
    return this.#dynamicDefault;
  }

  /** The dynamic settings of this broker. */
  get dynamicBroker(): Layer {
    return this.#dynamicBroker;
  }

  /** The names this broker was started with, unknown dynamic ones included. */
  givenNames(): Set<string> {
    return new Set([
      ...this.#static.keys(),
      ...this.#dynamicDefault.keys(),
      ...this.#dynamicBroker.keys(),
    ]);
  }

  /** Replaces a dynamic layer and recomputes `values`. The caller has validated it. */
  applyDynamic(scope: 'default' | 'broker', layer: ReadonlyMap<string, string>): void {
    if (scope === 'default') this.#dynamicDefault = new Map(layer);
    else this.#dynamicBroker = new Map(layer);
    this.values = computeSettingValues(this);
    this.version++;
  }

  /** These settings with another dynamic layer. Throws `setting` when they do not fit together. */
  withDynamic(scope: 'default' | 'broker', layer: ReadonlyMap<string, string>): BrokerSettings {
    const copy = new BrokerSettings(this.#static);
    copy.#dynamicDefault = scope === 'default' ? layer : this.#dynamicDefault;
    copy.#dynamicBroker = scope === 'broker' ? layer : this.#dynamicBroker;
    copy.values = computeSettingValues(copy);
    return copy;
  }

  /** Fixes the identity and the data directory in use, so that they are described like given ones. */
  applyIdentity(nodeId: number, dataDir: string | null): void {
    this.#static.set('node.id', String(nodeId));
    this.#static.set('broker.id', String(nodeId));
    if (dataDir !== null) this.#static.set('log.dirs', dataDir);
    this.values = computeSettingValues(this);
    this.version++;
  }
}

/** Throws MillraceError code `setting` with one line that names the setting, its value and what is allowed. */
export function loadSettings(sources: SettingSources = {}): BrokerSettings {
  const notes: string[] = [];
  const settings = new Map<string, string>();
  if (sources.file !== undefined) loadFile(sources.file, settings, notes);
  if (sources.env !== undefined) loadEnvironment(sources.env, settings);
  for (const flag of sources.flags ?? []) {
    const equals = flag.indexOf('=');
    if (equals <= 0) {
      throw new MillraceError('setting', `"${flag}": a setting is given as name=value`, {
        setting: flag,
        value: null,
      });
    }
    accept(flag.slice(0, equals).trim(), flag.slice(equals + 1), undefined, settings, notes);
  }
  for (const [name, value] of Object.entries(sources.settings ?? {})) {
    accept(name, value, undefined, settings, notes);
  }
  return new BrokerSettings(settings, notes);
}

function loadFile(path: string, settings: Map<string, string>, notes: string[]): void {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new MillraceError(
      'setting',
      `settings file ${path} cannot be read: ${messageOf(error)}`,
      { setting: 'file', value: path },
      error,
    );
  }
  for (const { name, value, line } of parseProperties(text)) {
    accept(name, value, `${path}:${line}`, settings, notes);
  }
}

/**
 * What Kubernetes puts into the environment of every pod beside a service that is called `millrace`; not settings.
 */
const SERVICE_VARIABLE = /^MILLRACE_(SERVICE_(HOST|PORT)|PORT)(_|$)/;

function loadEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  settings: Map<string, string>,
): void {
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || !variable.startsWith('MILLRACE_')) continue;
    if (SERVICE_VARIABLE.test(variable)) continue;
    const plain = variable.slice('MILLRACE_'.length).toLowerCase().replaceAll('_', '.');
    const name = BROKER_CONFIGS.has(plain) ? plain : `millrace.${plain}`;
    if (!BROKER_CONFIGS.has(name)) throw unknownSetting(plain, variable);
    check(BROKER_CONFIGS.get(name)!, value, variable);
    settings.set(name, value);
  }
}

function accept(
  name: string,
  value: string,
  source: string | undefined,
  settings: Map<string, string>,
  notes: string[],
): void {
  const definition = BROKER_CONFIGS.get(name);
  if (definition !== undefined) {
    check(definition, value, source);
    settings.set(name, value);
    return;
  }
  const prefixed = /^listener\.name\.[^.]+\.(.+)$/.exec(name);
  if (prefixed !== null) {
    notes.push(`setting ${name} has no effect: listeners have no settings of their own yet`);
    return;
  }
  if (REMOVED_SETTINGS.has(name)) {
    notes.push(`setting ${name} has no effect: it belongs to Kafka before 4.0`);
    return;
  }
  throw unknownSetting(name, source);
}

function check(definition: ConfigDefinition, value: string, source: string | undefined): void {
  const parsed = parseValue(definition, value);
  if (!parsed.ok) {
    const shown = definition.type === 'password' ? '[hidden]' : value;
    throw settingError(definition.name, shown, allowedValues(definition), source);
  }
}

function unknownSetting(name: string, source: string | undefined): MillraceError {
  const where = source === undefined ? '' : ` (${source})`;
  const nearest = nearestName(name, BROKER_CONFIGS.keys());
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`;
  return new MillraceError('setting', `unknown setting ${name}${where}${hint}`, {
    setting: name,
    value: null,
  });
}

/** In words, what a setting takes. */
function allowedValues(definition: ConfigDefinition): string {
  const rule = definition.rule;
  switch (definition.type) {
    case 'boolean':
      return 'true or false';
    case 'int':
    case 'short':
    case 'long':
    case 'double': {
      const kind = definition.type === 'double' ? 'a number' : 'a whole number';
      if (rule.kind === 'range-or') return `${rule.or}, or ${kind} from ${rule.min} to ${rule.max}`;
      const limits = { int: 2 ** 31 - 1, short: 2 ** 15 - 1, long: Infinity, double: Infinity };
      const max = Math.min(rule.kind === 'range' ? rule.max : Infinity, limits[definition.type]);
      const from = rule.kind === 'range' ? ` from ${rule.min}` : '';
      return `${kind}${from}${max === Infinity ? '' : ` to ${max}`}`;
    }
    default:
      if (rule.kind === 'one-of') {
        const several = definition.type === 'list' ? ' (several separated by commas)' : '';
        return `${rule.words.join(', ')}${several}`;
      }
      return rule.kind === 'not-empty' ? 'a text that is not empty' : 'any text';
  }
}

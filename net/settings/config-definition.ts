/**
 * What a config is: name, type, default and which values it takes; and the one way to read a value from text. Types,
 * rules and the wording of every refusal are those of Kafka's ConfigDef, because clients and tools show them to people.
 *
 * Any thread; pure.
 */
import { assert } from '../../engine/base/assert.ts';

export type ConfigType =
  | 'boolean'
  | 'string'
  | 'int'
  | 'short'
  | 'long'
  | 'double'
  | 'list'
  | 'class'
  | 'password';

/** How DescribeConfigs numbers the types. */
export const CONFIG_TYPE_CODES: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
};

/** Whether a running broker may change it, and at which level. */
type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide';

/** Which values are taken, beyond what the type says. */
type ValueRule =
  | { readonly kind: 'any' }
  | { readonly kind: 'range'; readonly min: number; readonly max: number }
  /** A range, or one value outside it (compression.gzip.level: 1 to 9, or -1). */
  | { readonly kind: 'range-or'; readonly min: number; readonly max: number; readonly or: number }
  | { readonly kind: 'one-of'; readonly words: readonly string[]; readonly ignoreCase: boolean }
  | { readonly kind: 'not-empty' }
  /** `*`, or a list of partition:broker. */
  | { readonly kind: 'throttled-replicas' };

export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigType;
  /** null: none; the config is then absent (null) unless it is set. */
  readonly defaultText: string | null;
  readonly rule: ValueRule;
  readonly update: UpdateMode;
}

/** Infinity stands for the largest value of a long, which Kafka uses for "never" and "without limit". */
export type ConfigValue = boolean | number | string | readonly string[];

export type ParsedValue =
  | { readonly ok: true; readonly value: ConfigValue }
  /** `message` is Kafka's sentence, `allowed` only its part about what would be right. */
  | { readonly ok: false; readonly message: string; readonly allowed: string };

const LONG_MAX = '9223372036854775807';
const LONG_MIN = '9223372036854775808';
const INT_MAX = 2 ** 31;
const SHORT_MAX = 2 ** 15;

/** Reads a value of this config from text. */
export function parseValue(definition: ConfigDefinition, text: string): ParsedValue {
  const trimmed = text.trim();
  switch (definition.type) {
    case 'boolean': {
      const word = trimmed.toLowerCase();
      if (word === 'true' || word === 'false') return { ok: true, value: word === 'true' };
      return refuse(definition, text, 'Expected value to be either true or false');
    }
    case 'int':
    case 'short':
    case 'long': {
      const value = parseInteger(trimmed, definition.type);
      if (value === null) {
        return refuse(definition, text, `Not a number of type ${definition.type.toUpperCase()}`);
      }
      return checkNumber(definition, value);
    }
    case 'double': {
      const value = parseDouble(trimmed);
      if (value === null) return refuse(definition, text, 'Not a number of type DOUBLE');
      return checkNumber(definition, value);
    }
    case 'list': {
      const items = trimmed === '' ? [] : trimmed.split(/\s*,\s*/);
      return checkList(definition, items);
    }
    case 'class':
    case 'password':
    case 'string':
      return checkString(definition, definition.type === 'password' ? text : trimmed);
  }
}

/** A value as Kafka prints it back. */
export function formatValue(definition: ConfigDefinition, value: ConfigValue): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'number') return formatNumber(value, definition.type);
  return String(value);
}

/** The text as Kafka prints it back after parsing: numbers without signs and blanks, lists without gaps. */
export function normalizeText(definition: ConfigDefinition, text: string): string {
  const parsed = parseValue(definition, text);
  return parsed.ok ? formatValue(definition, parsed.value) : text;
}

function refuse(definition: ConfigDefinition, shown: string, why: string): ParsedValue {
  return {
    ok: false,
    message: `Invalid value ${shown} for configuration ${definition.name}: ${why}`,
    allowed: why,
  };
}

function checkNumber(definition: ConfigDefinition, value: number): ParsedValue {
  const rule = definition.rule;
  if (rule.kind === 'range') {
    const shown = formatNumber(value, definition.type);
    if (value < rule.min) return refuse(definition, shown, `Value must be at least ${rule.min}`);
    if (value > rule.max) {
      return refuse(definition, shown, `Value must be no more than ${rule.max}`);
    }
  } else if (rule.kind === 'range-or') {
    if ((value < rule.min || value > rule.max) && value !== rule.or) {
      const why = `Value must be between ${rule.min} and ${rule.max} or equal to ${rule.or}`;
      return refuse(definition, formatNumber(value, definition.type), why);
    }
  }
  return { ok: true, value };
}

function checkList(definition: ConfigDefinition, items: readonly string[]): ParsedValue {
  const rule = definition.rule;
  if (rule.kind === 'one-of') {
    for (const item of items) {
      if (!rule.words.includes(item)) {
        return refuse(definition, item, `String must be one of: ${rule.words.join(', ')}`);
      }
    }
  } else if (rule.kind === 'throttled-replicas') {
    const isAll = items.length === 1 && items[0] === '*';
    if (!isAll && !items.every((item) => /^\d+:\d+$/.test(item))) {
      const form = '[partitionId]:[brokerId],[partitionId]:[brokerId],...';
      return refuse(
        definition,
        `[${items.join(', ')}]`,
        `${definition.name} must be the literal '*' or a list of replicas in the following format: ${form}`,
      );
    }
  }
  return { ok: true, value: items };
}

function checkString(definition: ConfigDefinition, value: string): ParsedValue {
  const rule = definition.rule;
  if (rule.kind === 'one-of') {
    const known = rule.ignoreCase
      ? rule.words.some((word) => word.toLowerCase() === value.toLowerCase())
      : rule.words.includes(value);
    if (!known) {
      const how = rule.ignoreCase
        ? 'String must be one of (case insensitive)'
        : 'String must be one of';
      return refuse(definition, value, `${how}: ${rule.words.join(', ')}`);
    }
  } else if (rule.kind === 'not-empty' && value === '') {
    return refuse(definition, value, 'String must be non-empty');
  }
  return { ok: true, value };
}

/** Java's parseInt, parseShort and parseLong: a sign, decimal digits, in range. Null when it is not one. */
function parseInteger(text: string, type: 'int' | 'short' | 'long'): number | null {
  const match = /^([+-]?)(\d+)$/.exec(text);
  if (match === null) return null;
  const isNegative = match[1] === '-';
  const digits = match[2]!.replace(/^0+(?=\d)/, '');
  if (type === 'long') {
    const bound = isNegative ? LONG_MIN : LONG_MAX;
    if (digits.length > bound.length || (digits.length === bound.length && digits > bound))
      return null;
    if (digits === bound) return isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    return isNegative ? 0 - Number(digits) : Number(digits);
  }
  const max = type === 'int' ? INT_MAX : SHORT_MAX;
  const value = isNegative ? 0 - Number(digits) : Number(digits);
  return value < -max || value >= max ? null : value;
}

/** Java's parseDouble, without its hexadecimal form. */
function parseDouble(text: string): number | null {
  if (/^[+-]?NaN$/.test(text)) return Number.NaN;
  if (/^[+-]?Infinity$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/.test(text)) return null;
  return Number(text.replace(/[dDfF]$/, ''));
}

function formatNumber(value: number, type: ConfigType): string {
  if (type === 'long') {
    if (value === Number.POSITIVE_INFINITY) return LONG_MAX;
    if (value === Number.NEGATIVE_INFINITY) return `-${LONG_MIN}`;
  }
  return type === 'double' ? formatDouble(value) : String(value);
}

/** Java's Double.toString: always a fraction, and an exponent `E` from 10^7 and below 10^-3. */
function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) {
    const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
    return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
  }
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

/**
 * Reads definitions from a table of text, one a line: name, type, default, rule, update mode. `-` is "none",
 * `""` the empty text. Rules: `0..`, `1..9`, `1..9|-1`, `a|b|c`, `~a|b` (ignoring case), `nonempty`.
 */
export function parseDefinitions(table: string): ConfigDefinition[] {
  const definitions: ConfigDefinition[] = [];
  for (const line of table.split('\n')) {
    if (line === '') continue;
    const [name, type, defaultText, rule, update] = line.split(' ');
    assert(update !== undefined, `config table: a line has too few columns: ${line}`);
    definitions.push({
      name: name!,
      type: type as ConfigType,
      defaultText: defaultText === '-' ? null : defaultText === '""' ? '' : defaultText!,
      rule: parseRule(rule!),
      update: update === 'ro' ? 'read-only' : update === 'broker' ? 'per-broker' : 'cluster-wide',
    });
  }
  return definitions;
}

function parseRule(text: string): ValueRule {
  if (text === '-') return { kind: 'any' };
  if (text === 'nonempty') return { kind: 'not-empty' };
  if (text === 'throttled') return { kind: 'throttled-replicas' };
  const range = /^(-?\d+)\.\.(\d*)(?:\|(-?\d+))?$/.exec(text);
  if (range !== null) {
    const min = Number(range[1]);
    const max = range[2] === '' ? Number.POSITIVE_INFINITY : Number(range[2]);
    if (range[3] === undefined) return { kind: 'range', min, max };
    return { kind: 'range-or', min, max, or: Number(range[3]) };
  }
  const ignoreCase = text.startsWith('~');
  return { kind: 'one-of', words: (ignoreCase ? text.slice(1) : text).split('|'), ignoreCase };
}

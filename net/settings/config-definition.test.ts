import { describe, expect, test } from 'vitest';
import {
  type ConfigType,
  formatValue,
  normalizeText,
  parseDefinitions,
  parseValue,
} from './config-definition.ts';

function parse(type: ConfigType, rule: string, text: string): unknown {
  const [definition] = parseDefinitions(`a.b ${type} - ${rule} ro`);
  const parsed = parseValue(definition!, text);
  return parsed.ok ? parsed.value : parsed.message;
}

describe('config values', () => {
  test.each([
    ['int', '-', ' 7 ', 7],
    ['int', '-', '+7', 7],
    ['int', '-', '007', 7],
    ['int', '-', '2147483647', 2147483647],
    [
      'int',
      '-',
      '2147483648',
      'Invalid value 2147483648 for configuration a.b: Not a number of type INT',
    ],
    ['int', '-', '-2147483648', -2147483648],
    ['int', '-', '0x10', 'Invalid value 0x10 for configuration a.b: Not a number of type INT'],
    ['int', '-', '1.5', 'Invalid value 1.5 for configuration a.b: Not a number of type INT'],
    ['int', '-', '', 'Invalid value  for configuration a.b: Not a number of type INT'],
    [
      'short',
      '-',
      '32768',
      'Invalid value 32768 for configuration a.b: Not a number of type SHORT',
    ],
    ['long', '-', '9223372036854775807', Number.POSITIVE_INFINITY],
    ['long', '-', '-9223372036854775808', Number.NEGATIVE_INFINITY],
    [
      'long',
      '-',
      '9223372036854775808',
      'Invalid value 9223372036854775808 for configuration a.b: Not a number of type LONG',
    ],
    ['long', '1..', '0', 'Invalid value 0 for configuration a.b: Value must be at least 1'],
    ['int', '1..17', '18', 'Invalid value 18 for configuration a.b: Value must be no more than 17'],
    ['int', '1..9|-1', '-1', -1],
    [
      'int',
      '1..9|-1',
      '0',
      'Invalid value 0 for configuration a.b: Value must be between 1 and 9 or equal to -1',
    ],
    ['double', '-', '.5', 0.5],
    ['double', '-', '1e-1', 0.1],
    ['double', '-', '1d', 1],
    ['double', '-', 'NaN', Number.NaN],
    [
      'double',
      '0..1',
      '2',
      'Invalid value 2.0 for configuration a.b: Value must be no more than 1',
    ],
    [
      'double',
      '-',
      '0x1p3',
      'Invalid value 0x1p3 for configuration a.b: Not a number of type DOUBLE',
    ],
    ['boolean', '-', 'TRUE', true],
    [
      'boolean',
      '-',
      'yes',
      'Invalid value yes for configuration a.b: Expected value to be either true or false',
    ],
    ['list', 'x|y', ' x , y ', ['x', 'y']],
    ['list', 'x|y', '', []],
    ['list', 'x|y', 'x,z', 'Invalid value z for configuration a.b: String must be one of: x, y'],
    ['string', 'x|y', 'X', 'Invalid value X for configuration a.b: String must be one of: x, y'],
    ['string', '~X|Y', 'x', 'x'],
    ['string', 'nonempty', ' ', 'Invalid value  for configuration a.b: String must be non-empty'],
    ['password', '-', ' secret ', ' secret '],
    ['list', 'throttled', '*', ['*']],
    ['list', 'throttled', '0:1,1:2', ['0:1', '1:2']],
  ] as const)('%s (%s) reads "%s" as Kafka does', (type, rule, text, expected) => {
    expect(parse(type, rule, text)).toEqual(expected);
  });

  test.each([
    ['double', 0.5, '0.5'],
    ['double', 2, '2.0'],
    ['double', 1e-4, '1.0E-4'],
    ['double', 12345678, '1.2345678E7'],
    ['double', Number.MAX_VALUE, '1.7976931348623157E308'],
    ['long', Number.POSITIVE_INFINITY, '9223372036854775807'],
    ['long', -1, '-1'],
    ['boolean', true, 'true'],
    ['list', ['x', 'y'], 'x,y'],
  ] as const)('%s %s is printed as Kafka prints it', (type, value, expected) => {
    const [definition] = parseDefinitions(`a.b ${type} - - ro`);
    expect(formatValue(definition!, value)).toBe(expected);
    expect(normalizeText(definition!, expected)).toBe(expected);
  });
});

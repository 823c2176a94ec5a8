/**
 * The value that a field has where a version lacks it, or where the caller left it out: the default that the
 * schema gives, or else the zero of its type. Tagged fields are written only when they differ from it.
 *
 * Any thread; pure.
 */

import { ZERO_UUID } from '../../engine/base/uuid.ts';
import type { FieldSchema, FieldsSchema } from './schema.ts';

type Struct = Readonly<Record<string, unknown>>;

const NO_BYTES = new Uint8Array(0);

/** The value of a field that is not there. */
export interface Default {
  make(): unknown;
  isEqual(value: unknown): boolean;
  /** Whether `make` always returns the same immutable value. */
  readonly isShared: boolean;
}

/** The default of `field`: the one its schema gives, or the one its type has. */
export function defaultOf(field: FieldSchema): Default {
  const given = field.options.default;
  if (given !== undefined) return sharedDefault(given);
  switch (field.type) {
    case 'bool':
      return sharedDefault(false);
    case 'string':
      return sharedDefault('');
    case 'uuid':
      return sharedDefault(ZERO_UUID);
    case 'records':
      return sharedDefault(null);
    case 'bytes':
      return {
        make: () => NO_BYTES,
        isEqual: (value) => value instanceof Uint8Array && value.length === 0,
        isShared: true,
      };
    case 'array':
      return {
        make: () => [],
        isEqual: (value) => Array.isArray(value) && value.length === 0,
        isShared: false,
      };
    case 'struct':
      return structDefault(field.fields!);
    default:
      return sharedDefault(0);
  }
}

function sharedDefault(fallback: unknown): Default {
  return { make: () => fallback, isEqual: (value) => value === fallback, isShared: true };
}

function structDefault(fields: FieldsSchema): Default {
  const members = Object.entries(fields).map(([name, field]) => ({
    name,
    default: defaultOf(field),
  }));
  return {
    make: () => Object.fromEntries(members.map((member) => [member.name, member.default.make()])),
    isEqual: (value) =>
      value !== null &&
      members.every((member) => {
        const field = (value as Struct)[member.name];
        return field === undefined || member.default.isEqual(field);
      }),
    isShared: false,
  };
}

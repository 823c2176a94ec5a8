/**
 * Messages as JSON, in the form that Kafka's own tools use: field names as in the schema, bytes and records in
 * base64, UUIDs in base64url. For golden files, logs and debugging; nothing here is fast.
 *
 * Any thread; pure.
 */

import { defaultOf } from './defaults.ts';
import type { MessageCodec } from './message.ts';
import { type FieldSchema, type FieldsSchema, hasVersion } from './schema.ts';
import { WireError } from './wire-error.ts';

type Struct = Readonly<Record<string, unknown>>;

/**
 * The value that `json` describes, complete: as decoding it at `version` would give it. Fields that are left out, and those
 * that the version lacks, have their defaults. Throws `WireError` 'invalid-value' for a field that is unknown or of the
 * wrong type.
 */
export function fromJson(message: MessageCodec, json: unknown, version: number): unknown {
  return structFromJson(message.fields, json, version, message.name);
}

/** What `value` says at `version`: fields the version lacks and tagged fields with their default are left out. */
export function toJson(message: MessageCodec, value: unknown, version: number): unknown {
  return structToJson(message.fields, value as Struct, version);
}

function structFromJson(
  fields: FieldsSchema,
  json: unknown,
  version: number,
  path: string,
): Struct {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new WireError('invalid-value', `${path}: an object is wanted`);
  }
  for (const name of Object.keys(json)) {
    if (!Object.hasOwn(fields, name)) {
      throw new WireError('invalid-value', `${path}: there is no field '${name}'`);
    }
  }
  const struct: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = (json as Struct)[name];
    struct[name] =
      value === undefined || !hasVersion(field.versions, version)
        ? defaultOf(field).make()
        : fieldFromJson(field, value, version, `${path}.${name}`);
  }
  return struct;
}

function fieldFromJson(field: FieldSchema, json: unknown, version: number, path: string): unknown {
  if (json === null) return null;
  if (field.type === 'struct') return structFromJson(field.fields!, json, version, path);
  if (field.type !== 'array') return scalarFromJson(field.type, json, path);
  if (!Array.isArray(json)) throw new WireError('invalid-value', `${path}: an array is wanted`);
  return json.map((element: unknown, index) => {
    const at = `${path}[${index}]`;
    return field.element === null
      ? structFromJson(field.fields!, element, version, at)
      : scalarFromJson(field.element, element, at);
  });
}

const JSON_TYPES = { bool: 'boolean', string: 'string', uuid: 'string', bytes: 'string' } as const;

function scalarFromJson(type: string, json: unknown, path: string): unknown {
  const isBytes = type === 'bytes' || type === 'records';
  const wanted = isBytes ? 'string' : (JSON_TYPES[type as keyof typeof JSON_TYPES] ?? 'number');
  if (typeof json !== wanted)
    throw new WireError('invalid-value', `${path}: a ${wanted} is wanted`);
  return isBytes ? Buffer.from(json as string, 'base64') : json;
}

function structToJson(fields: FieldsSchema, struct: Struct, version: number): Struct {
  const json: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!hasVersion(field.versions, version)) continue;
    const value = struct[name] === undefined ? defaultOf(field).make() : struct[name];
    if (field.options.tag !== undefined && defaultOf(field).isEqual(value)) continue;
    json[name] = fieldToJson(field, value, version);
  }
  return json;
}

function fieldToJson(field: FieldSchema, value: unknown, version: number): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value === null || field.fields === null) return value;
  if (field.type === 'struct') return structToJson(field.fields, value as Struct, version);
  const fields = field.fields;
  return (value as readonly Struct[]).map((element) => structToJson(fields, element, version));
}

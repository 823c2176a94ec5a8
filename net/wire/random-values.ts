/**
 * Random messages of any schema, reproducible from a generator: for property tests and fuzzing. A value is complete and
 * valid at its version: what a decoder would return for it, so that encoding and decoding must give it back.
 *
 * Any thread.
 */

import type { Prng } from '../../engine/base/prng.ts';
import { uuidFromBytes } from '../../engine/base/uuid.ts';
import { defaultOf } from './defaults.ts';
import type { MessageCodec } from './message.ts';
import { type FieldSchema, type FieldsSchema, hasVersion, type ScalarName } from './schema.ts';

/** A random value of `message` at `version`. */
export function randomValue<T, I>(message: MessageCodec<T, I>, version: number, random: Prng): T {
  return randomStruct(message.fields, version, random) as T;
}

function randomStruct(fields: FieldsSchema, version: number, random: Prng): unknown {
  const struct: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    struct[name] = randomField(field, version, random);
  }
  return struct;
}

function randomField(field: FieldSchema, version: number, random: Prng): unknown {
  const isLeftOut = field.options.tag !== undefined && random.chance(0.5);
  if (!hasVersion(field.versions, version) || isLeftOut) return defaultOf(field).make();
  if (hasVersion(field.options.nullable, version) && random.chance(0.25)) return null;
  if (field.type === 'struct') return randomStruct(field.fields!, version, random);
  if (field.type !== 'array') return randomScalar(field.type, random);
  return Array.from({ length: randomCount(random) }, () =>
    field.element === null
      ? randomStruct(field.fields!, version, random)
      : randomScalar(field.element, random),
  );
}

/** Small mostly; past 127 now and then, where a count takes two bytes. */
function randomCount(random: Prng): number {
  return random.chance(0.01) ? random.between(120, 200) : random.below(4);
}

function randomScalar(type: ScalarName, random: Prng): unknown {
  switch (type) {
    case 'bool':
      return random.chance(0.5);
    case 'int8':
      return random.between(-0x80, 0x7f);
    case 'int16':
      return random.between(-0x8000, 0x7fff);
    case 'uint16':
      return random.between(0, 0xffff);
    case 'int32':
      return random.uint32() | 0;
    case 'uint32':
      return random.uint32();
    case 'int64':
      return randomInt64(random);
    case 'float64':
      return (random.float() - 0.5) * 2 ** random.between(-1000, 1000);
    case 'string':
      return randomString(random);
    case 'uuid':
      return uuidFromBytes(randomBytes(16, random));
    case 'bytes':
    case 'records':
      return randomBytes(random.chance(0.1) ? random.below(20_000) : random.below(200), random);
  }
}

/** The exact range, with its edges and small numbers likelier than chance. */
function randomInt64(random: Prng): number {
  if (random.chance(0.3)) return random.between(-2, 2);
  if (random.chance(0.1)) return random.pick([2 ** 53, -(2 ** 53), 2 ** 32, -(2 ** 32), 2 ** 31]);
  const value = random.below(Number.MAX_SAFE_INTEGER);
  return random.chance(0.5) ? value : -value - 1;
}

const ALPHABETS = ['a', 'abcdefghijklmnopqrstuvwxyz.-_0123456789', 'aé', 'ü€ π', '🦀a'];

function randomString(random: Prng): string {
  const characters = [...random.pick(ALPHABETS)];
  const count = random.chance(0.05) ? random.below(300) : random.below(40);
  let text = '';
  for (let index = 0; index < count; index++) text += random.pick(characters);
  return text;
}

/** A `Buffer`, as a reader over a `Buffer` returns. */
function randomBytes(size: number, random: Prng): Buffer {
  const bytes = Buffer.alloc(size);
  random.fill(bytes);
  return bytes;
}

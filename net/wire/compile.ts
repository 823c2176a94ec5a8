/**
 * Turns the schema of a message into a codec for one version: a tree of small objects in which everything that
 * depends on the version (which fields there are, which may be null, fixed or compact lengths) is decided
 * beforehand. The rules are those of Kafka's message generator: what a left-out field becomes, when a value for
 * a field that the version lacks is an error, how tagged fields are ordered and sized, how null is written.
 *
 * Any thread. The few messages that travel for every batch have codecs written by hand, in `hot/`.
 */

import { type Default, defaultOf } from './defaults.ts';
import type { Reader } from './reader.ts';
import { HEAP_SCALARS, scalarCodec, type ValueCodec } from './scalar-codecs.ts';
import { type FieldSchema, type FieldsSchema, hasVersion } from './schema.ts';
import { failMalformed, WireError } from './wire-error.ts';
import type { Writer } from './writer.ts';

/** What is decided for the whole message. */
export interface Scope {
  readonly version: number;
  readonly isFlexible: boolean;
  /** Name of the message and the fields above, for error messages. */
  readonly path: string;
}

type Struct = Record<string, unknown>;

/** Compiles a struct, or a whole message, which is one. */
export function compileStruct(fields: FieldsSchema, scope: Scope): ValueCodec {
  const present: PresentField[] = [];
  const tagged: TaggedField[] = [];
  const absent: AbsentField[] = [];
  const blank = new Blank();
  for (const [name, field] of Object.entries(fields)) {
    const path = `${scope.path}.${name}`;
    const { tag, ignorable } = field.options;
    const fallback = defaultOf(field);
    if (!hasVersion(field.versions, scope.version)) {
      if (ignorable !== true) absent.push({ name, path, fallback });
      blank.addDefault(name, fallback);
    } else if (tag === undefined) {
      present.push({ name, fallback, codec: compileField(field, { ...scope, path }) });
      blank.addPlace(name, fallback);
    } else {
      tagged.push({ name, tag, fallback, codec: compileField(field, { ...scope, path }) });
      blank.addDefault(name, fallback);
    }
  }
  const plain = new PlainStruct(scope, { present, absent, blank });
  if (!scope.isFlexible) return plain;
  tagged.sort((a, b) => a.tag - b.tag);
  return new FlexibleStruct(plain, tagged);
}

interface PresentField {
  readonly name: string;
  readonly fallback: Default;
  readonly codec: ValueCodec;
}

interface TaggedField extends PresentField {
  readonly tag: number;
}

interface AbsentField {
  readonly name: string;
  readonly path: string;
  readonly fallback: Default;
}

/** Makes the objects that a struct decodes to: one shape for all of them, with the defaults filled in. */
class Blank {
  readonly #template: Struct = {};
  readonly #made: { name: string; make: () => unknown }[] = [];

  /** A field that every decoding sets; this only gives it its place in the shape. */
  addPlace(name: string, fallback: Default): void {
    this.#template[name] = fallback.isShared ? fallback.make() : null;
  }

  addDefault(name: string, fallback: Default): void {
    this.addPlace(name, fallback);
    if (!fallback.isShared) this.#made.push({ name, make: fallback.make });
  }

  make(): Struct {
    const struct = { ...this.#template };
    for (const { name, make } of this.#made) struct[name] = make();
    return struct;
  }
}

/** A struct of a version without tagged fields, or what goes before those. */
class PlainStruct implements ValueCodec {
  readonly bytesMin: number;
  readonly #scope: Scope;
  // Columns instead of a list of fields: the loops below run for every struct of every message.
  readonly #names: readonly string[];
  readonly #codecs: readonly ValueCodec[];
  readonly #fallbacks: readonly Default[];
  readonly #absent: readonly AbsentField[];
  readonly #blank: Blank;

  constructor(
    scope: Scope,
    parts: { present: readonly PresentField[]; absent: readonly AbsentField[]; blank: Blank },
  ) {
    this.bytesMin = parts.present.reduce((sum, { codec }) => sum + codec.bytesMin, 0);
    this.#scope = scope;
    this.#names = parts.present.map(({ name }) => name);
    this.#codecs = parts.present.map(({ codec }) => codec);
    this.#fallbacks = parts.present.map(({ fallback }) => fallback);
    this.#absent = parts.absent;
    this.#blank = parts.blank;
  }

  read(reader: Reader): Struct {
    const struct = this.#blank.make();
    const names = this.#names;
    const codecs = this.#codecs;
    for (let index = 0; index < names.length; index++) {
      struct[names[index]!] = codecs[index]!.read(reader);
    }
    return struct;
  }

  write(writer: Writer, value: unknown): void {
    if (typeof value !== 'object' || value === null) {
      throw new WireError('invalid-value', `${this.#scope.path}: ${value} where a struct must be`);
    }
    const struct = value as Struct;
    const names = this.#names;
    const codecs = this.#codecs;
    for (let index = 0; index < names.length; index++) {
      const field = struct[names[index]!];
      codecs[index]!.write(writer, field === undefined ? this.#fallbacks[index]!.make() : field);
    }
    for (const { name, path, fallback } of this.#absent) {
      const field = struct[name];
      if (field !== undefined && !fallback.isEqual(field)) {
        throw new WireError(
          'unsupported-version',
          `${path} is set, and version ${this.#scope.version} has no such field`,
        );
      }
    }
  }
}

/** A struct of a flexible version: a section of tagged fields follows the others. */
class FlexibleStruct implements ValueCodec {
  readonly bytesMin: number;
  readonly #plain: PlainStruct;
  readonly #tagged: readonly TaggedField[];

  constructor(plain: PlainStruct, tagged: readonly TaggedField[]) {
    this.bytesMin = plain.bytesMin + 1;
    this.#plain = plain;
    this.#tagged = tagged;
  }

  read(reader: Reader): Struct {
    const struct = this.#plain.read(reader);
    if (this.#tagged.length === 0) reader.skipTags();
    else this.#readTags(reader, struct);
    return struct;
  }

  #readTags(reader: Reader, struct: Struct): void {
    const count = reader.unsignedVarint();
    for (let index = 0; index < count; index++) {
      const tag = reader.unsignedVarint();
      const size = reader.unsignedVarint();
      const from = reader.at;
      const field = this.#tagged.find((known) => known.tag === tag);
      if (field === undefined) reader.skip(size);
      else {
        struct[field.name] = field.codec.read(reader);
        if (reader.at !== from + size)
          failMalformed(`tagged field ${tag} does not have ${size} bytes`);
      }
    }
  }

  write(writer: Writer, value: unknown): void {
    this.#plain.write(writer, value);
    const struct = value as Struct;
    let count = 0;
    for (const field of this.#tagged) if (isSet(struct, field)) count++;
    writer.unsignedVarint(count);
    if (count === 0) return;
    for (const field of this.#tagged) {
      if (!isSet(struct, field)) continue;
      writer.unsignedVarint(field.tag);
      const mark = writer.beginSized();
      field.codec.write(writer, struct[field.name]);
      writer.endSized(mark);
    }
  }
}

function isSet(struct: Struct, field: TaggedField): boolean {
  const value = struct[field.name];
  return value !== undefined && !field.fallback.isEqual(value);
}

function compileField(field: FieldSchema, scope: Scope): ValueCodec {
  const isNullable = hasVersion(field.options.nullable, scope.version);
  if (field.type === 'struct') {
    const codec = compileStruct(field.fields!, scope);
    return isNullable ? nullableStruct(codec) : codec;
  }
  if (field.type === 'array') {
    const element =
      field.element === null
        ? compileStruct(field.fields!, scope)
        : scalarCodec(field.element, false, scope.isFlexible);
    const isNumeric = field.element !== null && !HEAP_SCALARS.has(field.element);
    return arrayCodec(element, { isNullable, isNumeric, scope });
  }
  const codec = scalarCodec(
    field.type,
    isNullable,
    scope.isFlexible && field.options.neverCompact !== true,
  );
  return isNullable ? codec : refuseNull(codec, scope.path);
}

/** A nullable struct has a byte before it: 1 when it follows, -1 when it is null. */
function nullableStruct(codec: ValueCodec): ValueCodec {
  return {
    read(reader) {
      return reader.int8() < 0 ? null : codec.read(reader);
    },
    write(writer, value) {
      writer.int8(value === null ? -1 : 1);
      if (value !== null) codec.write(writer, value);
    },
    bytesMin: 1,
  };
}

function refuseNull(codec: ValueCodec, path: string): ValueCodec {
  return {
    read: codec.read,
    write(writer, value) {
      if (value === null) {
        throw new WireError('invalid-value', `${path}: null where a value must be`);
      }
      codec.write(writer, value);
    },
    bytesMin: codec.bytesMin,
  };
}

interface ArrayRules {
  readonly isNullable: boolean;
  /** Elements that need no heap object of their own. */
  readonly isNumeric: boolean;
  readonly scope: Scope;
}

function arrayCodec(element: ValueCodec, { isNullable, isNumeric, scope }: ArrayRules): ValueCodec {
  const { isFlexible, path } = scope;
  const elementBytesMin = element.bytesMin;
  return {
    read(reader) {
      const count = isFlexible
        ? reader.compactCount(elementBytesMin)
        : reader.count(elementBytesMin);
      if (count < 0)
        return isNullable ? null : failMalformed(`${path}: null where an array must be`);
      if (!isNumeric) reader.spend(count);
      const values: unknown[] = [];
      for (let index = 0; index < count; index++) values.push(element.read(reader));
      return values;
    },
    write(writer, value) {
      if (value === null ? !isNullable : !Array.isArray(value)) {
        throw new WireError('invalid-value', `${path}: ${value} where an array must be`);
      }
      const values = value as readonly unknown[] | null;
      const count = values === null ? -1 : values.length;
      if (isFlexible) writer.compactCount(count);
      else writer.count(count);
      for (let index = 0; index < count; index++) element.write(writer, values![index]);
    },
    bytesMin: isFlexible ? 1 : 4,
  };
}

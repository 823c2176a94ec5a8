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
import { type FieldSchema, type FieldsSchema, hasVersion, type ScalarName } from './schema.ts';
import { failMalformed, WireError } from './wire-error.ts';
import type { Writer } from './writer.ts';

/** Reads and writes the value of one field at one version. */
export interface ValueCodec {
  read(reader: Reader): unknown;
  write(writer: Writer, value: unknown): void;
  /** The fewest bytes that any value takes, for checking counts before anything is allocated. */
  readonly bytesMin: number;
}

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
  const names: string[] = [];
  const codecs: ValueCodec[] = [];
  const defaults: Default[] = [];
  const absent: AbsentField[] = [];
  const tagged: TaggedField[] = [];
  let bytesMin = 0;
  const blank = new Blank();
  for (const name of Object.keys(fields)) {
    const field = fields[name]!;
    const path = `${scope.path}.${name}`;
    const fallback = defaultOf(field);
    const isPresent = hasVersion(field.versions, scope.version);
    if (isPresent && field.options.tag === undefined) {
      const codec = compileField(field, { ...scope, path });
      names.push(name);
      codecs.push(codec);
      defaults.push(fallback);
      bytesMin += codec.bytesMin;
      blank.addPlace(name, fallback);
    } else {
      if (isPresent) {
        const codec = compileField(field, { ...scope, path });
        tagged.push({ name, tag: field.options.tag!, codec, default: fallback });
      } else if (field.options.ignorable !== true) absent.push({ name, path, default: fallback });
      blank.addDefault(name, fallback);
    }
  }
  if (!scope.isFlexible)
    return new PlainStruct(scope, names, codecs, defaults, absent, bytesMin, blank);
  tagged.sort((a, b) => a.tag - b.tag);
  return new FlexibleStruct(
    new PlainStruct(scope, names, codecs, defaults, absent, bytesMin, blank),
    tagged,
  );
}

interface AbsentField {
  readonly name: string;
  readonly path: string;
  readonly default: Default;
}

interface TaggedField {
  readonly name: string;
  readonly tag: number;
  readonly codec: ValueCodec;
  readonly default: Default;
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

class PlainStruct implements ValueCodec {
  readonly bytesMin: number;
  readonly #scope: Scope;
  readonly #names: readonly string[];
  readonly #codecs: readonly ValueCodec[];
  readonly #defaults: readonly Default[];
  readonly #absent: readonly AbsentField[];
  readonly #blank: Blank;

  constructor(
    scope: Scope,
    names: readonly string[],
    codecs: readonly ValueCodec[],
    defaults: readonly Default[],
    absent: readonly AbsentField[],
    bytesMin: number,
    blank: Blank,
  ) {
    this.#scope = scope;
    this.#names = names;
    this.#codecs = codecs;
    this.#defaults = defaults;
    this.#absent = absent;
    this.bytesMin = bytesMin;
    this.#blank = blank;
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
      codecs[index]!.write(writer, field === undefined ? this.#defaults[index]!.make() : field);
    }
    for (const { name, path, default: fallback } of this.#absent) {
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
  return value !== undefined && !field.default.isEqual(value);
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

const HEAP_SCALARS: ReadonlySet<ScalarName> = new Set(['string', 'uuid', 'bytes', 'records']);

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

function scalarCodec(type: ScalarName, isNullable: boolean, isCompact: boolean): ValueCodec {
  if (type === 'string') return STRING_CODECS[isNullable ? 1 : 0]![isCompact ? 1 : 0]!;
  if (type === 'bytes' || type === 'records') {
    return BYTES_CODECS[isNullable ? 1 : 0]![isCompact ? 1 : 0]!;
  }
  return FIXED_CODECS[type];
}

function codecOf<T>(
  bytesMin: number,
  read: (reader: Reader) => T,
  write: (writer: Writer, value: T) => void,
): ValueCodec {
  return { bytesMin, read, write: write as ValueCodec['write'] };
}

const FIXED_CODECS: Record<Exclude<ScalarName, 'string' | 'bytes' | 'records'>, ValueCodec> = {
  bool: codecOf(
    1,
    (reader) => reader.bool(),
    (writer, value) => writer.bool(value),
  ),
  int8: codecOf(
    1,
    (reader) => reader.int8(),
    (writer, value) => writer.int8(value),
  ),
  int16: codecOf(
    2,
    (reader) => reader.int16(),
    (writer, value) => writer.int16(value),
  ),
  uint16: codecOf(
    2,
    (reader) => reader.uint16(),
    (writer, value) => writer.uint16(value),
  ),
  int32: codecOf(
    4,
    (reader) => reader.int32(),
    (writer, value) => writer.int32(value),
  ),
  uint32: codecOf(
    4,
    (reader) => reader.uint32(),
    (writer, value) => writer.uint32(value),
  ),
  int64: codecOf(
    8,
    (reader) => reader.int64(),
    (writer, value) => writer.int64(value),
  ),
  float64: codecOf(
    8,
    (reader) => reader.float64(),
    (writer, value) => writer.float64(value),
  ),
  uuid: codecOf(
    16,
    (reader) => reader.uuid(),
    (writer, value) => writer.uuid(value),
  ),
};

/** [nullable][compact] */
const STRING_CODECS = [
  [
    codecOf(
      2,
      (reader) => reader.string(),
      (writer, value) => writer.string(value),
    ),
    codecOf(
      1,
      (reader) => reader.compactString(),
      (writer, value) => writer.compactString(value),
    ),
  ],
  [
    codecOf(
      2,
      (reader) => reader.nullableString(),
      (writer, value) => writer.nullableString(value),
    ),
    codecOf(
      1,
      (reader) => reader.compactNullableString(),
      (writer, value) => writer.compactNullableString(value),
    ),
  ],
];

/** [nullable][compact] */
const BYTES_CODECS = [
  [
    codecOf(
      4,
      (reader) => reader.bytes(),
      (writer, value) => writer.sizedBytes(value),
    ),
    codecOf(
      1,
      (reader) => reader.compactBytes(),
      (writer, value) => writer.compactBytes(value),
    ),
  ],
  [
    codecOf(
      4,
      (reader) => reader.nullableBytes(),
      (writer, value) => writer.nullableBytes(value),
    ),
    codecOf(
      1,
      (reader) => reader.compactNullableBytes(),
      (writer, value) => writer.compactNullableBytes(value),
    ),
  ],
];

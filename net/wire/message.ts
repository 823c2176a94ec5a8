/**
 * A message: its schema, and codecs for its versions, each compiled when it is first used (a broker sees few of
 * the ~500 versions there are). Every file of `api/` and `records/` declares its messages with `message()`.
 *
 * Any thread; a codec keeps no state between calls.
 */

import { compileStruct } from './compile.ts';
import type { Reader } from './reader.ts';
import type { ValueCodec } from './scalar-codecs.ts';
import type { Fields, ReadOf, WriteOf } from './schema.ts';
import { WireError } from './wire-error.ts';
import type { Writer } from './writer.ts';

/** Reads and writes one kind of message at any of its versions. `T` is what is read, `I` what may be written. */
export interface MessageCodec<T = unknown, I = T> {
  readonly name: string;
  /** Null for messages that are not requests or responses. */
  readonly apiKey: number | null;
  readonly versions: readonly [min: number, max: number];
  /** First version with compact lengths and tagged fields; Infinity when none has them. */
  readonly flexibleFrom: number;
  readonly fields: Fields;
  /**
   * Decodes one message from the reader's position; the reader stands behind it afterwards. Fields of type
   * bytes and records are views into the input unless the reader copies. Throws `WireError`.
   */
  read(reader: Reader, version: number): T;
  /** Encodes `value` behind what the writer holds. Throws `WireError`, then the writer's tail is undefined. */
  write(writer: Writer, value: I, version: number): void;
}

/** The type that a message decodes to. */
export type Infer<M> = M extends MessageCodec<infer T, infer _> ? T : never;

/** The type that a message is encoded from: as `Infer`, with all that has a default optional. */
export type InferInput<M> = M extends MessageCodec<infer _, infer I> ? I : never;

export interface MessageDefinition<F extends Fields> {
  readonly name: string;
  readonly apiKey?: number;
  readonly versions: readonly [min: number, max: number];
  /** First flexible version; left out when there is none. */
  readonly flexible?: number;
  readonly fields: F;
}

/** Declares a message. */
export function message<const F extends Fields>(
  definition: MessageDefinition<F>,
): MessageCodec<ReadOf<F>, WriteOf<F>> {
  return new Message(definition);
}

class Message<F extends Fields> implements MessageCodec<ReadOf<F>, WriteOf<F>> {
  readonly name: string;
  readonly apiKey: number | null;
  readonly versions: readonly [min: number, max: number];
  readonly flexibleFrom: number;
  readonly fields: F;
  readonly #codecs: (ValueCodec | undefined)[];

  constructor(definition: MessageDefinition<F>) {
    this.name = definition.name;
    this.apiKey = definition.apiKey ?? null;
    this.versions = definition.versions;
    this.flexibleFrom = definition.flexible ?? Number.POSITIVE_INFINITY;
    this.fields = definition.fields;
    this.#codecs = new Array(definition.versions[1] + 1).fill(undefined);
  }

  read(reader: Reader, version: number): ReadOf<F> {
    return this.#codec(version).read(reader) as ReadOf<F>;
  }

  write(writer: Writer, value: WriteOf<F>, version: number): void {
    this.#codec(version).write(writer, value);
  }

  #codec(version: number): ValueCodec {
    return this.#codecs[version] ?? this.#compile(version);
  }

  #compile(version: number): ValueCodec {
    const [min, max] = this.versions;
    if (!Number.isInteger(version) || version < min || version > max) {
      throw new WireError(
        'unsupported-version',
        `${this.name} has versions ${min} to ${max}, not ${version}`,
      );
    }
    const codec = compileStruct(this.fields, {
      version,
      isFlexible: version >= this.flexibleFrom,
      path: this.name,
    });
    this.#codecs[version] = codec;
    return codec;
  }
}

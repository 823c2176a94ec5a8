/**
 * The language in which the files of `api/` and `records/` describe messages: one function per wire type, each
 * taking the versions that have the field and, where they apply, its options. Field order is wire order, and
 * tagged fields stand where Kafka lists them. The TypeScript types of a message are inferred from its fields.
 *
 *   rack: string('1+', { nullable: '1+', default: null, ignorable: true })
 *   brokers: array('0+', { nodeId: int32('0+'), host: string('0+'), port: int32('0+') })
 *
 * Any thread; pure data. `compile.ts` turns it into a codec for one version.
 */

/** Versions that have something: `3+` from 3 on, `0-12` both included, `4` only that one. */
export type Versions = `${number}+` | `${number}-${number}` | `${number}`;

/** The types that are one value on the wire, with the type that stands for each here. */
export interface ScalarTypes {
  bool: boolean;
  int8: number;
  int16: number;
  uint16: number;
  int32: number;
  uint32: number;
  /** Exact within +-2^53, the nearest double outside. */
  int64: number;
  float64: number;
  string: string;
  /** 22 characters of base64url. */
  uuid: string;
  /** When read: a view into the input, not a copy. */
  bytes: Uint8Array;
  /** Record batches, as `bytes`. */
  records: Uint8Array;
}
export type ScalarName = keyof ScalarTypes;

/** The largest int64 as a default: 2^63 here, which is written as 2^63 - 1. */
export const INT64_MAX = 2 ** 63;

export interface FieldOptions<T = unknown> {
  /** Versions in which the field may be null. */
  readonly nullable?: Versions;
  /** Number of a tagged field: present on the wire only when it differs from its default. */
  readonly tag?: number;
  /** Value where the version has no such field, or where a caller leaves it out. Else 0, '', false, [] ... */
  readonly default?: T | null;
  /** A value set for a version without the field is dropped; otherwise that is an error. */
  readonly ignorable?: true;
  /** Keeps the old form with a fixed-size length also in flexible versions (one field in the protocol). */
  readonly neverCompact?: true;
}

/** What a field says at run time. */
export interface FieldSchema {
  readonly type: ScalarName | 'array' | 'struct';
  readonly versions: Versions;
  readonly options: FieldOptions;
  /** Element of an array when it is one value, else null. */
  readonly element: ScalarName | null;
  /** Fields of a struct, or of each element of an array of structs. */
  readonly fields: FieldsSchema | null;
}
export type FieldsSchema = { readonly [name: string]: FieldSchema };

/** `Read` is the type a decoded field has, `Write` the one accepted, `Needed` whether it must be given. */
export interface Field<Read, Write, Needed extends boolean> extends FieldSchema {
  /** Never set: carries the types only. */
  readonly types?: { readonly read: Read; readonly write: Write; readonly needed: Needed };
}
// biome-ignore lint/suspicious/noExplicitAny: the bound that any field satisfies, whatever it reads and writes
export type AnyField = Field<any, any, boolean>;
export type Fields = { readonly [name: string]: AnyField };

type TypesOf<F extends AnyField> = NonNullable<F['types']>;
type NeededKeys<F extends Fields> = {
  [K in keyof F]: TypesOf<F[K]>['needed'] extends true ? K : never;
}[keyof F];

/** A decoded struct: every field of every version, those absent from the version with their defaults. */
export type ReadOf<F extends Fields> = { -readonly [K in keyof F]: TypesOf<F[K]>['read'] };

/** A struct to encode: fields with a default, tagged ones and those not in all versions may be left out. */
export type WriteOf<F extends Fields> = {
  readonly [K in NeededKeys<F>]: TypesOf<F[K]>['write'];
} & {
  readonly [K in Exclude<keyof F, NeededKeys<F>>]?: TypesOf<F[K]>['write'] | undefined;
};

type OrNull<T, O> = O extends { readonly nullable: Versions } ? T | null : T;
type IsNeeded<V, O> = O extends { readonly default: unknown } | { readonly tag: number }
  ? false
  : V extends '0+'
    ? true
    : false;
type None = Record<never, never>;

function field(
  type: FieldSchema['type'],
  versions: Versions,
  options: FieldOptions | undefined,
  element: ScalarName | null,
  fields: FieldsSchema | null,
): FieldSchema {
  return { type, versions, options: options ?? {}, element, fields };
}

function scalar<N extends ScalarName>(type: N) {
  type T = ScalarTypes[N];
  return <const V extends Versions, const O extends FieldOptions<T> = None>(
    versions: V,
    options?: O,
  ): Field<OrNull<T, O>, OrNull<T, O>, IsNeeded<V, O>> =>
    field(type, versions, options, null, null) as Field<OrNull<T, O>, OrNull<T, O>, IsNeeded<V, O>>;
}

export const bool = scalar('bool');
export const int8 = scalar('int8');
export const int16 = scalar('int16');
export const uint16 = scalar('uint16');
export const int32 = scalar('int32');
export const uint32 = scalar('uint32');
export const int64 = scalar('int64');
export const float64 = scalar('float64');
export const string = scalar('string');
export const uuid = scalar('uuid');
export const bytes = scalar('bytes');
export const records = scalar('records');

type Element = ScalarName | Fields;
type ReadElement<E> = E extends ScalarName ? ScalarTypes[E] : E extends Fields ? ReadOf<E> : never;
type WriteElement<E> = E extends ScalarName
  ? ScalarTypes[E]
  : E extends Fields
    ? WriteOf<E>
    : never;

/** An array of one scalar type, named, or of structs, given by their fields. */
export function array<
  const V extends Versions,
  const E extends Element,
  const O extends FieldOptions<never> = None,
>(
  versions: V,
  element: E,
  options?: O,
): Field<OrNull<ReadElement<E>[], O>, OrNull<readonly WriteElement<E>[], O>, IsNeeded<V, O>> {
  const isScalar = typeof element === 'string';
  return field(
    'array',
    versions,
    options,
    isScalar ? element : null,
    isScalar ? null : (element as Fields),
  ) as Field<OrNull<ReadElement<E>[], O>, OrNull<readonly WriteElement<E>[], O>, IsNeeded<V, O>>;
}

/** A struct within a struct. Its default is the struct of its fields' defaults, or null. */
export function struct<
  const V extends Versions,
  const F extends Fields,
  const O extends FieldOptions<never> = None,
>(
  versions: V,
  fields: F,
  options?: O,
): Field<OrNull<ReadOf<F>, O>, OrNull<WriteOf<F>, O>, IsNeeded<V, O>> {
  return field('struct', versions, options, null, fields) as Field<
    OrNull<ReadOf<F>, O>,
    OrNull<WriteOf<F>, O>,
    IsNeeded<V, O>
  >;
}

/** Whether `versions` (none: never) holds `version`. */
export function hasVersion(versions: Versions | undefined, version: number): boolean {
  if (versions === undefined) return false;
  if (versions.endsWith('+')) return version >= Number(versions.slice(0, -1));
  const dash = versions.indexOf('-');
  if (dash < 0) return version === Number(versions);
  return version >= Number(versions.slice(0, dash)) && version <= Number(versions.slice(dash + 1));
}

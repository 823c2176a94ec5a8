/**
 * The WebAssembly binary format, version 1, as far as the kernels of this folder need it: opcodes, numbers,
 * sections. Functions are lists of bytes, composed like text. With threads, bulk memory, SIMD and several
 * memories, all of which Node has had since long before 24.
 */

const I32 = 0x7f;
const FUNC = 0x60;
export const BLOCK_VOID = [0x02, 0x40];
export const LOOP_VOID = [0x03, 0x40];
export const IF_VOID = [0x04, 0x40];
export const END = 0x0b;
export const BR = 0x0c;
export const BR_IF = 0x0d;
export const RETURN = 0x0f;
export const SELECT = 0x1b;
export const I32_EQZ = 0x45;
export const I32_LT_U = 0x49;
export const I32_ADD = 0x6a;
export const I32_SUB = 0x6b;
export const I32_AND = 0x71;
export const I32_XOR = 0x73;
export const I32_SHL = 0x74;
export const I32_SHR_U = 0x76;
export const V128_XOR = [0xfd, 0x51];

/** An unsigned number in LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const group = rest & 0x7f;
    const isLast = (rest >> 7 === 0 && (group & 0x40) === 0) || (rest >> 7 === -1 && group & 0x40);
    bytes.push(isLast ? group : group | 0x80);
    if (isLast) return bytes;
  }
}

/** A name: its length, then its characters. */
function text(value: string): number[] {
  return [value.length, ...Buffer.from(value, 'latin1')];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** A list with its count in front. */
function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

/** A function of 32-bit integers. */
export interface WasmFunction {
  /** What it is exported as, if it is. */
  readonly name?: string;
  readonly parameters: number;
  readonly results: 0 | 1;
  /** Locals behind the parameters. */
  readonly locals: number;
  readonly code: readonly number[];
}

export const PAGE_BYTES = 65536;
/** Most pages of a 32-bit memory: an import accepts any size up to it. */
const PAGES_MAX = 65536;

/**
 * The binary of a module. Memory 0 is the shared one imported as `m.s` if `isShared`; the next is its own, of
 * `pages` pages of 64 KiB, exported as `own`. A function is called by its place in the list.
 */
export function wasmModule(
  isShared: boolean,
  pages: number,
  functions: readonly WasmFunction[],
): Uint8Array {
  const types = functions.map(({ parameters, results }) => [
    ...[FUNC, ...vector(Array.from({ length: parameters }, () => [I32]))],
    ...vector(Array.from({ length: results }, () => [I32])),
  ]);
  const imported = [...text('m'), ...text('s'), 0x02, 0x03, 0, ...unsigned(PAGES_MAX)];
  const exported = functions.flatMap(({ name }, index) =>
    name === undefined ? [] : [[...text(name), 0x00, index]],
  );
  const bodies = functions.map(({ locals, code }) => {
    const content = [...(locals === 0 ? [0] : [1, locals, I32]), ...code, END];
    return [...unsigned(content.length), ...content];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // '\0asm', version 1
    ...section(1, vector(types)),
    ...(isShared ? section(2, vector([imported])) : []),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(5, vector([[0x01, ...unsigned(pages), ...unsigned(pages)]])),
    ...section(7, vector([...exported, [...text('own'), 0x02, isShared ? 1 : 0]])),
    ...section(10, vector(bodies)),
  ]);
}

export const get = (local: number): number[] => [0x20, local];
export const set = (local: number): number[] => [0x21, local];
export const tee = (local: number): number[] => [0x22, local];
export const call = (index: number): number[] => [0x10, index];
export const constant = (value: number): number[] => [0x41, ...signed(value)];

/** Adds a constant to a local. */
export const add = (local: number, value: number): number[] => [
  ...[...get(local), ...constant(value), I32_ADD, ...set(local)],
];

/** Where an access goes: its memory and what is added to the address; no alignment is promised. */
function place(memory: number, offset: number): number[] {
  return [0x40, memory, ...unsigned(offset)];
}

export const load32 = (memory: number, offset: number): number[] => [
  0x28,
  ...place(memory, offset),
];
export const load8 = (memory: number, offset: number): number[] => [0x2d, ...place(memory, offset)];
export const store32 = (memory: number, offset: number): number[] => [
  ...[0x36, ...place(memory, offset)],
];
export const loadVector = (memory: number, offset: number): number[] => [
  ...[0xfd, 0x00, ...place(memory, offset)],
];
export const storeVector = (memory: number, offset: number): number[] => [
  ...[0xfd, 0x0b, ...place(memory, offset)],
];

/** To, from and size are on the stack. */
export const copyMemory = (to: number, from: number): number[] => [0xfc, 0x0a, to, from];
/** Address, value and size are on the stack. */
export const fillMemory = (memory: number): number[] => [0xfc, 0x0b, memory];

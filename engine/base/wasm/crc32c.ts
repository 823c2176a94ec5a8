/**
 * The checksum kernel in WebAssembly: CRC-32C with loads, XORs and stores of 16 bytes, from 64 KiB on two and a
 * half to three times as fast as a native module that uses the CPU's instruction (bench/kernels/format.bench.ts).
 *
 * A CRC is the remainder of the message, read as a polynomial over GF(2) whose highest coefficient is the
 * lowest bit of its first byte, modulo P. Adding any multiple of P changes nothing. P has a multiple of four
 * terms, each a power of whole bytes: with it the leading byte is cancelled by XORing it onto three bytes
 * behind it, at FAR's distances. Cancelling in turn, the byte `q` at p is what the message has there and what
 * was put there before, so
 *
 *   q[p] = message[p] ^ q[p - d1] ^ q[p - d2] ^ q[p - d3]
 *
 * and 16 of them are made at once, as every distance is larger. What is left is a remainder as long as the
 * largest distance, 5.4 KB. NEAR, a multiple of six terms, folds that to 418 bytes in the same way, and tables
 * (crc32c-kernel.ts) do the rest. Larger distances are faster: loads wait less often for stores just before.
 *
 * The idea of folding by sparse multiples is Chorba's (Russell, 2024, for the other CRC-32); multiples of the
 * Castagnoli polynomial were searched for by meeting in the middle, and the best of those measured taken.
 */

import { assert } from '../assert.ts';
import { CRC_OWN_BYTES, CRC_TABLES } from '../crc32c-kernel.ts';
import {
  add,
  BLOCK_VOID,
  BR,
  BR_IF,
  call,
  constant,
  copyMemory,
  END,
  fillMemory,
  get,
  I32_ADD,
  I32_AND,
  I32_EQZ,
  I32_LT_U,
  I32_SHL,
  I32_SHR_U,
  I32_SUB,
  I32_XOR,
  IF_VOID,
  LOOP_VOID,
  load8,
  load32,
  loadVector,
  RETURN,
  SELECT,
  set,
  store32,
  storeVector,
  tee,
  V128_XOR,
  type WasmFunction,
} from './code.ts';

/** Distances in bytes; with the leading 1 the terms of a multiple of P. The last is the longest. */
export const FAR = [1278, 1565, 5424] as const;
export const NEAR = [130, 310, 340, 390, 418] as const;

const VECTOR_BYTES = 16;
/** What a turn of a loop folds: enough that its counting costs little. */
const FAR_STEP = 8 * VECTOR_BYTES;
const NEAR_STEP = 4 * VECTOR_BYTES;

/** Below this the tables alone are about as fast. */
export const NEAR_BYTES_MIN = 640;
/** Below this NEAR alone is faster: FAR leaves 5.4 KB behind in any case. */
export const FAR_BYTES_MIN = 10 * 1024;

// The kernel's own memory. History comes before what is folded and is as long as the longest distance.
const FAR_BLOCK_BYTES = 16 * 1024;
const FAR_AT = CRC_TABLES * 1024 + roundUp(FAR[2]);
const NEAR_INPUT_AT = FAR_AT + FAR_BLOCK_BYTES;
const NEAR_AT = NEAR_INPUT_AT + roundUp(FAR_BYTES_MIN + VECTOR_BYTES) + roundUp(NEAR[4]);
const OWN_BYTES = NEAR_AT + FAR_BYTES_MIN + VECTOR_BYTES;
assert(OWN_BYTES <= CRC_OWN_BYTES, 'crc32c: tables and scratch fit the memory');

function roundUp(bytes: number): number {
  return Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
}

/**
 * The four lookups for the word in `local`, whose lowest byte lies `distance` bytes before the end of the
 * 16: table word = (word >> 8k) & 255, times 4 for its address, in one shift and one mask.
 */
function lookups(own: number, local: number, distance: number): number[] {
  const table = (index: number): number[] => load32(own, index * 1024);
  return [
    ...[...get(local), ...constant(2), I32_SHL, ...constant(0x3fc), I32_AND, ...table(distance)],
    ...[...get(local), ...constant(6), I32_SHR_U, ...constant(0x3fc), I32_AND],
    ...[...table(distance - 1), I32_XOR],
    ...[...get(local), ...constant(14), I32_SHR_U, ...constant(0x3fc), I32_AND],
    ...[...table(distance - 2), I32_XOR],
    ...[...get(local), ...constant(22), I32_SHR_U, ...constant(0x3fc), I32_AND],
    ...[...table(distance - 3), I32_XOR],
  ];
}

/** (crc, at, size) -> crc, by tables, 16 bytes at once and then one by one, over memory `input`. */
function slice(input: number, own: number): WasmFunction {
  const [crc, at, size, word] = [0, 1, 2, 3] as const;
  const code = [
    ...[...BLOCK_VOID, ...LOOP_VOID, ...get(size), ...constant(16), I32_LT_U, BR_IF, 1],
    ...[...get(at), ...load32(input, 0), ...get(crc), I32_XOR, ...set(word)],
    ...lookups(own, word, 15),
    ...[...get(at), ...load32(input, 4), ...set(word), ...lookups(own, word, 11), I32_XOR],
    ...[...get(at), ...load32(input, 8), ...set(word), ...lookups(own, word, 7), I32_XOR],
    ...[...get(at), ...load32(input, 12), ...set(word), ...lookups(own, word, 3), I32_XOR],
    ...[...set(crc), ...add(at, 16), ...add(size, -16), BR, 0, END, END],
    ...[...BLOCK_VOID, ...LOOP_VOID, ...get(size), I32_EQZ, BR_IF, 1],
    ...[...get(crc), ...get(at), ...load8(input, 0), I32_XOR, ...constant(0xff), I32_AND],
    ...[...constant(2), I32_SHL, ...load32(own, 0)],
    ...[...get(crc), ...constant(8), I32_SHR_U, I32_XOR, ...set(crc)],
    ...[...add(at, 1), ...add(size, -1), BR, 0, END, END],
    ...get(crc),
  ];
  return { parameters: 3, results: 1, locals: 1, code };
}

/** Empties the history before `at`, but for the register, which so reaches the first four bytes. */
function startHistory(own: number, at: number, longest: number, crc: number): number[] {
  return [
    ...[...constant(at - longest), ...constant(0), ...constant(longest), ...fillMemory(own)],
    ...[...constant(0), ...get(crc), ...store32(own, at - longest)],
  ];
}

/**
 * Loops over `end` bytes, a multiple of `step`, from local `from`, which moves on: makes the q of each from
 * memory `input`, and leaves them from address `at` of memory `own`. Local `q` counts.
 */
function fold(
  [input, own]: readonly [number, number],
  [from, q, end]: readonly [number, number, number],
  distances: readonly number[],
  at: number,
  step: number,
): number[] {
  const vectors: number[] = [];
  for (let offset = 0; offset < step; offset += VECTOR_BYTES) {
    vectors.push(...get(q), ...get(from), ...loadVector(input, offset));
    for (const distance of distances) {
      vectors.push(...get(q), ...loadVector(own, at - distance + offset), ...V128_XOR);
    }
    vectors.push(...storeVector(own, at + offset));
  }
  return [
    ...[...constant(0), ...set(q), ...LOOP_VOID, ...vectors, ...add(from, step)],
    ...[...get(q), ...constant(step), I32_ADD, ...tee(q), ...get(end), I32_LT_U, BR_IF, 0, END],
  ];
}

/**
 * XORs onto the remainder at `to` what the last bytes folded put there. They lie before `history`, and what
 * lies behind is emptied first, as nothing behind was folded. Local `q` counts.
 */
function finish(
  own: number,
  q: number,
  distances: readonly number[],
  history: readonly number[],
  to: readonly number[],
): number[] {
  const longest = roundUp(distances.at(-1)!);
  const terms = distances.flatMap((distance) => [
    ...[...get(q), ...history, I32_ADD, ...constant(distance), I32_SUB],
    ...[...loadVector(own, 0), ...V128_XOR],
  ]);
  return [
    ...[...history, ...constant(0), ...constant(longest), ...fillMemory(own)],
    ...[...constant(0), ...set(q), ...LOOP_VOID],
    ...[...get(q), ...to, I32_ADD],
    ...[...get(q), ...to, I32_ADD, ...loadVector(own, 0), ...terms, ...storeVector(own, 0)],
    ...[...get(q), ...constant(VECTOR_BYTES), I32_ADD, ...tee(q)],
    ...[...constant(longest), I32_LT_U, BR_IF, 0, END],
  ];
}

/**
 * (crc, size) -> crc of the NEAR_BYTES_MIN to FAR_BYTES_MIN bytes at NEAR_INPUT_AT of memory `own`, which
 * are used up. `sliceOwn` is the index of `slice` over that memory.
 */
function near(own: number, sliceOwn: number): WasmFunction {
  const [crc, size, from, q, folded] = [0, 1, 2, 3, 4] as const;
  const code = [
    ...startHistory(own, NEAR_AT, NEAR[4], crc),
    ...[...get(size), ...constant(NEAR[4]), I32_SUB, ...constant(-NEAR_STEP), I32_AND],
    ...[...set(folded), ...constant(NEAR_INPUT_AT), ...set(from)],
    ...fold([own, own], [from, q, folded], NEAR, NEAR_AT, NEAR_STEP),
    ...finish(own, q, NEAR, [...get(folded), ...constant(NEAR_AT), I32_ADD], get(from)),
    ...[...constant(0), ...get(from), ...get(size), ...get(folded), I32_SUB, ...call(sliceOwn)],
  ];
  return { parameters: 2, results: 1, locals: 3, code };
}

/**
 * (crc, at, size) -> crc, the kernel: over any number of bytes of memory `input`. The register goes in and
 * comes out as it is, so that bytes may come in parts. Calls `slice` over `input`, and `near`.
 */
function whole(
  [input, own]: readonly [number, number],
  [sliceInput, nearIndex]: readonly [number, number],
): WasmFunction {
  const [crc, at, size, q, end, rest] = [0, 1, 2, 3, 4, 5] as const;
  const nearInput = constant(NEAR_INPUT_AT);
  const code = [
    ...[...get(size), ...constant(NEAR_BYTES_MIN), I32_LT_U, ...IF_VOID],
    ...[...get(crc), ...get(at), ...get(size), ...call(sliceInput), RETURN, END],
    ...[...get(size), ...constant(FAR_BYTES_MIN), I32_LT_U, ...IF_VOID],
    ...[...nearInput, ...get(at), ...get(size), ...copyMemory(own, input)],
    ...[...get(crc), ...get(size), ...call(nearIndex), RETURN, END],
    ...startHistory(own, FAR_AT, FAR[2], crc),
    ...[...get(size), ...constant(FAR[2]), I32_SUB, ...constant(-FAR_STEP), I32_AND, ...set(rest)],
    ...LOOP_VOID,
    ...[...get(rest), ...constant(FAR_BLOCK_BYTES), ...get(rest), ...constant(FAR_BLOCK_BYTES)],
    ...[I32_LT_U, SELECT, ...set(end)],
    ...fold([input, own], [at, q, end], FAR, FAR_AT, FAR_STEP),
    // The last bytes folded are the history of the next block.
    ...[...constant(FAR_AT - FAR[2]), ...get(q), ...constant(FAR_AT - FAR[2]), I32_ADD],
    ...[...constant(FAR[2]), ...copyMemory(own, own)],
    ...[...get(size), ...get(end), I32_SUB, ...set(size)],
    ...[...get(rest), ...get(end), I32_SUB, ...tee(rest), BR_IF, 0, END],
    ...[...nearInput, ...get(at), ...get(size), ...copyMemory(own, input)],
    ...finish(own, q, FAR, constant(FAR_AT), nearInput),
    ...[...constant(0), ...get(size), ...call(nearIndex)],
  ];
  return { name: 'crc32c', parameters: 3, results: 1, locals: 3, code };
}

/** The kernel over memory `input` with its own memory `own`, as functions from index `first`; exports `crc32c`. */
export function crc32cFunctions(input: number, own: number, first: number): WasmFunction[] {
  return [
    slice(input, own),
    slice(own, own),
    near(own, first + 1),
    whole([input, own], [first, first + 2]),
  ];
}

/**
 * The WebAssembly module behind SharedMemory, assembled by hand: three functions that work by address on a
 * shared memory. `TypedArray.set` between shared views falls to 3 GB/s when they are misaligned to each
 * other, `memory.copy` runs at memory speed always; and a checksum by address needs no view and no garbage.
 *
 *   copy(to, from, size)          memory.copy
 *   fill(at, value, size)         memory.fill
 *   crc32c(at, size) -> crc       slicing by 16; its tables lie in a second, private memory of one page
 *
 * Any thread; each makes its own instance over the same shared memory. About 1 KB of code.
 */

// Opcodes and types of the WebAssembly binary format, version 1, with threads and multi-memory.
const I32 = 0x7f;
const FUNC = 0x60;
const LOOP_VOID = [0x03, 0x40];
const BLOCK_VOID = [0x02, 0x40];
const BR = 0x0c;
const BR_IF = 0x0d;
const END = 0x0b;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const I32_CONST = 0x41;
const I32_LT_U = 0x49;
const I32_EQZ = 0x45;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;
const I32_AND = 0x71;
const I32_XOR = 0x73;
const I32_SHR_U = 0x76;
const I32_SHL = 0x74;
const I32_LOAD = 0x28;
const I32_LOAD8_U = 0x2d;
const MEMORY_COPY = [0xfc, 0x0a, 0x00, 0x00];
const MEMORY_FILL = [0xfc, 0x0b, 0x00];

/** Most pages of a 32-bit memory: the import accepts any size up to it. */
const PAGES_MAX = 65536;

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

function text(value: string): number[] {
  return [value.length, ...Buffer.from(value, 'latin1')];
}

function section(id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function body(locals: number[], code: number[]): number[] {
  const content = [...locals, ...code, END];
  return [...unsigned(content.length), ...content];
}

const get = (local: number): number[] => [LOCAL_GET, local];
const set = (local: number): number[] => [LOCAL_SET, local];
const constant = (value: number): number[] => [I32_CONST, ...signed(value)];

/** Loads from the shared memory (index 0): alignment hint 1 byte, any address is allowed. */
const load32 = (offset: number): number[] => [I32_LOAD, 0x00, ...unsigned(offset)];
const load8 = (offset: number): number[] => [I32_LOAD8_U, 0x00, ...unsigned(offset)];

/** Loads a word from the tables (memory index 1): alignment 4, bit 6 says that a memory index follows. */
const loadTable = (table: number): number[] => [I32_LOAD, 0x42, 0x01, ...unsigned(table * 1024)];

/**
 * The four lookups for the word in `local`, whose lowest byte lies `distance` bytes before the end of the
 * 16: table word = (word >> 8k) & 255, times 4 for its address, in one shift and one mask.
 */
function lookups(local: number, distance: number): number[] {
  return [
    ...[...get(local), ...constant(2), I32_SHL, ...constant(0x3fc), I32_AND],
    ...loadTable(distance),
    ...[...get(local), ...constant(6), I32_SHR_U, ...constant(0x3fc), I32_AND],
    ...[...loadTable(distance - 1), I32_XOR],
    ...[...get(local), ...constant(14), I32_SHR_U, ...constant(0x3fc), I32_AND],
    ...[...loadTable(distance - 2), I32_XOR],
    ...[...get(local), ...constant(22), I32_SHR_U, ...constant(0x3fc), I32_AND],
    ...[...loadTable(distance - 3), I32_XOR],
  ];
}

function crcBody(): number[] {
  // Parameters and locals: 0 at, 1 size, 2 crc, 3 word.
  const [at, size, crc, word] = [0, 1, 2, 3];
  return body(
    [0x01, 0x02, I32],
    [
      ...[...constant(-1), ...set(crc)],
      // while (size >= 16) { 16 bytes at once }
      ...BLOCK_VOID,
      ...LOOP_VOID,
      ...[...get(size), ...constant(16), I32_LT_U, BR_IF, 1],
      ...[...get(at), ...load32(0), ...get(crc), I32_XOR, ...set(word), ...lookups(word, 15)],
      ...[...get(at), ...load32(4), ...set(word), ...lookups(word, 11), I32_XOR],
      ...[...get(at), ...load32(8), ...set(word), ...lookups(word, 7), I32_XOR],
      ...[...get(at), ...load32(12), ...set(word), ...lookups(word, 3), I32_XOR, ...set(crc)],
      ...[...get(at), ...constant(16), I32_ADD, ...set(at)],
      ...[...get(size), ...constant(16), I32_SUB, ...set(size), BR, 0, END, END],
      // while (size > 0) { one byte }
      ...BLOCK_VOID,
      ...LOOP_VOID,
      ...[...get(size), I32_EQZ, BR_IF, 1],
      ...[...get(crc), ...get(at), ...load8(0), I32_XOR, ...constant(0xff), I32_AND],
      ...[...constant(2), I32_SHL, ...loadTable(0)],
      ...[...get(crc), ...constant(8), I32_SHR_U, I32_XOR, ...set(crc)],
      ...[...get(at), ...constant(1), I32_ADD, ...set(at)],
      ...[
        ...get(size),
        ...constant(1),
        I32_SUB,
        LOCAL_TEE,
        size,
        I32_EQZ,
        BR_IF,
        1,
        BR,
        0,
        END,
        END,
      ],
      ...[...get(crc), ...constant(-1), I32_XOR],
    ],
  );
}

/** The binary of the module: imports `m.s` (shared memory), exports copy, fill, crc32c and tables. */
export function sharedMemoryModule(): Uint8Array {
  const types = [
    ...[FUNC, 3, I32, I32, I32, 0], // type 0: copy, fill
    ...[FUNC, 2, I32, I32, 1, I32], // type 1: crc32c
  ];
  const imports = [...text('m'), ...text('s'), 0x02, 0x03, ...unsigned(0), ...unsigned(PAGES_MAX)];
  const memories = [0x01, 1, 1]; // one page exactly, not shared
  const exports = [
    ...[...text('copy'), 0x00, 0],
    ...[...text('fill'), 0x00, 1],
    ...[...text('crc32c'), 0x00, 2],
    ...[...text('tables'), 0x02, 1],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // '\0asm', version 1
    ...section(1, [2, ...types]),
    ...section(2, [1, ...imports]),
    ...section(3, [3, 0, 0, 1]),
    ...section(5, [1, ...memories]),
    ...section(7, [4, ...exports]),
    ...section(10, [
      3,
      ...body([0], [...get(0), ...get(1), ...get(2), ...MEMORY_COPY]),
      ...body([0], [...get(0), ...get(1), ...get(2), ...MEMORY_FILL]),
      ...crcBody(),
    ]),
  ]);
}

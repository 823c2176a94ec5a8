/**
 * The WebAssembly module behind SharedMemory: functions that work by address on a shared memory.
 * `TypedArray.set` between shared views falls to 3 GB/s when they are misaligned to each other,
 * `memory.copy` runs at memory speed always; and a checksum by address needs no view and no garbage.
 *
 *   copy(to, from, size)          memory.copy
 *   fill(at, value, size)         memory.fill
 *   crc32c(crc, at, size) -> crc  crc32c-wasm.ts; the register goes in and out as it is
 *   own                           the private memory of crc32c
 *
 * Any thread; each makes its own instance over the same shared memory. About 4 KB of code.
 */

import { CRC_PAGES, crc32cFunctions } from './crc32c-wasm.ts';
import { copyMemory, fillMemory, get, wasmModule } from './wasm-code.ts';

const [SHARED, OWN] = [0, 1];

/** The binary of the module: imports `m.s`, the shared memory. */
export function sharedMemoryModule(): Uint8Array {
  const parameters = [...get(0), ...get(1), ...get(2)];
  const shape = { parameters: 3, results: 0, locals: 0 } as const;
  return wasmModule(true, CRC_PAGES, [
    { ...shape, name: 'copy', code: [...parameters, ...copyMemory(SHARED, SHARED)] },
    { ...shape, name: 'fill', code: [...parameters, ...fillMemory(SHARED)] },
    ...crc32cFunctions(SHARED, OWN, 2),
  ]);
}

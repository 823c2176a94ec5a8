/**
 * Assembles the WebAssembly modules for binaries.ts, ahead, as it would cost every thread some milliseconds and
 * two megabytes at its start. After a change: `npx vitest run engine/base/wasm -u`.
 *
 *   crc32c         the checksum over its own memory alone, for bytes copied in
 *   sharedMemory   functions by address on an imported shared memory: `TypedArray.set` between shared views
 *                  falls to 3 GB/s when they are misaligned to each other, `memory.copy` runs at memory speed
 *                  always; and a checksum by address needs no view and no garbage
 *                    copy(to, from, size)          memory.copy
 *                    fill(at, value, size)         memory.fill
 *                    crc32c(crc, at, size) -> crc  with a memory of its own for tables and scratch, `own`
 */

import { CRC_OWN_BYTES, CRC_WINDOW_BYTES } from '../crc32c-kernel.ts';
import { copyMemory, fillMemory, get, PAGE_BYTES, wasmModule } from './code.ts';
import { crc32cFunctions } from './crc32c.ts';

function crc32cModule(): Uint8Array {
  const pages = (CRC_OWN_BYTES + CRC_WINDOW_BYTES) / PAGE_BYTES;
  return wasmModule(false, pages, crc32cFunctions(0, 0, 0));
}

function sharedMemoryModule(): Uint8Array {
  const [shared, own] = [0, 1];
  const parameters = [...get(0), ...get(1), ...get(2)];
  const shape = { parameters: 3, results: 0, locals: 0 } as const;
  return wasmModule(true, CRC_OWN_BYTES / PAGE_BYTES, [
    { ...shape, name: 'copy', code: [...parameters, ...copyMemory(shared, shared)] },
    { ...shape, name: 'fill', code: [...parameters, ...fillMemory(shared)] },
    ...crc32cFunctions(shared, own, 2),
  ]);
}

/** The text of binaries.ts. */
export function assembled(): string {
  const parts = [
    '/** Assembled by assemble.ts, and held equal to it by a test: not to be edited. Base64. */\n',
  ];
  for (const [name, what, bytes] of [
    ['CRC32C', 'The checksum over its own memory.', crc32cModule()],
    ['SHARED_MEMORY', 'Work by address on the shared memory `m.s`.', sharedMemoryModule()],
  ] as const) {
    const lines = Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,100}/g)!;
    parts.push(`\n/** ${what} */\nexport const ${name} = \`\n${lines.join('\n')}\n\`;\n`);
  }
  return parts.join('');
}

/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of record batches, of bytes wherever
 * they lie: they are copied into the memory of a WebAssembly kernel (wasm/crc32c.ts), 64 KiB at a time. Bytes
 * in a SharedMemory are better summed by address there. Any thread; pure.
 */

import {
  CRC_OWN_BYTES,
  CRC_WINDOW_BYTES,
  type Crc32cKernel,
  fillCrcTables,
} from './crc32c-kernel.ts';
import { CRC32C } from './wasm/binaries.ts';
import { compile, instantiate } from './webassembly.ts';

const kernel = instantiate(compile(CRC32C), null) as Crc32cKernel;
fillCrcTables(kernel);
const window = new Uint8Array(kernel.own.buffer, CRC_OWN_BYTES, CRC_WINDOW_BYTES);

/** The CRC-32C of bytes [from, to), as an unsigned number. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  for (let at = from; at < to; at += CRC_WINDOW_BYTES) {
    const end = Math.min(at + CRC_WINDOW_BYTES, to);
    window.set(bytes.subarray(at, end));
    crc = kernel.crc32c(crc, CRC_OWN_BYTES, end - at);
  }
  return ~crc >>> 0;
}

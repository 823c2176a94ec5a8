/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of record batches, of bytes wherever
 * they lie: they are copied into the memory of a WebAssembly kernel (crc32c-wasm.ts), 64 KiB at a time. Bytes
 * in a SharedMemory are better summed by address there. Any thread; pure.
 */

import { crc32cModule, crc32cTables, WINDOW_AT, WINDOW_BYTES } from './crc32c-wasm.ts';
import { wasm } from './webassembly.ts';

const { crc32c: update, own } = new wasm.Instance(new wasm.Module(crc32cModule()), {}).exports as {
  crc32c(crc: number, at: number, size: number): number;
  readonly own: { readonly buffer: ArrayBuffer };
};
const window = new Uint8Array(own.buffer, WINDOW_AT, WINDOW_BYTES);
new Int32Array(own.buffer).set(crc32cTables());

/** The CRC-32C of bytes [from, to), as an unsigned number. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  for (let at = from; at < to; at += WINDOW_BYTES) {
    const end = Math.min(at + WINDOW_BYTES, to);
    window.set(bytes.subarray(at, end));
    crc = update(crc, WINDOW_AT, end - at);
  }
  return ~crc >>> 0;
}

/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of record batches. The result is the
 * same whichever kernel computes it; which one is fastest depends on the size:
 *
 *   JavaScript, slicing by 8     no call overhead: fastest for small inputs, and the fallback for all
 *   WebAssembly, slicing by 16   by address inside a SharedMemory, no view needed (shared-memory.ts)
 *   native, @node-rs/crc32       uses the CPU's instruction, but a call and its view cost ~165 ns
 *
 * Any thread; pure. The native module is loaded on first use and may be missing.
 */

import { createRequire } from 'node:module';
import { CRC_NATIVE_BYTES_MIN } from './limits.ts';

const POLYNOMIAL = 0x82f63b78;

/** Tables of the slicing kernels: the 16 of 256 words that advance a byte by 0 to 15 further bytes. */
export const crc32cTables: Int32Array = buildTables(16);

function buildTables(count: number): Int32Array {
  const tables = new Int32Array(count * 256);
  for (let index = 0; index < 256; index++) {
    let crc = index;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[index] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const previous = tables[at - 256]!;
    tables[at] = tables[previous & 0xff]! ^ (previous >>> 8);
  }
  return tables;
}

// One constant table each: an access with a constant base compiles to one load.
const t0 = crc32cTables.slice(0, 256);
const t1 = crc32cTables.slice(256, 512);
const t2 = crc32cTables.slice(512, 768);
const t3 = crc32cTables.slice(768, 1024);
const t4 = crc32cTables.slice(1024, 1280);
const t5 = crc32cTables.slice(1280, 1536);
const t6 = crc32cTables.slice(1536, 1792);
const t7 = crc32cTables.slice(1792, 2048);

/** The JavaScript kernel. */
export function crc32cJs(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  let at = from | 0;
  const end = to | 0;
  for (const wordsEnd = end - 7; at < wordsEnd; at += 8) {
    // Bytes are combined one by one: a DataView would need the buffer's offset, and measures no faster.
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[bytes[at + 4]!]! ^
      t2[bytes[at + 5]!]! ^
      t1[bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = t0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

type NativeCrc = (bytes: Uint8Array) => number;

let native: NativeCrc | null = null;
let isNativeLoaded = false;

/**
 * The native kernel, or null where it is not installed for this platform. Its prebuilt binary is an optional
 * package, so its absence is an ordinary condition: every size then takes the other kernels.
 */
export function nativeCrc32c(): NativeCrc | null {
  if (isNativeLoaded) return native;
  isNativeLoaded = true;
  try {
    const require = createRequire(import.meta.url);
    const loaded = require('@node-rs/crc32') as { crc32c: NativeCrc };
    // Known answer of RFC 3720: a binary that answers otherwise is worse than none.
    if (loaded.crc32c(new Uint8Array(32)) === 0x8a9136aa) native = loaded.crc32c;
  } catch {
    native = null;
  }
  return native;
}

/** The CRC-32C of bytes [from, to), as an unsigned number. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < CRC_NATIVE_BYTES_MIN) return crc32cJs(bytes, from, to);
  const kernel = nativeCrc32c();
  if (kernel === null) return crc32cJs(bytes, from, to);
  return kernel(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
}

/**
 * What goes into and around the WebAssembly of the checksum (wasm/crc32c.ts): its memory has the tables first, then
 * scratch, and in the module for bytes that are copied in a window behind both.
 */

const POLYNOMIAL = 0x82f63b78;

/** Tables of 256 words, as many as bytes that slicing takes at once. */
export const CRC_TABLES = 16;
/** Tables and scratch: a page. */
export const CRC_OWN_BYTES = 64 * 1024;
/** Bytes at once that are copied in: they stay in a core's nearest cache but one. */
export const CRC_WINDOW_BYTES = 64 * 1024;

export interface Crc32cKernel {
  /** The register goes in and comes out as it is, so that bytes may come in parts: -1 first, inverted at the end. */
  crc32c(crc: number, at: number, size: number): number;
  readonly own: { readonly buffer: ArrayBuffer };
}

/** Puts the tables where the kernel expects them: the words that advance a byte by 0 to 15 further bytes. */
export function fillCrcTables({ own }: Crc32cKernel): void {
  const tables = new Int32Array(own.buffer, 0, CRC_TABLES * 256);
  for (let index = 0; index < 256; index++) {
    let crc = index;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[index] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const previous = tables[at - 256]!;
    tables[at] = tables[previous & 0xff]! ^ (previous >>> 8);
  }
}

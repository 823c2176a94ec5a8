/**
 * One region of memory that several threads see: a shared `WebAssembly.Memory` with views over all of it.
 *
 * Any thread: the creator hands `memory` to others, each of which attaches its own views.
 */

import { assert } from './assert.ts';
import { crc32c } from './crc32c.ts';
import { SHARED_MEMORY_BYTES_MAX, WASM_PAGE_BYTES } from './limits.ts';

/** A shared `WebAssembly.Memory`, as far as it is used here (the compiler's library knows it only with DOM). */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WasmApi {
  readonly Memory: new (descriptor: {
    initial: number;
    maximum: number;
    shared: boolean;
  }) => WasmMemory;
}

const wasm = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

export class SharedMemory {
  readonly memory: WasmMemory;
  readonly bytes: Uint8Array;
  readonly buffer: Buffer;
  readonly view: DataView;
  readonly int32: Int32Array;

  private constructor(memory: WasmMemory) {
    this.memory = memory;
    const shared = memory.buffer;
    this.bytes = new Uint8Array(shared);
    this.buffer = Buffer.from(shared);
    this.view = new DataView(shared);
    this.int32 = new Int32Array(shared);
  }

  /** Reserves `bytesMax` bytes (rounded up to 64 KiB pages). Memory is taken only where it is touched. */
  static create(bytesMax: number): SharedMemory {
    assert(bytesMax > 0 && bytesMax <= SHARED_MEMORY_BYTES_MAX, 'shared memory: size out of range');
    const pages = Math.ceil(bytesMax / WASM_PAGE_BYTES);
    return new SharedMemory(new wasm.Memory({ initial: pages, maximum: pages, shared: true }));
  }

  /** This thread's views of a memory that another thread created. */
  static attach(memory: WasmMemory): SharedMemory {
    return new SharedMemory(memory);
  }

  /** Copies `size` bytes from address `from` to address `to`; the ranges may overlap. */
  copy(to: number, from: number, size: number): void {
    this.bytes.copyWithin(to, from, from + size);
  }

  /** Sets `size` bytes from address `at` to `value`. */
  fill(at: number, value: number, size: number): void {
    this.bytes.fill(value, at, at + size);
  }

  /** The CRC-32C of `size` bytes from address `at`. */
  crc32c(at: number, size: number): number {
    return crc32c(this.bytes, at, at + size);
  }
}

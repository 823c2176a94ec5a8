/**
 * One region of memory that several threads see: the slab that sockets receive into and files are written
 * from. It is a shared `WebAssembly.Memory`, because a few bytes of WebAssembly then copy, fill and checksum
 * by address at memory speed, without views and without garbage; its buffer is a SharedArrayBuffer.
 *
 * Any thread: the creator hands `memory` to others (it is structured-cloneable), each of which attaches its
 * own views. Who may touch which bytes is for the users to settle; nothing here synchronises. Addresses are
 * byte positions from 0.
 */

import { assert } from './assert.ts';
import { type Crc32cKernel, fillCrcTables } from './crc32c-kernel.ts';
import { SHARED_MEMORY_BYTES_MAX, WASM_PAGE_BYTES } from './limits.ts';
import { SHARED_MEMORY } from './wasm/binaries.ts';
import { compile, createMemory, instantiate, type WasmMemory } from './webassembly.ts';

interface Kernels extends Crc32cKernel {
  copy(to: number, from: number, size: number): void;
  fill(at: number, value: number, size: number): void;
}

let compiled: object | null = null;

export class SharedMemory {
  readonly memory: WasmMemory;
  /** Views over all of it, made once: a `subarray` per use would cost more than most uses. */
  readonly bytes: Uint8Array;
  readonly buffer: Buffer;
  readonly view: DataView;
  readonly int32: Int32Array;
  readonly #kernels: Kernels;

  private constructor(memory: WasmMemory) {
    this.memory = memory;
    const shared = memory.buffer;
    this.bytes = new Uint8Array(shared);
    this.buffer = Buffer.from(shared);
    this.view = new DataView(shared);
    this.int32 = new Int32Array(shared);
    compiled ??= compile(SHARED_MEMORY);
    this.#kernels = instantiate(compiled, memory) as Kernels;
    fillCrcTables(this.#kernels);
  }

  /**
   * Reserves `bytesMax` bytes, rounded up to pages of 64 KiB, all of it addressable at once. That is virtual
   * size only: the system hands out memory where it is first touched. Never grows, so views stay valid.
   */
  static create(bytesMax: number): SharedMemory {
    assert(bytesMax > 0 && bytesMax <= SHARED_MEMORY_BYTES_MAX, 'shared memory: size out of range');
    const pages = Math.ceil(bytesMax / WASM_PAGE_BYTES);
    return new SharedMemory(createMemory(pages));
  }

  /** This thread's views of a memory that another thread created. */
  static attach(memory: WasmMemory): SharedMemory {
    return new SharedMemory(memory);
  }

  /** Copies `size` bytes from address `from` to address `to`; the ranges may overlap. */
  copy(to: number, from: number, size: number): void {
    this.#kernels.copy(to, from, size);
  }

  /** Sets `size` bytes from address `at` to `value`. */
  fill(at: number, value: number, size: number): void {
    this.#kernels.fill(at, value, size);
  }

  /** The CRC-32C of `size` bytes from address `at`, as an unsigned number. */
  crc32c(at: number, size: number): number {
    return ~this.#kernels.crc32c(-1, at, size) >>> 0;
  }
}

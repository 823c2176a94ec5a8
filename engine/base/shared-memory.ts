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
import { crc32cTables, nativeCrc32c } from './crc32c.ts';
import { CRC_NATIVE_BYTES_MIN_WASM, SHARED_MEMORY_BYTES_MAX, WASM_PAGE_BYTES } from './limits.ts';
import { sharedMemoryModule } from './shared-memory-wasm.ts';

/** A shared `WebAssembly.Memory`, as far as it is used here (the compiler's library knows it only with DOM). */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

interface Kernels {
  copy(to: number, from: number, size: number): void;
  fill(at: number, value: number, size: number): void;
  crc32c(at: number, size: number): number;
  readonly tables: { readonly buffer: ArrayBuffer };
}

interface WasmApi {
  readonly Memory: new (descriptor: {
    initial: number;
    maximum: number;
    shared: boolean;
  }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const wasm = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

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
    compiled ??= new wasm.Module(sharedMemoryModule());
    const instance = new wasm.Instance(compiled, { m: { s: memory } });
    this.#kernels = instance.exports as Kernels;
    new Int32Array(this.#kernels.tables.buffer).set(crc32cTables);
  }

  /**
   * Reserves `bytesMax` bytes, rounded up to pages of 64 KiB, all of it addressable at once. That is virtual
   * size only: the system hands out memory where it is first touched. Never grows, so views stay valid.
   */
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
    this.#kernels.copy(to, from, size);
  }

  /** Sets `size` bytes from address `at` to `value`. */
  fill(at: number, value: number, size: number): void {
    this.#kernels.fill(at, value, size);
  }

  /** The CRC-32C of `size` bytes from address `at`, as an unsigned number. */
  crc32c(at: number, size: number): number {
    if (size >= CRC_NATIVE_BYTES_MIN_WASM) {
      const native = nativeCrc32c();
      if (native !== null) return native(this.bytes.subarray(at, at + size));
    }
    return this.#kernels.crc32c(at, size) >>> 0;
  }

  /** The WebAssembly kernel alone, for the test that all kernels agree and for the bench. */
  crc32cWasm(at: number, size: number): number {
    return this.#kernels.crc32c(at, size) >>> 0;
  }
}

/** WebAssembly as far as it is used here: the compiler's library knows it only with that of a browser. */

/** A shared `WebAssembly.Memory`; structured-cloneable. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
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

/** A memory that threads share: `pages` of 64 KiB, never more. */
export function createMemory(pages: number): WasmMemory {
  return new wasm.Memory({ initial: pages, maximum: pages, shared: true });
}

/** A module of wasm/binaries.ts. */
export function compile(base64: string): object {
  return new wasm.Module(Buffer.from(base64, 'base64'));
}

/** The exports of a new instance; `memory` is what the module knows as `m.s`. */
export function instantiate(module: object, memory: WasmMemory | null): unknown {
  return new wasm.Instance(module, memory === null ? {} : { m: { s: memory } }).exports;
}

// The client side of the shards, for one thread.

import type { EngineClient, EngineClientHandle } from './engine-api.ts';

/** Attaches the calling thread to an engine opened elsewhere, by a handle that the opener made for it alone. */
export function attachEngine(handle: EngineClientHandle): EngineClient {
  throw new Error(`client ${handle.clientIndex}`);
}

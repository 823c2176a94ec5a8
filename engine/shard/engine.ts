// Opens an engine: threads, shared memory, partitions.

import type { Engine, EngineOptions } from './engine-api.ts';

/** Starts the shard threads over a data directory. Partitions are opened by `openPartitions`. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  throw new Error(`${options.dataDir}`);
}

/**
 * The log engine's package entry: durable, partitioned, append-only logs of record batches, without sockets or requests.
 *
 *   const engine = await openEngine({ dataDir: './data' });
 *   const [ref] = await engine.openPartitions([
 *     { topic: 'measurements', partition: 0, topicId: null, leaderEpoch: 0 },
 *   ]);
 *   const { baseOffset } = await engine.client.append(ref.slot, batch);   // batch: a record batch v2, engine/format builds it
 *   const reader = engine.client.reader(ref.slot, ref.directory);
 *   await engine.close();
 *
 * engine/shard/engine-api.ts says who owns which bytes when.
 */

export { defaultLogConfig, type LogConfig } from './log/log-config.ts';
export type { ProducerSummary } from './log/producer-state.ts';
export { ReadCursor, ReadProgress } from './log/read-progress.ts';
export { type PartitionReader, ReadPlan } from './log/reader.ts';
export type { SlabArena } from './ring/slab-arena.ts';
export { attachEngine } from './shard/client.ts';
export { openEngine } from './shard/engine.ts';
export {
  type AppendDetail,
  AppendFlag,
  type AppendOutcome,
  type CompletionHandler,
  type DiscoveredPartition,
  type Engine,
  type EngineClient,
  type EngineClientHandle,
  type EngineOptions,
  type EngineStatistics,
  type PartitionRef,
  type PartitionSpec,
} from './shard/engine-api.ts';
export { Marks, PartitionState } from './shard/partition-table.ts';
export { keepCompiledCode, workerEntry, workerEnvironment } from './shard/worker-entry.ts';

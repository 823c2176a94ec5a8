/**
 * The public surface of the engine: what an embedding program and the broker's threads may call.
 *
 * Ownership of bytes, in one paragraph: a client thread owns its whole slab. `slab.allocate` hands out a region, the caller
 * fills it, and from `submit(slot, at, size, ...)` until the completion with the same token the bytes [at, at + size) belong
 * to the shard thread, which patches offset and leader epoch into the batch header and writes the file from there. After the
 * completion they are the caller's again, who releases the region when nothing else in it is still needed. Nothing is copied.
 *
 * Threads: `Engine` lives on the thread that opened it. An `EngineClient` belongs to exactly one thread. Callbacks of a client
 * run on its thread's event loop, never inside `submit` or `ring`.
 */

import type { Clock } from '../base/clock.ts';
import type { SharedMemory } from '../base/shared-memory.ts';
import type { FileSystem } from '../io/file-system.ts';
import type { LogConfig } from '../log/log-config.ts';
import type { ProducerSummary } from '../log/producer-state.ts';
import type { PartitionReader } from '../log/reader.ts';
import type { SlabArena } from '../ring/slab-arena.ts';
import type { Marks } from './partition-table.ts';

/** Bits of `EngineClient.submit`'s `flags`. */
export const AppendFlag = {
  /** A batch as a leader takes it from a client: offsets and epoch are assigned, control batches are refused. */
  NONE: 0,
  /** Keep the offsets and the leader epochs that the batch carries: replication. */
  AS_FOLLOWER: 1,
  /** The batch comes from the broker itself, not from a client: control batches are allowed. */
  INTERNAL: 2,
} as const;

export interface EngineOptions {
  /** Directory of all partitions; created when missing. Null: files in memory that vanish with `close`. */
  readonly dataDir: string | null;
  /** Shard threads; default: half the cores, at least 1, at most 8. 0: the logs run on the calling thread (tests). */
  readonly shards?: number;
  /** How many further client threads may attach at most; default 15, at most 30. */
  readonly clients?: number;
  /** Ordinary slab bytes of each client, beside the room for one giant region; default `SLAB_BUDGET_BYTES`. */
  readonly slabBytes?: number;
  /** The largest region that `slab.allocate` can ever serve; default `SLAB_GIANT_BYTES`. */
  readonly slabGiantBytes?: number;
  /** Merged over `defaultLogConfig`; it applies to `openPartitions` specs without a config. */
  readonly defaults?: Partial<LogConfig>;
  /** False: clients always go through the shard, even when it sleeps. For measurements; default true. */
  readonly directAppends?: boolean;
  /** How often retention, rolls by time and expiry of producer ids are looked at; default 300,000 ms. */
  readonly retentionCheckIntervalMs?: number;
  /** Segment files open at a time at most; default: half of what the process may have open. */
  readonly openFilesMax?: number;
  /** Appends leave so much of the disk free, but at most 2 % of a small one; default 64 MiB, 0: none. */
  readonly keptFreeBytes?: number;
  /** For `shards: 0` only: another file system than the machine's (tests put a faulty one here). */
  readonly fileSystem?: FileSystem;
  /** For `shards: 0` only: another clock. */
  readonly clock?: Clock;
  /** One line for the operator: recovery, storage errors, slow flushes. Default: silent. */
  readonly log?: (line: string) => void;
  /** A broken invariant in a shard thread. Default: one line on stderr, then the process exits with code 1. */
  readonly onFatal?: (error: Error) => void;
}

export interface PartitionSpec {
  readonly topic: string;
  readonly partition: number;
  /** base64url, 22 characters; null for a directory without one. */
  readonly topicId: string | null;
  /** Pass the same object for partitions of the same configuration: it crosses to the shard once. */
  readonly config?: LogConfig;
  readonly leaderEpoch: number;
  /** False when replication advances the high watermark; default true: it follows the log end offset. */
  readonly autoAdvance?: boolean;
}

export interface PartitionRef {
  readonly topic: string;
  readonly partition: number;
  /** Index into the partition table while the engine runs. A slot is reused after deletion, with another incarnation. */
  readonly slot: number;
  /** Path of the partition's directory, for `EngineClient.reader`. */
  readonly directory: string;
  /** 0, or why this partition could not be opened (`ErrorCode.KAFKA_STORAGE_ERROR`): its slot is then offline. */
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export interface DiscoveredPartition {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string | null;
  readonly directory: string;
}

/** Counters since the engine opened, over all shards: for regression guards and for curiosity. They wrap at 2^32. */
export interface EngineStatistics {
  /** Passes of shards that found work. */
  readonly drains: number;
  readonly batches: number;
  /** Appends to a log: all batches of one partition in one pass are one. */
  readonly groups: number;
  /** Batches that a client thread appended itself, on behalf of a sleeping shard. */
  readonly direct: number;
  readonly shardWakeUps: number;
  readonly clientWakeUps: number;
}

export interface Engine {
  /** Client 0, of the opening thread. */
  readonly client: EngineClient;
  /** Partition directories that were found in `dataDir` when the engine opened. */
  readonly discovered: readonly DiscoveredPartition[];
  readonly dataDir: string;
  readonly shards: number;
  /** Segment files that all threads together keep open at most. */
  readonly openFilesMax: number;
  /** What one further thread needs: pass `handle` in `workerData`, and `handle.transferList` as the worker's `transferList`. */
  clientHandle(): EngineClientHandle;
  /** Opens or creates; thousands per call. Answers in the order of the specs. */
  openPartitions(specs: readonly PartitionSpec[]): Promise<PartitionRef[]>;
  /** The directories are renamed when this resolves (their names are free again) and unlinked after file.delete.delay.ms. */
  deletePartitions(slots: readonly number[]): Promise<void>;
  configure(changes: readonly { slot: number; config: LogConfig }[]): Promise<void>;
  /** Kafka's DeleteRecords for one partition; offset -1 means the high watermark. */
  deleteRecords(slot: number, offset: number): Promise<{ errorCode: number; lowWatermark: number }>;
  truncate(slot: number, offset: number): Promise<void>;
  advanceHighWatermark(slot: number, offset: number): Promise<void>;
  setLeaderEpoch(slot: number, epoch: number): Promise<void>;
  endOffsetForEpoch(
    slot: number,
    epoch: number,
  ): Promise<{ errorCode: number; leaderEpoch: number; endOffset: number }>;
  producers(slot: number): Promise<ProducerSummary[]>;
  /** Flushes these partitions (default: all) to the disk now. */
  flush(slots?: readonly number[]): Promise<void>;
  /** Looks at retention, rolls by time and producer id expiry now. */
  maintain(): Promise<void>;
  statistics(): EngineStatistics;
  /** Everything appended before is flushed and closed cleanly; other clients should be closed before. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Structured-cloneable together with its `transferList`; good for one thread, once. */
export interface EngineClientHandle {
  readonly clientIndex: number;
  readonly transferList: Transferable[];
  readonly [internal: string]: unknown;
}
type Transferable = import('node:worker_threads').Transferable;

export interface AppendDetail {
  readonly message: string | null;
  readonly recordErrors: readonly { index: number; message: string | null }[] | null;
}

export interface AppendOutcome {
  readonly errorCode: number;
  /** Offset of the first record; -1 when refused. */
  readonly baseOffset: number;
  /** -1 unless the topic stamps records itself (LogAppendTime). */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly detail: AppendDetail | null;
}

export type CompletionHandler = (
  token: number,
  errorCode: number,
  baseOffset: number,
  logAppendTimeMs: number,
  logStartOffset: number,
  detail: AppendDetail | null,
) => void;

export interface EngineClient {
  readonly clientIndex: number;
  readonly memory: SharedMemory;
  /** Regions of `memory`. -1 from `allocate` means full: pause the source of bytes and wait for `onSpace`. */
  readonly slab: SlabArena;
  /**
   * Hands one record batch that lies in `memory` to the shard of `slot`. The bytes belong to the shard until the completion
   * with this token (an int32 >= 0 of the caller's choice, below 2^31 - 1). Appends of one client to one partition keep their
   * order. False: the ring is full, nothing was taken; try again after `onSpace`.
   */
  submit(slot: number, at: number, size: number, token: number, flags: number): boolean;
  /** After a group of submits: wakes the shards that sleep and have work. */
  ring(): void;
  onCompletion: CompletionHandler;
  /** The high watermark of a watched partition moved, or its state changed. The watch is spent: set it again if needed. */
  onAdvance: (slot: number) => void;
  /** A submit or an allocation that failed before may succeed now. */
  onSpace: () => void;
  /** After a group of the callbacks above: the time to flush responses. */
  onDrained: (() => void) | null;
  /** Asks for one `onAdvance`. Read the marks AFTER it: an advance before it is not reported. */
  watch(slot: number): void;
  /** A consistent snapshot of the partition's numbers; false when the partition is not online (out.state says what it is). */
  marks(slot: number, out: Marks): boolean;
  /** Opens no file yet. The caller keeps the reader as long as the slot's incarnation stays, then closes it. */
  reader(slot: number, directory: string): PartitionReader;
  /** Copies the batch into the slab, appends it, gives the region back. For embedding; a front uses `submit`. */
  append(slot: number, batch: Uint8Array, flags?: number): Promise<AppendOutcome>;
  /** Submitted and not completed. */
  readonly outstanding: number;
  /** Appends that any shard would still take from this client. */
  readonly freeAppends: number;
  /** Rejects what is outstanding in `append`; no callback runs afterwards. */
  close(): void;
}

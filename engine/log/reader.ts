/**
 * Reads a partition from any thread: finds where an offset lies, says how much may be served from there, reads it.
 */

import type { Descriptor, DescriptorCache } from '../io/descriptor-cache.ts';
import type { FileSystem } from '../io/file-system.ts';
import type { MarksSource } from './cursor.ts';

export type ReadBound = 'highWatermark' | 'lastStableOffset' | 'logEndOffset';
export type ReadStatus = 'ok' | 'atEnd' | 'outOfRange' | 'offline' | 'gone';

/** Where the last fetch of a consumer ended: a fetch that continues there needs no lookup. Kept by the caller. */
export class ReadCursor {
  offset = -1;
  baseOffset = -1;
  position = 0;
  truncations = -1;
  incarnation = -1;
}

/** What `locate` found. Reused by the caller; good until the next `locate` with the same plan. */
export class ReadPlan {
  descriptor: Descriptor | null = null;
  /** Base offset of the segment, position and size of the bytes to read in its `.log`. */
  baseOffset = -1;
  position = 0;
  size = 0;
  /** Size of the first batch. 0: not looked at (it is only when minOneBatch asks for it). */
  firstBatchSize = 0;
  /** The offset that follows the planned bytes when they end at a known one, else -1. */
  endOffset = -1;
  /** Near the log's end, so most likely in the page cache: read it synchronously. */
  isHot = false;
  // The marks this was planned on.
  logStartOffset = 0;
  highWatermark = 0;
  lastStableOffset = 0;
  logEndOffset = 0;
  truncations = 0;
  incarnation = 0;
}

export interface TimestampLookup {
  offset: number;
  timestamp: number;
  leaderEpoch: number;
}

export interface PartitionReaderOptions {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly marks: MarksSource;
  readonly descriptors: DescriptorCache;
}

export declare class PartitionReader {
  constructor(options: PartitionReaderOptions);
  readonly directory: string;
  /**
   * Finds the bytes from the batch that holds `offset` on: at most `maxBytes` from one segment, below `bound`.
   * With `minOneBatch` at least the first batch whole. `hint` is where the caller's last fetch ended.
   * Throws FileError only when the disk fails.
   */
  locate(
    offset: number,
    bound: ReadBound,
    maxBytes: number,
    minOneBatch: boolean,
    hint: ReadCursor | null,
    out: ReadPlan,
  ): ReadStatus;
  /** Reads the planned bytes to `target` from `at`. Returns how many; -1 when the log was truncated or deleted meanwhile. */
  read(plan: ReadPlan, target: Uint8Array, at: number): number;
  /** The same on the thread pool, for bytes that may not be in the page cache. The plan must stay untouched until then. */
  readAsync(plan: ReadPlan, target: Uint8Array, at: number): Promise<number>;
  /**
   * Looks at what was read (`size` bytes at `at`), leaves in `hint` where the next fetch continues and returns the
   * size of the whole batches: bytes behind it are the beginning of one more.
   */
  remember(
    plan: ReadPlan,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    size: number,
    hint: ReadCursor,
  ): number;
  /** The first record below `bound` whose timestamp is not before `timestamp`; null when there is none. */
  offsetForTimestamp(timestamp: number, bound: ReadBound): TimestampLookup | null;
  /** The first record with the largest timestamp; null when the log is empty. */
  offsetOfMaxTimestamp(bound: ReadBound): TimestampLookup | null;
  close(): void;
}

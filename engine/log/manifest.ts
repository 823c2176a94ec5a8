/** Per-shard append-only file that says where each partition's recovery starts. A cache: without it directories are read. */

import type { FileSystem } from '../io/file-system.ts';

export interface SealedSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
}

export interface ManifestEntry {
  /** Name of the partition's directory. */
  readonly name: string;
  readonly logStartOffset: number;
  readonly recoveryPoint: number;
  /** The segment that holds the recovery point, and where in it. */
  readonly activeBaseOffset: number;
  readonly position: number;
  /** Of the active segment below the recovery point. */
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
  readonly firstTimestamp: number;
  readonly sealed: readonly SealedSegment[];
  /** Pairs of leader epoch and the offset it starts at. */
  readonly leaderEpochs: readonly number[];
  /** Whether producers were known at the recovery point. */
  readonly hasProducers: boolean;
  /** Closed cleanly: nothing lies behind the recovery point. */
  readonly isClean: boolean;
}

export interface ManifestSource {
  readonly directory: string;
  describe(): ManifestEntry;
}

export declare class Manifest {
  /** Reads the file; a damaged tail is ignored, a missing file is empty. `bootId` tells whether the system ran through. */
  static open(options: { fs: FileSystem; path: string; bootId: string | null }): Manifest;
  /** The system did not restart since the file was written: completed writes are still in its page cache. */
  readonly isSameBoot: boolean;
  /** Names of partitions known and not yet taken. */
  names(): string[];
  /** The entry of a partition, handed out once; null when there is none. */
  take(name: string): ManifestEntry | null;
  /** Notes the log as it is now, whole: at open, roll, retention, new epoch, close. Buffered until `write`. */
  put(log: ManifestSource): void;
  /** Notes that only the recovery point moved. Buffered until `write`. */
  point(log: ManifestSource): void;
  remove(name: string): void;
  /** Writes what is buffered with one write; rewrites the file when it has grown too much. */
  write(): void;
  /** The same, and on the disk. */
  sync(): void;
  close(): void;
}

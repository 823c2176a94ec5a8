/**
 * The log of one partition: appends, marks, segments, retention. Runs on one thread; everything is synchronous.
 */

import type { Clock } from '../base/clock.ts';
import type { FileSystem } from '../io/file-system.ts';
import type { AppendPiece } from './append.ts';
import type { LogConfig } from './log-config.ts';
import type { LogResources } from './log-resources.ts';
import type { Manifest, ManifestEntry } from './manifest.ts';
import type { ProducerSummary } from './producer-state.ts';

export interface PublishHooks {
  /** Before the cursor is changed: readers wait. */
  begin(): void;
  end(): void;
}

export interface PartitionLogOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** Absolute path of the partition's directory; made when missing. */
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
  /** 16 bytes; null when unknown. A directory of another topic id is refused. */
  readonly topicId: Uint8Array | null;
  readonly config: LogConfig;
  readonly cursor: Float64Array;
  readonly leaderEpoch: number;
  /** What all logs of a thread share; made for this log alone when missing. */
  readonly resources?: LogResources;
  /** Where to continue: from `Manifest.take`. Without it the directory is read. */
  readonly hint?: ManifestEntry | null;
  /** Told of what the next start needs to know. */
  readonly manifest?: Manifest | null;
  /** Below this offset everything is on the disk and whole, when there is no hint: Kafka's checkpoint knows it. */
  readonly recoveryPoint?: number;
  /** How to look at the tail behind the recovery point: `headers` when only this process, not the system, died. */
  readonly verifyTail?: 'crc' | 'headers';
  /** True (default): the high watermark follows the log end offset; false: replication moves it. */
  readonly autoAdvance?: boolean;
  /** True: flush.messages and flush.ms are left to the caller, who asks `needsSync` and calls `syncPending`. */
  readonly deferSync?: boolean;
  readonly publish?: PublishHooks;
  readonly onGenerationChange?: () => void;
  readonly onTruncate?: () => void;
  /** The log takes no more appends: a write or a flush failed in a way that leaves its bytes in doubt. */
  readonly onOffline?: (cause: unknown) => void;
  /** One line for the operator. */
  readonly log?: (line: string) => void;
}

export interface SegmentSummary {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly maxTimestamp: number;
  readonly isActive: boolean;
}

/** Files to bring to the disk in the background, and what that is worth. */
export interface FlushWork {
  /** Everything below this offset is on the disk when the files are. */
  readonly upTo: number;
  readonly position: number;
  readonly truncations: number;
  readonly paths: readonly string[];
  /** The directory too must be synced: a segment is new in it. Null: it need not. */
  readonly directory: string | null;
}

export declare class PartitionLog {
  static open(options: PartitionLogOptions): PartitionLog;
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  readonly cursor: Float64Array;
  readonly isOffline: boolean;
  readonly config: LogConfig;
  readonly leaderEpoch: number;
  /** Appends batches of a client: see the file header. Outcomes are in the pieces. Never throws for I/O errors. */
  appendAsLeader(pieces: AppendPiece[], count: number): void;
  /** Appends batches that carry their offsets and epochs already. */
  appendAsFollower(pieces: AppendPiece[], count: number): void;
  /** Removes every batch that reaches `offset` or beyond. */
  truncateTo(offset: number): void;
  /** Empties the log, which continues at `offset`. */
  truncateFullyAndStartAt(offset: number): void;
  /** Moves the log start offset up; whole old segments go. Returns the log start offset, -1 when beyond the high watermark. */
  deleteRecordsBefore(offset: number): number;
  advanceHighWatermark(offset: number): void;
  setLeaderEpoch(epoch: number): void;
  /** Deletes what retention no longer keeps; returns how many segments. */
  applyRetention(nowMs: number): number;
  rollIfDue(nowMs: number): boolean;
  /** Housekeeping of an idle log: writes out buffered index entries, forgets expired producer ids. */
  maintain(nowMs: number): void;
  /** Whether flush.messages or flush.ms ask for a sync before the last appends may be answered. */
  readonly needsSync: boolean;
  /** Does it; throws FileError, and then the log is offline and the appends must be answered KAFKA_STORAGE_ERROR. */
  syncPending(): void;
  /** Brings everything to the disk now. */
  flush(): void;
  /** Whether a background flush is due: by bytes, or by age. */
  flushDue(nowMs: number): boolean;
  /** What to sync in the background; null when all is on the disk. Writes out buffered index entries first. */
  flushWork(): FlushWork | null;
  /** The background flush is done: the recovery point moves up. Ignored when the log was truncated meanwhile. */
  noteFlushed(work: FlushWork, nowMs: number): void;
  updateConfig(config: LogConfig): void;
  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number };
  producers(): ProducerSummary[];
  readonly sizeBytes: number;
  segments(): SegmentSummary[];
  /** What the manifest keeps of this log. */
  describe(): ManifestEntry;
  /** Cuts the preallocation, writes the producer snapshot, syncs. The log must not be used afterwards. */
  close(): void;
  /** Closes, and renames the directory out of the way; returns the new path, to be removed after file.delete.delay.ms. */
  delete(suffix: string): string;
}

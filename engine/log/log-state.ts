/**
 * The state of one open partition log, shared by the files that make it up by phase of life: opening
 * (log-open.ts), appending (appender.ts), rolling (log-roll.ts), truncating (log-truncate.ts), retention
 * (log-retention.ts), flushing (log-flush.ts). `PartitionLog` is the face of it. The hot numbers are not here
 * but in the cursor.
 *
 * The log's thread. Kept small: a broker may have ten thousand idle ones.
 */

import type { Clock } from '../base/clock.ts';
import { Descriptor } from '../io/descriptor-cache.ts';
import type { FileSystem } from '../io/file-system.ts';
import { Cursor } from './cursor.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import type { LogConfig } from './log-config.ts';
import type { LogResources } from './log-resources.ts';
import type { Manifest, ManifestEntry, ManifestSource, SealedSegment } from './manifest.ts';
import type { ProducerState } from './producer-state.ts';
import { logPath } from './segment-files.ts';
import { SegmentIndex } from './segment-index.ts';

export interface PublishHooks {
  /** Before the cursor is changed: readers wait until `end`. */
  begin(): void;
  end(): void;
}

/** The callbacks of a log, all optional; one object may serve many logs. */
export interface LogHooks {
  readonly publish: PublishHooks;
  readonly onGenerationChange: () => void;
  readonly onTruncate: () => void;
  readonly onOffline: (cause: unknown) => void;
  readonly log: (line: string) => void;
}

export interface LogIdentity {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  readonly topicId: string | null;
  readonly cursor: Float64Array;
  readonly autoAdvance: boolean;
  readonly deferSync: boolean;
}

/** How far the log is on the disk: what the manifest says of it. */
export interface FlushPoint {
  readonly offset: number;
  /** The segment that holds the offset, and where in it. */
  readonly baseOffset: number;
  readonly position: number;
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
  readonly firstTimestamp: number;
  readonly hasProducers: boolean;
}

export class LogState implements ManifestSource {
  readonly identity: LogIdentity;
  /** Name of the partition's directory. */
  readonly name: string;
  readonly resources: LogResources;
  readonly manifest: Manifest | null;
  readonly hooks: LogHooks;
  readonly index: SegmentIndex;
  readonly epochs = new LeaderEpochs();
  config: LogConfig;
  leaderEpoch: number;
  /** Rising base offsets; the active segment is not among them. */
  sealed: SealedSegment[] = [];
  /** Null until the first producer: most partitions of a large broker have none. */
  producers: ProducerState | null = null;
  /** Producer snapshots on the disk, rising offsets. */
  snapshots: number[] = [];
  /** By the wall clock: when the active segment was started, or found at the start. */
  activeSinceMs: number;
  /** Segment files created so far, and how many of them a sync of the directory covers. */
  directoryChanges = 0;
  directoryChangesSynced = 0;
  isOffline = false;
  isClosed = false;
  flushPoint: FlushPoint;
  /** Bytes appended behind the flush point, and since when there are any. */
  unflushedBytes = 0;
  unflushedSinceMs = Number.POSITIVE_INFINITY;
  /**
   * Up to here a power failure takes nothing: what of it is not on the disk in its segment (the recovery point says that) is in
   * the shard's journal. And where in the active `.log` that is; meaningful while it lies above the recovery point.
   */
  safeOffset = 0;
  safePosition = 0;
  /** Its pending bytes are in the journal's frame under way. */
  isInFrame = false;
  /** Bytes appended since the manifest was last told of the recovery point, and since the last producer snapshot. */
  bytesSincePoint = 0;
  bytesSinceSnapshot = 0;
  /** Moves with every truncation: a flush begun before one proves nothing after it. */
  truncations = 0;
  #descriptor: Descriptor | null = null;
  #isPreallocated = false;

  constructor(
    identity: LogIdentity,
    parts: {
      resources: LogResources;
      manifest: Manifest | null;
      hooks: LogHooks;
      config: LogConfig;
      leaderEpoch: number;
      activeBaseOffset: number;
      isNew: boolean;
    },
  ) {
    this.identity = identity;
    this.name = `${identity.topic}-${identity.partition}`;
    this.resources = parts.resources;
    this.manifest = parts.manifest;
    this.hooks = parts.hooks;
    this.config = parts.config;
    this.leaderEpoch = parts.leaderEpoch;
    this.index = new SegmentIndex(parts.resources.fs, parts.resources.pendingPool, {
      directory: identity.directory,
      baseOffset: parts.activeBaseOffset,
      isNew: parts.isNew,
    });
    this.isPreallocated = false;
    this.cursor[Cursor.AHEAD_AT_MS] = Number.NEGATIVE_INFINITY;
    this.activeSinceMs = parts.resources.clock.now();
    this.flushPoint = {
      offset: parts.activeBaseOffset,
      baseOffset: parts.activeBaseOffset,
      position: 0,
      maxTimestamp: -1,
      maxTimestampOffset: -1,
      firstTimestamp: -1,
      hasProducers: false,
    };
  }

  get fs(): FileSystem {
    return this.resources.fs;
  }

  get clock(): Clock {
    return this.resources.clock;
  }

  get cursor(): Float64Array {
    return this.identity.cursor;
  }

  get directory(): string {
    return this.identity.directory;
  }

  get activeBaseOffset(): number {
    return this.cursor[Cursor.ACTIVE_BASE_OFFSET]!;
  }

  /** The active `.log` has been extended to its full size. Set whenever that changes, or another is the active one. */
  get isPreallocated(): boolean {
    return this.#isPreallocated;
  }

  set isPreallocated(isPreallocated: boolean) {
    this.#isPreallocated = isPreallocated;
    this.cursor[Cursor.AHEAD_POSITION] = isPreallocated ? 0 : Number.POSITIVE_INFINITY;
  }

  /** Base offset of the oldest segment. */
  get firstBaseOffset(): number {
    return this.sealed.length > 0 ? this.sealed[0]!.baseOffset : this.activeBaseOffset;
  }

  /** Where the sealed segment at `index` ends: the base offset of the next. */
  endOfSealed(index: number): number {
    return index + 1 < this.sealed.length
      ? this.sealed[index + 1]!.baseOffset
      : this.activeBaseOffset;
  }

  /** The active `.log`, open for writing; made when missing. */
  activeFd(): number {
    this.#descriptor ??= new Descriptor(logPath(this.directory, this.activeBaseOffset), 'create');
    return this.resources.descriptors.use(this.#descriptor);
  }

  /** Closes the active `.log`: another is active, or the log is closed. */
  releaseActive(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = null;
    if (descriptor !== null) this.resources.descriptors.release(descriptor);
  }

  /** The log's bytes are in doubt: it takes nothing more until it is opened again. */
  goOffline(cause: unknown): void {
    if (this.isOffline) return;
    this.isOffline = true;
    this.hooks.onOffline(cause);
  }

  /** What may be read by who wants only decided records. */
  lastStableOffset(highWatermark: number): number {
    if (this.producers === null) return highWatermark;
    return Math.min(highWatermark, this.producers.firstUndecidedOffset);
  }

  /** Flush point at the log's very end. */
  endPoint(): FlushPoint {
    const { cursor } = this;
    return {
      offset: cursor[Cursor.LOG_END_OFFSET]!,
      baseOffset: cursor[Cursor.ACTIVE_BASE_OFFSET]!,
      position: cursor[Cursor.ACTIVE_POSITION]!,
      maxTimestamp: cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!,
      maxTimestampOffset: cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET]!,
      firstTimestamp: cursor[Cursor.ACTIVE_FIRST_TIMESTAMP]!,
      hasProducers: (this.producers?.size ?? 0) > 0,
    };
  }

  /** Tells the manifest all that is known of the log. Buffered there until it is written. */
  note(): void {
    this.manifest?.put(this);
    this.epochs.isNoted = true;
  }

  /** Tells it that the recovery point moved; a new leader epoch is told with it, which recovery could not see any more. */
  notePoint(): void {
    this.bytesSincePoint = 0;
    if (!this.epochs.isNoted) this.note();
    else this.manifest?.point(this);
  }

  describe(): ManifestEntry {
    const { flushPoint } = this;
    return {
      name: this.name,
      topicId: this.identity.topicId,
      logStartOffset: this.cursor[Cursor.LOG_START_OFFSET]!,
      recoveryPoint: flushPoint.offset,
      activeBaseOffset: flushPoint.baseOffset,
      position: flushPoint.position,
      maxTimestamp: flushPoint.maxTimestamp,
      maxTimestampOffset: flushPoint.maxTimestampOffset,
      firstTimestamp: flushPoint.firstTimestamp,
      hasProducers: flushPoint.hasProducers,
      sealed: this.sealed,
      leaderEpochs: this.epochs.pairs(),
      isClean: this.isClosed,
      isSameBoot: true,
    };
  }
}

/**
 * The log of one partition. Records are appended at its end, get their offsets there, and are served from its
 * segment files by `PartitionReader` in any thread; retention takes them away at its beginning.
 *
 * Marks, always in this order: log start offset <= high watermark <= log end offset; recovery point <= log end
 * offset. They live in the cursor, which is changed inside the publish brackets only.
 *
 * All calls on one thread, synchronous. Appends answer I/O errors per piece; everything else throws FileError.
 * docs/format.md, section "Partition directory".
 */

import type { Preparation } from '../format/prepare.ts';
import { isFileError } from '../io/file-system.ts';
import type { AppendPiece } from './append.ts';
import { Cursor } from './cursor.ts';
import { noteDirect, noteDirectIndex, offerDirect } from './direct-append.ts';
import type { LogConfig } from './log-config.ts';
import {
  backgroundFlushWork,
  concludeSync,
  type FlushWork,
  flushDue,
  flushLog,
  needsSync,
  noteFlushed,
  singleSync,
  syncPending,
} from './log-flush.ts';
import { openLog, type PartitionLogOptions } from './log-open.ts';
import { applyRetention, deleteRecordsBefore } from './log-retention.ts';
import { rollLog, segmentAgeMax } from './log-roll.ts';
import type { LogState } from './log-state.ts';
import { truncateFullyAndStartAt, truncateTo } from './log-truncate.ts';
import type { ManifestEntry } from './manifest.ts';
import { writeSnapshot } from './producer-snapshots.ts';
import type { ProducerSummary } from './producer-state.ts';

export type { FlushWork } from './log-flush.ts';
export type { PartitionLogOptions } from './log-open.ts';
export type { PublishHooks } from './log-state.ts';

export interface SegmentSummary {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly maxTimestamp: number;
  readonly isActive: boolean;
}

export class PartitionLog {
  readonly #state: LogState;

  private constructor(state: LogState) {
    this.#state = state;
  }

  /** Opens the log in a directory, or creates it. Throws FileError, or MillraceError 'topic-id'. */
  static open(options: PartitionLogOptions): PartitionLog {
    return new PartitionLog(openLog(options));
  }

  get topic(): string {
    return this.#state.identity.topic;
  }

  get partition(): number {
    return this.#state.identity.partition;
  }

  get directory(): string {
    return this.#state.directory;
  }

  get cursor(): Float64Array {
    return this.#state.cursor;
  }

  get config(): LogConfig {
    return this.#state.config;
  }

  get leaderEpoch(): number {
    return this.#state.leaderEpoch;
  }

  /** A write or flush failed and left the bytes in doubt: nothing is appended until the log is opened again. */
  get isOffline(): boolean {
    return this.#state.isOffline;
  }

  get sizeBytes(): number {
    return this.#state.cursor[Cursor.LOG_BYTES]!;
  }

  /**
   * Appends batches as the leader: checks each, assigns offsets and leader epoch in place, writes, and leaves the
   * outcomes in the pieces. A piece may fail alone. The bytes are the caller's again when this returns: how many pieces it
   * took, from the first; with `postpones` not all. The next one is to be prepared, and come again with PREPARED.
   */
  appendAsLeader(pieces: AppendPiece[], count: number): number {
    return this.#state.resources.appender.appendAsLeader(this.#state, pieces, count);
  }

  /** What batches of clients are to be prepared for. */
  preparation(): Preparation {
    return this.#state.resources.appender.preparationFor(this.#state);
  }

  /** Appends batches that carry their offsets and epochs. One that does not continue the log: OFFSET_OUT_OF_RANGE. */
  appendAsFollower(pieces: AppendPiece[], count: number): void {
    this.#state.resources.appender.appendAsFollower(this.#state, pieces, count);
  }

  /** Says in the cursor what other threads may append meanwhile: direct-append.ts. */
  offerDirect(isFlushArmed: boolean): void {
    offerDirect(this.#state, isFlushArmed);
  }

  /** Takes into account what other threads appended. */
  noteDirect(bytes: number, nowMs: number): void {
    noteDirect(this.#state, bytes, nowMs);
  }

  /** Takes in an index entry that came due there. */
  noteDirectIndex(
    lastOffset: number,
    position: number,
    maxTimestamp: number,
    maxTimestampOffset: number,
  ): void {
    noteDirectIndex(this.#state, lastOffset, position, maxTimestamp, maxTimestampOffset);
  }

  /** Removes every batch that reaches `offset` or beyond; nothing happens when the log ends before. */
  truncateTo(offset: number): void {
    truncateTo(this.#state, offset);
  }

  /** Empties the log, which goes on at `offset`: for a follower whose leader's log starts beyond its own. */
  truncateFullyAndStartAt(offset: number): void {
    truncateFullyAndStartAt(this.#state, offset);
  }

  /** Moves the log start offset up; whole old segments go. Returns it, or -1 when beyond the high watermark. */
  deleteRecordsBefore(offset: number): number {
    return deleteRecordsBefore(this.#state, offset);
  }

  /** Moves the high watermark up to `offset`, at most to the log end offset. Never down. */
  advanceHighWatermark(offset: number): void {
    const { cursor, hooks } = this.#state;
    const highWatermark = Math.min(offset, cursor[Cursor.LOG_END_OFFSET]!);
    if (highWatermark < cursor[Cursor.HIGH_WATERMARK]!) return;
    hooks.publish.begin();
    cursor[Cursor.HIGH_WATERMARK] = highWatermark;
    cursor[Cursor.LAST_STABLE_OFFSET] = this.#state.lastStableOffset(highWatermark);
    hooks.publish.end();
  }

  /** Epoch of the batches appended as leader from now on. */
  setLeaderEpoch(epoch: number): void {
    this.#state.leaderEpoch = epoch;
  }

  /** Drops what retention no longer keeps; returns how many segments. */
  applyRetention(nowMs: number): number {
    if (this.#state.isOffline) return 0;
    return applyRetention(this.#state, nowMs);
  }

  /** Rolls a segment that has been the active one for segment.ms, also when nothing more is appended. */
  rollIfDue(nowMs: number): boolean {
    const state = this.#state;
    if (state.isOffline || state.cursor[Cursor.ACTIVE_POSITION] === 0) return false;
    // Not by its timestamps: with event times years back every look would roll.
    if (nowMs - state.activeSinceMs <= segmentAgeMax(state)) return false;
    rollLog(state);
    return true;
  }

  /** Housekeeping: writes out gathered index entries, forgets expired producer ids. */
  maintain(nowMs: number): void {
    const state = this.#state;
    if (state.isOffline) return;
    state.index.writeOut();
    const { producers, config } = state;
    if (producers === null) return;
    producers.expire(nowMs, config.producerIdExpirationMs);
    producers.bound(config.maxProducers);
    if (producers.size === 0) state.producers = null;
  }

  /** Whether flush.messages asks for a sync before the last appends may be answered. */
  get needsSync(): boolean {
    return !this.#state.isOffline && needsSync(this.#state);
  }

  /** Does it. Throws FileError: then the log is offline, and those appends must be answered KAFKA_STORAGE_ERROR. */
  syncPending(): void {
    syncPending(this.#state);
  }

  /**
   * For callers that sync several logs at once: what `syncPending` would conclude when syncing `activeFd` is all it would do,
   * else null. Then sync, and `concludeSync`, or `noteFlushFailed`.
   */
  singleSync(): FlushWork | null {
    return singleSync(this.#state);
  }

  /** Gives what is pending to the journal's frame under way; false when it does not belong there and the file is to be synced. */
  toJournal(): boolean {
    return this.#state.resources.journal?.take(this.#state) ?? false;
  }

  /** The journal waits for a flush of this log before it can use its other half again. */
  get isJournalWaiting(): boolean {
    return this.#state.resources.journal?.isWaitingFor(this.#state) ?? false;
  }

  concludeSync(work: FlushWork): void {
    concludeSync(this.#state, work);
  }

  /** The active `.log`, open for writing, until the next call on any log of this thread. */
  get activeFd(): number {
    return this.#state.activeFd();
  }

  /** Brings everything to the disk now. */
  flush(): void {
    flushLog(this.#state);
  }

  /** Whether a background flush is due. */
  flushDue(nowMs: number): boolean {
    return flushDue(this.#state, nowMs);
  }

  /** What another thread has to sync; null when all is on the disk. */
  flushWork(): FlushWork | null {
    return backgroundFlushWork(this.#state);
  }

  /** The files of `work` are on the disk. Ignored when the log was truncated in between. */
  noteFlushed(work: FlushWork, nowMs: number): void {
    noteFlushed(this.#state, work, nowMs);
  }

  /** A background flush failed: which bytes are on the disk is not known any more, so the log goes offline. */
  noteFlushFailed(cause: unknown): void {
    this.#state.goOffline(cause);
  }

  /** Takes effect with the next append or round of retention. */
  updateConfig(config: LogConfig): void {
    this.#state.config = config;
  }

  /** Where `epoch`, or the largest known one below it, ended: OffsetForLeaderEpoch. -1 and -1: unknown. */
  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    const state = this.#state;
    return state.epochs.endOffsetFor(epoch, state.cursor[Cursor.LOG_END_OFFSET]!);
  }

  producers(): ProducerSummary[] {
    return this.#state.producers?.summaries() ?? [];
  }

  /** All segments, oldest first. */
  segments(): SegmentSummary[] {
    const { sealed, cursor } = this.#state;
    const summaries = sealed.map(({ baseOffset, sizeBytes, maxTimestamp }) => {
      return { baseOffset, sizeBytes, maxTimestamp, isActive: false };
    });
    summaries.push({
      baseOffset: cursor[Cursor.ACTIVE_BASE_OFFSET]!,
      sizeBytes: cursor[Cursor.ACTIVE_POSITION]!,
      maxTimestamp: cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!,
      isActive: true,
    });
    return summaries;
  }

  /** What the manifest keeps of this log. */
  describe(): ManifestEntry {
    return this.#state.describe();
  }

  /**
   * Leaves the files as Kafka leaves them at a controlled shutdown: nothing behind the last batch, indexes complete,
   * a producer snapshot at the end, everything synced. The log must not be used afterwards.
   */
  close(): void {
    const state = this.#state;
    if (state.isClosed) return;
    if (!state.isOffline) this.#leaveTidy();
    state.releaseActive();
    state.index.drop();
    state.isClosed = !state.isOffline;
    state.note();
  }

  /** Closes, and renames the directory out of the way to `renamed`, a path in the same directory. */
  delete(renamed: string): void {
    const state = this.#state;
    state.releaseActive();
    state.index.drop();
    state.isClosed = true;
    state.isOffline = true;
    state.manifest?.remove(state.name);
    state.resources.journal?.void(state);
    try {
      state.fs.rename(state.directory, renamed);
    } catch (error) {
      // Somebody removed it already.
      if (!isFileError(error, 'not-found')) throw error;
    }
  }

  #leaveTidy(): void {
    const state = this.#state;
    const { cursor, fs } = state;
    const position = cursor[Cursor.ACTIVE_POSITION]!;
    if (state.isPreallocated) {
      fs.truncate(state.activeFd(), position);
      state.isPreallocated = false;
    }
    const isUntouched = cursor[Cursor.APPENDED_COUNT] === 0;
    if (!isUntouched) {
      state.index.addTime(
        cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!,
        cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET]!,
      );
      if (position > 0) state.index.seal();
      else state.index.writeOut();
      writeSnapshot(state, cursor[Cursor.LOG_END_OFFSET]!);
      state.epochs.isDirty ||= state.epochs.count === 1;
      state.epochs.write(fs, state.directory);
    }
    try {
      flushLog(state);
    } catch (error) {
      if (!isFileError(error)) throw error;
      // What could not be synced is scanned at the next start: the recovery point has not moved.
      state.hooks.log(`${state.directory}: the last flush failed, ${error.message}`);
    }
  }
}

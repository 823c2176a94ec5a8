/**
 * How appended bytes get to the disk, and what is known of it. The recovery point says how far the segments are there;
 * it moves up after a sync of theirs only. Three ways lead there: flush.messages (the append is answered after the sync), a
 * background flush by age or size of the tail, which bounds what a recovery has to look at, and an explicit flush.
 *
 * flush.messages is also content with the shard's journal (journal.ts): bytes that are on the disk there are safe, and may
 * be answered and read. The recovery point stays where it is until a background flush has synced the segment.
 *
 * A background flush is split: `flushWork` names the files, another thread syncs them, `noteFlushed` draws the
 * conclusion. Bytes appended in between are not part of it, and a truncation in between voids it.
 *
 * The log's thread.
 */

import { MIB } from '../base/limits.ts';
import { LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX } from '../format/index-layout.ts';
import { isFileError } from '../io/file-system.ts';
import { Cursor } from './cursor.ts';
import type { FlushPoint, LogState } from './log-state.ts';
import { writeSnapshot } from './producer-snapshots.ts';
import { segmentPath } from './segment-files.ts';

/** With a sync per append the manifest need not hear of each: recovery then reads at most so much more. */
const POINT_BYTES = 8 * MIB;

/** Files to bring to the disk, and what is known when they are. */
export interface FlushWork {
  /** Everything below this offset is on the disk then. */
  readonly upTo: number;
  readonly paths: readonly string[];
  /** The directory to sync after the files, because it has new ones; null: it need not be. */
  readonly directory: string | null;
  readonly point: FlushPoint;
  readonly bytes: number;
  readonly startedMs: number;
  readonly truncations: number;
  readonly directoryChanges: number;
}

/** Inside the publish brackets of an append: counts its bytes and moves the high watermark, if nobody else does. */
export function noteAppended(log: LogState, bytes: number, nowMs: number): void {
  log.unflushedBytes += bytes;
  log.bytesSincePoint += bytes;
  log.bytesSinceSnapshot += bytes;
  if (log.unflushedSinceMs === Number.POSITIVE_INFINITY) log.unflushedSinceMs = nowMs;
  // What must be on the disk before it is answered must not be read before either.
  if (log.identity.autoAdvance && !needsSync(log)) {
    advanceTo(log, log.cursor[Cursor.LOG_END_OFFSET]!);
  }
}

function advanceTo(log: LogState, offset: number): void {
  const { cursor } = log;
  const highWatermark = Math.max(offset, cursor[Cursor.HIGH_WATERMARK]!);
  cursor[Cursor.HIGH_WATERMARK] = highWatermark;
  cursor[Cursor.LAST_STABLE_OFFSET] = log.lastStableOffset(highWatermark);
}

/** Whether flush.messages asks for a sync before the last appends may be answered. */
export function needsSync(log: LogState): boolean {
  const { cursor } = log;
  const safeOffset = Math.max(cursor[Cursor.RECOVERY_POINT]!, log.safeOffset);
  const unsafe = cursor[Cursor.LOG_END_OFFSET]! - safeOffset;
  return unsafe > 0 && unsafe >= log.config.flushMessages;
}

/**
 * Where in the active `.log` the bytes begin that are not safe; -1 when more than those is to be brought to the disk: sealed
 * segments, or the names of new files. The journal holds nothing but tails of segments that are surely there after a crash.
 */
export function unsafePosition(log: LogState): number {
  const { cursor } = log;
  const recoveryPoint = cursor[Cursor.RECOVERY_POINT]!;
  // A roll is a new name as well, so a sealed segment behind the recovery point comes with one; the second look costs nothing.
  if (log.isOffline || log.directoryChangesSynced < log.directoryChanges) return -1;
  if (log.sealed.length > 0 && recoveryPoint <= log.activeBaseOffset) return -1;
  return log.safeOffset > recoveryPoint ? log.safePosition : cursor[Cursor.FLUSHED_POSITION]!;
}

/** The journal has the log's bytes up to its end on the disk: lets the records be read. */
export function concludeJournal(log: LogState): void {
  const { cursor } = log;
  log.safeOffset = cursor[Cursor.LOG_END_OFFSET]!;
  log.safePosition = cursor[Cursor.ACTIVE_POSITION]!;
  if (!log.identity.autoAdvance) return;
  log.hooks.publish.begin();
  advanceTo(log, log.safeOffset);
  log.hooks.publish.end();
}

/** Syncs if flush.messages asks for it; false when that failed. */
export function syncIfAsked(log: LogState): boolean {
  return !needsSync(log) || trySync(log);
}

/** `syncPending`; false when it failed: the log is offline then, and says so itself. */
export function trySync(log: LogState): boolean {
  try {
    syncPending(log);
    return true;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return false;
  }
}

/** Brings everything to the disk and lets it be read. Throws FileError; the log is offline then. */
export function syncPending(log: LogState): void {
  const work = flushWork(log);
  if (work === null) return;
  try {
    for (const path of work.paths) syncPath(log, path);
    log.fs.sync(log.activeFd());
    if (work.directory !== null) log.fs.syncDir(work.directory);
  } catch (error) {
    // After a failed sync nobody knows which pages are on the disk, and a second one may say all is well.
    if (isFileError(error)) log.goOffline(error);
    throw error;
  }
  concludeSync(log, work);
}

/** What `syncPending` would do when that is no more than to sync the active `.log`, else null: for who syncs several at once. */
export function singleSync(log: LogState): FlushWork | null {
  const work = flushWork(log);
  return work === null || work.paths.length > 0 || work.directory !== null ? null : work;
}

/** The files of `work` are on the disk, and nothing was appended in between: lets the records be read. */
export function concludeSync(log: LogState, work: FlushWork): void {
  advance(log, work, log.clock.now());
  if (log.bytesSincePoint >= POINT_BYTES) {
    try {
      writeDerived(log, work);
      log.notePoint();
    } catch (error) {
      // The records are safe. Without the note a recovery starts further back, that is all.
      if (!isFileError(error)) throw error;
    }
  }
  if (!log.identity.autoAdvance) return;
  log.hooks.publish.begin();
  advanceTo(log, work.upTo);
  log.hooks.publish.end();
}

/** Brings everything to the disk, derived files included, and notes it. Throws FileError. */
export function flushLog(log: LogState): void {
  log.index.writeOut();
  syncPending(log);
  if (log.bytesSincePoint > 0) log.notePoint();
}

/** Whether a background flush is due: by bytes, or by the age of the oldest one. */
export function flushDue(log: LogState, nowMs: number): boolean {
  if (log.unflushedBytes === 0) return false;
  if (log.unflushedBytes >= log.config.flushTailBytes) return true;
  // The wall clock may have been set back.
  if (nowMs < log.unflushedSinceMs) log.unflushedSinceMs = nowMs;
  return nowMs - log.unflushedSinceMs >= Math.min(log.config.flushTailMs, log.config.flushMs);
}

/**
 * What a background flush has to sync; null when all is on the disk. The active segment's file is always the
 * last path but `syncPending` has it open already. Throws FileError.
 */
export function flushWork(log: LogState): FlushWork | null {
  const { cursor } = log;
  const recoveryPoint = cursor[Cursor.RECOVERY_POINT]!;
  if (log.isOffline || recoveryPoint === cursor[Cursor.LOG_END_OFFSET]) return null;
  const paths: string[] = [];
  for (let index = log.sealed.length - 1; index >= 0; index--) {
    // One that ends there exactly may have been sealed, its indexes completed, after its last flush.
    if (log.endOfSealed(index) < recoveryPoint) break;
    const { baseOffset } = log.sealed[index]!;
    for (const suffix of [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX]) {
      paths.unshift(segmentPath(log.directory, baseOffset, suffix));
    }
  }
  return {
    upTo: cursor[Cursor.LOG_END_OFFSET]!,
    paths,
    directory: log.directoryChangesSynced < log.directoryChanges ? log.directory : null,
    point: log.endPoint(),
    bytes: log.unflushedBytes,
    startedMs: log.clock.now(),
    truncations: log.truncations,
    directoryChanges: log.directoryChanges,
  };
}

/** The same for another thread: the active `.log` is among the paths, derived files are written out first. */
export function backgroundFlushWork(log: LogState): FlushWork | null {
  const work = flushWork(log);
  if (work === null) return null;
  writeDerived(log, work);
  const active = segmentPath(log.directory, log.activeBaseOffset, LOG_SUFFIX);
  return { ...work, paths: [...work.paths, active] };
}

/**
 * Writes what recovery would otherwise have to find out from batches below the recovery point: index entries that only
 * memory knows, leader epochs, and now and then the producers.
 */
function writeDerived(log: LogState, work: FlushWork): void {
  log.index.writeOut();
  if (log.epochs.count > 1) log.epochs.write(log.fs, log.directory);
  if (work.point.hasProducers && log.bytesSinceSnapshot >= log.config.flushTailBytes) {
    writeSnapshot(log, work.upTo);
  }
}

/** The files of `work` are on the disk. */
export function noteFlushed(log: LogState, work: FlushWork, nowMs: number): void {
  if (log.isClosed || work.truncations !== log.truncations) return;
  advance(log, work, nowMs);
  log.notePoint();
}

function advance(log: LogState, work: FlushWork, nowMs: number): void {
  const { cursor } = log;
  log.directoryChangesSynced = Math.max(log.directoryChangesSynced, work.directoryChanges);
  if (work.upTo <= cursor[Cursor.RECOVERY_POINT]!) return;
  log.flushPoint = work.point;
  log.unflushedBytes = Math.max(0, log.unflushedBytes - work.bytes);
  log.unflushedSinceMs = log.unflushedBytes > 0 ? work.startedMs : Number.POSITIVE_INFINITY;
  const isActive = work.point.baseOffset === log.activeBaseOffset;
  log.hooks.publish.begin();
  cursor[Cursor.RECOVERY_POINT] = work.upTo;
  cursor[Cursor.FLUSHED_POSITION] = isActive ? work.point.position : 0;
  cursor[Cursor.FLUSHED_AT_MS] = nowMs;
  log.hooks.publish.end();
}

function syncPath(log: LogState, path: string): void {
  const fd = log.fs.open(path, 'write');
  try {
    log.fs.sync(fd);
  } finally {
    log.fs.close(fd);
  }
}

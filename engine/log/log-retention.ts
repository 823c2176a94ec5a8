/**
 * What a log gives up: segments whose largest timestamp is older than retention.ms, the oldest ones beyond
 * retention.bytes, and whole segments below the log start offset (UnifiedLog.deleteOldSegments). Oldest first,
 * never past the high watermark, never the active segment: when that one has expired it is rolled first.
 *
 * Dropping segments, in steps:
 *   1. the log start offset moves to the first segment that stays; readers are told (a crash now: the files are
 *      still there, the old start offset comes back, and the next round drops them again)
 *   2. the manifest is told
 *   3. each file is renamed to `.deleted`, oldest segment first, `.log` first (a crash now: what remains is a
 *      contiguous end of the log; index files without their `.log` and `.deleted` files are unlinked at the start)
 *   4. they are unlinked after file.delete.delay.ms by whoever takes deletions
 * Where all segments go, the new active one was made before and the directory is synced before step 3: a power
 * failure that kept the renames but not the new file would forget at which offset the log goes on.
 *
 * The log's thread.
 */

import { LOG_SUFFIX } from '../format/index-layout.ts';
import { Cursor } from './cursor.ts';
import { emptyPlace, flushPointAt } from './log-replay.ts';
import { rollLog } from './log-roll.ts';
import type { LogState } from './log-state.ts';
import type { SealedSegment } from './manifest.ts';
import { DELETED_SUFFIX, SEGMENT_SUFFIXES, segmentPath } from './segment-files.ts';

/** Applies retention; returns how many segments were dropped. Throws FileError. */
export function applyRetention(log: LogState, nowMs: number): number {
  const { config } = log;
  let dropped = dropBelowStart(log);
  if (!config.cleanupPolicy.delete) return dropped;
  if (config.retentionBytes !== Number.POSITIVE_INFINITY) {
    let surplus = log.cursor[Cursor.LOG_BYTES]! - config.retentionBytes;
    dropped += dropWhile(log, ({ sizeBytes }) => {
      surplus -= sizeBytes;
      return surplus >= 0;
    });
  }
  if (config.retentionMs !== Number.POSITIVE_INFINITY) {
    dropped += dropWhile(log, (segment) => {
      return nowMs - timestampOf(log, segment) > config.retentionMs;
    });
  }
  return dropped;
}

/**
 * Moves the log start offset up to `offset` and drops the segments that lie below it as a whole. Returns the log
 * start offset; -1 when `offset` lies beyond the high watermark. The manifest has it when this returns.
 */
export function deleteRecordsBefore(log: LogState, offset: number): number {
  const { cursor } = log;
  if (offset > cursor[Cursor.HIGH_WATERMARK]!) return -1;
  if (offset > cursor[Cursor.LOG_START_OFFSET]!) {
    moveStart(log, offset);
    log.note();
    log.manifest?.write();
  }
  dropBelowStart(log);
  return cursor[Cursor.LOG_START_OFFSET]!;
}

function moveStart(log: LogState, offset: number): void {
  log.epochs.truncateFromStart(offset);
  log.hooks.publish.begin();
  log.cursor[Cursor.LOG_START_OFFSET] = offset;
  log.hooks.publish.end();
}

function dropBelowStart(log: LogState): number {
  const startOffset = log.cursor[Cursor.LOG_START_OFFSET]!;
  let count = 0;
  while (count < log.sealed.length && log.endOfSealed(count) <= startOffset) count++;
  if (count > 0) dropOldest(log, count);
  return count;
}

/** Drops segments from the oldest on as long as `isExpired`, the active one too when it comes to that. */
function dropWhile(log: LogState, isExpired: (segment: SealedSegment) => boolean): number {
  const { cursor } = log;
  const highWatermark = cursor[Cursor.HIGH_WATERMARK]!;
  let count = 0;
  while (count < log.sealed.length) {
    if (log.endOfSealed(count) > highWatermark || !isExpired(log.sealed[count]!)) break;
    count++;
  }
  const isEmpty = cursor[Cursor.ACTIVE_POSITION] === 0;
  const isAllCommitted = cursor[Cursor.LOG_END_OFFSET]! <= highWatermark;
  if (count === log.sealed.length && !isEmpty && isAllCommitted) {
    const active = {
      baseOffset: log.activeBaseOffset,
      sizeBytes: cursor[Cursor.ACTIVE_POSITION]!,
      maxTimestamp: cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!,
      maxTimestampOffset: cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET]!,
    };
    if (isExpired(active)) {
      rollLog(log);
      count++;
    }
  }
  if (count > 0) dropOldest(log, count);
  return count;
}

/** The time a segment is judged by: its largest timestamp, or when it was written if it has none. */
function timestampOf(log: LogState, segment: SealedSegment): number {
  if (segment.maxTimestamp >= 0) return segment.maxTimestamp;
  return log.fs.modifiedMs(segmentPath(log.directory, segment.baseOffset, LOG_SUFFIX));
}

function dropOldest(log: LogState, count: number): void {
  const { cursor, hooks } = log;
  const newStart = log.endOfSealed(count - 1);
  const dropped = log.sealed.splice(0, count);
  let bytes = 0;
  for (const segment of dropped) bytes += segment.sizeBytes;
  log.epochs.truncateFromStart(newStart);
  if (log.flushPoint.baseOffset < newStart) {
    // What was not on the disk of the dropped segments no longer matters.
    log.flushPoint = { ...flushPointAt(emptyPlace(newStart)), hasProducers: true };
  }
  hooks.publish.begin();
  cursor[Cursor.RECOVERY_POINT] = log.flushPoint.offset;
  cursor[Cursor.LOG_START_OFFSET] = Math.max(cursor[Cursor.LOG_START_OFFSET]!, newStart);
  cursor[Cursor.LOG_BYTES] = cursor[Cursor.LOG_BYTES]! - bytes;
  hooks.onGenerationChange();
  hooks.publish.end();
  log.note();
  if (log.sealed.length === 0) {
    log.fs.syncDir(log.directory);
    log.directoryChangesSynced = log.directoryChanges;
  }
  const dueMs = log.clock.now() + log.config.fileDeleteDelayMs;
  for (const { baseOffset } of dropped) discardSegment(log, baseOffset, dueMs);
  // The next flush syncs the directory too: a dropped segment that came back without its unsynced bytes would end
  // the log there, in front of what that flush has promised.
  log.directoryChanges++;
  log.snapshots = log.snapshots.filter((offset) => offset >= newStart);
}

/** Renames the files of a segment out of the way, and hands them over to be unlinked. */
export function discardSegment(log: LogState, baseOffset: number, dueMs: number): void {
  for (const suffix of SEGMENT_SUFFIXES) {
    const path = segmentPath(log.directory, baseOffset, suffix);
    if (!log.fs.exists(path)) continue;
    log.fs.rename(path, path + DELETED_SUFFIX);
    log.resources.deletions.add(path + DELETED_SUFFIX, dueMs);
  }
}

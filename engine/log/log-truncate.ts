/**
 * Cutting a log at an offset, as a follower does whose leader knows another history. In steps:
 *   0. what the shard's journal holds of the log is synced in its segment, and then void there, on the disk: a start must not
 *      write back what is cut (a crash now: everything is still there)
 *   1. the manifest learns of the lower recovery point, on the disk: from now on a recovery scans from there and
 *      never believes a position, or a leader epoch, that belongs to bytes that are gone
 *   2. readers are told, and the marks move down: nobody looks beyond the new end any more
 *   3. segments beyond the end are discarded, newest first (a crash now: a shorter or longer log, but contiguous;
 *      its leader will have it cut again), producer snapshots too, and the directory is synced: a power failure that
 *      brought one back beside batches appended later would join two histories
 *   4. the indexes of the segment that holds the end are cut, then the segment, each on the disk, so that no old batch
 *      or entry can appear behind a new one after a power failure (a crash between: batches without entries are
 *      found when the log is opened; entries without batches would not be)
 *   5. producers are taken back to what they were at the new end
 *   6. readers are told again: descriptors opened in between may be of files that are gone
 *
 * Where a step fails, bytes and marks no longer agree: the log goes offline and the next open recovers it.
 * The log's thread.
 */

import { FileError, isFileError } from '../io/file-system.ts';
import { Cursor } from './cursor.ts';
import { syncPending } from './log-flush.ts';
import { emptyPlace, flushPointAt, type Place, placeOf, replayProducers } from './log-replay.ts';
import { discardSegment } from './log-retention.ts';
import { createSegment, startSegment } from './log-roll.ts';
import type { FlushPoint, LogState } from './log-state.ts';
import { dropSnapshots, loadNewestSnapshot } from './producer-snapshots.ts';
import { segmentIndexOf } from './segment-files.ts';

/** Removes every batch that reaches `offset` or beyond. Throws FileError. */
export function truncateTo(log: LogState, offset: number): void {
  const { cursor } = log;
  if (offset >= cursor[Cursor.LOG_END_OFFSET]!) return;
  if (offset < log.firstBaseOffset) {
    truncateFullyAndStartAt(log, offset);
    return;
  }
  leaveJournal(log);
  const bases = baseOffsetsOf(log);
  const keep = segmentIndexOf(bases, offset);
  const place = placeOf(log, bases[keep]!, offset);
  const startOffset = Math.min(cursor[Cursor.LOG_START_OFFSET]!, place.endOffset);
  const { flushPoint } = log;
  const isStillFlushed =
    flushPoint.offset <= place.endOffset && flushPoint.baseOffset <= place.baseOffset;
  guarded(log, () => {
    const point = isStillFlushed ? flushPoint : pointAt(log, place);
    lowerFlushPoint(log, point, { startOffset, endOffset: place.endOffset });
    publishEnd(log, place, startOffset);
    discardFrom(log, bases, keep + 1, place.endOffset);
    cutActive(log, place.position);
    takeBack(log, place.endOffset);
  });
}

/** Empties the log, which goes on at `offset`. Throws FileError. */
export function truncateFullyAndStartAt(log: LogState, offset: number): void {
  leaveJournal(log);
  const bases = baseOffsetsOf(log);
  const place = emptyPlace(offset);
  guarded(log, () => {
    log.epochs.clear();
    lowerFlushPoint(log, pointAt(log, place), { startOffset: offset, endOffset: offset });
    publishEnd(log, place, offset);
    discardFrom(log, bases, 0, -1);
    createSegment(log, offset);
    startSegment(log, offset);
    log.fs.syncDir(log.directory);
    log.directoryChangesSynced = log.directoryChanges;
    log.producers = null;
    noteUnflushed(log);
  });
}

function baseOffsetsOf(log: LogState): number[] {
  return [...log.sealed.map(({ baseOffset }) => baseOffset), log.activeBaseOffset];
}

function guarded(log: LogState, cut: () => void): void {
  try {
    cut();
  } catch (error) {
    if (isFileError(error)) log.goOffline(error);
    throw error;
  }
  // Step 6.
  log.hooks.publish.begin();
  log.hooks.onTruncate();
  log.hooks.onGenerationChange();
  log.hooks.publish.end();
  log.note();
}

function pointAt(log: LogState, place: Place): FlushPoint {
  const hasProducers = log.flushPoint.hasProducers || log.producers !== null;
  return { ...flushPointAt(place), hasProducers };
}

/** Step 0. Throws FileError; nothing has been cut then. */
function leaveJournal(log: LogState): void {
  const { journal } = log.resources;
  if (journal === null || !journal.holds(log)) return;
  if (log.isOffline) {
    // Its segment may lack what was acknowledged; the next start needs the journal for that.
    const path = log.directory;
    throw new FileError('io', `truncate ${path}: offline`, { operation: 'truncate', path });
  }
  syncPending(log);
  journal.void(log);
}

/** Step 1. */
function lowerFlushPoint(
  log: LogState,
  point: FlushPoint,
  { startOffset, endOffset }: { startOffset: number; endOffset: number },
): void {
  log.truncations++;
  log.flushPoint = point;
  log.safeOffset = 0;
  log.epochs.truncateFromEnd(endOffset);
  log.cursor[Cursor.LOG_START_OFFSET] = startOffset;
  if (log.manifest === null) return;
  log.note();
  if (log.manifest.sync()) return;
  const path = log.directory;
  throw new FileError('io', `truncate ${path}: the manifest cannot be written`, {
    operation: 'truncate',
    path,
  });
}

/** Step 2. */
function publishEnd(log: LogState, place: Place, startOffset: number): void {
  const { cursor, hooks, flushPoint } = log;
  const { endOffset, baseOffset } = place;
  let bytes = place.position;
  for (const segment of log.sealed) {
    if (segment.baseOffset < baseOffset) bytes += segment.sizeBytes;
  }
  const lowered = (mark: number): number =>
    Math.max(startOffset, Math.min(cursor[mark]!, endOffset));
  hooks.publish.begin();
  hooks.onTruncate();
  cursor[Cursor.LOG_START_OFFSET] = startOffset;
  cursor[Cursor.LOG_END_OFFSET] = endOffset;
  cursor[Cursor.HIGH_WATERMARK] = lowered(Cursor.HIGH_WATERMARK);
  cursor[Cursor.LAST_STABLE_OFFSET] = lowered(Cursor.LAST_STABLE_OFFSET);
  cursor[Cursor.RECOVERY_POINT] = flushPoint.offset;
  cursor[Cursor.FLUSHED_POSITION] = flushPoint.baseOffset === baseOffset ? flushPoint.position : 0;
  cursor[Cursor.ACTIVE_BASE_OFFSET] = baseOffset;
  cursor[Cursor.ACTIVE_POSITION] = place.position;
  cursor[Cursor.ACTIVE_MAX_TIMESTAMP] = place.maxTimestamp;
  cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET] = place.maxTimestampOffset;
  cursor[Cursor.ACTIVE_FIRST_TIMESTAMP] = place.firstTimestamp;
  cursor[Cursor.LOG_BYTES] = bytes;
  hooks.publish.end();
}

/** Step 3, with the producer snapshots beyond `endOffset`. */
function discardFrom(
  log: LogState,
  bases: readonly number[],
  from: number,
  endOffset: number,
): void {
  const dueMs = log.clock.now() + log.config.fileDeleteDelayMs;
  log.releaseActive();
  for (let i = bases.length - 1; i >= from; i--) discardSegment(log, bases[i]!, dueMs);
  dropSnapshots(log, (offset) => offset > endOffset);
  log.fs.syncDir(log.directory);
  log.sealed.length = Math.min(log.sealed.length, Math.max(0, from - 1));
}

/** Step 4, for the segment that is the active one now. */
function cutActive(log: LogState, position: number): void {
  if (log.index.baseOffset !== log.activeBaseOffset)
    log.index.continueSegment(log.activeBaseOffset);
  log.cursor[Cursor.INDEXED_POSITION] = log.index.cutAt(position, true);
  log.isPreallocated = false;
  const fd = log.activeFd();
  log.fs.truncate(fd, position);
  log.fs.sync(fd);
}

/** Step 5. */
function takeBack(log: LogState, endOffset: number): void {
  if (log.producers !== null || log.snapshots.length > 0) {
    replayProducers(log, loadNewestSnapshot(log, endOffset, log.firstBaseOffset));
  }
  noteUnflushed(log);
}

function noteUnflushed(log: LogState): void {
  const { cursor } = log;
  const isUnflushed = cursor[Cursor.RECOVERY_POINT]! < cursor[Cursor.LOG_END_OFFSET]!;
  const tailBytes = cursor[Cursor.ACTIVE_POSITION]! - cursor[Cursor.FLUSHED_POSITION]!;
  // The recovery point may lie in an earlier segment while the active one is empty.
  const bytes = Math.max(tailBytes, isUnflushed ? 1 : 0);
  log.unflushedBytes = bytes;
  log.unflushedSinceMs = bytes > 0 ? log.clock.now() : Number.POSITIVE_INFINITY;
}

/**
 * Rolling: the active segment is sealed and a new one begins at the log end offset. When (LogSegment.shouldRoll):
 * the batch does not fit segment.bytes, its timestamp lies segment.ms behind that of the segment's first batch,
 * an index is full, or its offset is too far from the segment's base for an int32.
 *
 * The log's thread.
 */

import { INT32_MAX } from '../base/limits.ts';
import { LOG_SUFFIX } from '../format/index-layout.ts';
import { Descriptor } from '../io/descriptor-cache.ts';
import { isFileError } from '../io/file-system.ts';
import type { AppendPiece } from './append.ts';
import { Cursor } from './cursor.ts';
import type { LogState } from './log-state.ts';
import { writeSnapshot } from './producer-snapshots.ts';
import { segmentPath } from './segment-files.ts';

/** Whether a batch that would lie at `position` and end with `lastOffset` needs a new segment. */
export function needsRoll(
  log: LogState,
  position: number,
  piece: AppendPiece,
  lastOffset: number,
): boolean {
  if (position === 0) return false;
  const { config, cursor } = log;
  if (position > config.segmentBytes - piece.storedSize) return true;
  const firstTimestamp = cursor[Cursor.ACTIVE_FIRST_TIMESTAMP]!;
  if (firstTimestamp >= 0 && piece.maxTimestamp - firstTimestamp > segmentAgeMax(log)) return true;
  if (lastOffset - log.activeBaseOffset > INT32_MAX) return true;
  return log.index.roomFor(config.segmentIndexBytes) === 0;
}

/** segment.ms without the segment's share of segment.jitter.ms, which keeps many partitions from rolling at once. */
export function segmentAgeMax(log: LogState): number {
  const { segmentMs, segmentJitterMs } = log.config;
  if (segmentJitterMs === 0) return segmentMs;
  let hash = log.activeBaseOffset % 65_521;
  for (let i = 0; i < log.name.length; i++) hash = (hash * 31 + log.name.charCodeAt(i)) % 65_521;
  return segmentMs - Math.floor((hash / 65_521) * Math.min(segmentJitterMs, segmentMs));
}

/**
 * Seals the active segment and starts the next. Throws FileError, and then the old segment is still the active one.
 *
 *   1. the old segment's indexes are completed (a crash now: they are derived, recovery completes them again)
 *   2. its preallocation is cut (a crash now: it is still the last segment, just not preallocated)
 *   3. the producer snapshot of the new base offset is written (a crash now: a snapshot at the log end, valid)
 *   4. the manifest surely knows the partition (see `Manifest.secure`)
 *   5. the new `.log` is made, empty (a crash now: recovery finds it as the active segment, empty; the old one is
 *      not flushed yet, so it is scanned as well, because it lies behind the recovery point)
 *   6. readers and the manifest are told
 */
export function rollLog(log: LogState): void {
  const { cursor, fs } = log;
  const position = cursor[Cursor.ACTIVE_POSITION]!;
  if (position === 0) return;
  const oldBase = log.activeBaseOffset;
  const newBase = cursor[Cursor.LOG_END_OFFSET]!;
  const maxTimestamp = cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!;
  const maxTimestampOffset = cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET]!;
  log.index.addTime(maxTimestamp, maxTimestampOffset);
  log.index.seal();
  if (log.isPreallocated) {
    fs.truncate(log.activeFd(), position);
    log.isPreallocated = false;
  }
  writeSnapshot(log, newBase);
  log.epochs.write(fs, log.directory);
  log.manifest?.secure(log.name);
  createSegment(log, newBase);
  log.sealed.push({ baseOffset: oldBase, sizeBytes: position, maxTimestamp, maxTimestampOffset });
  startSegment(log, newBase);
  log.note();
}

/** Makes an empty `.log`. When that fails half-way nothing of it stays, or the log is offline. */
export function createSegment(log: LogState, baseOffset: number): void {
  const { fs } = log;
  const path = segmentPath(log.directory, baseOffset, LOG_SUFFIX);
  try {
    const descriptor = new Descriptor(path, 'create');
    const { descriptors } = log.resources;
    try {
      const fd = descriptors.use(descriptor);
      fs.truncate(fd, 0);
      if (log.config.preallocate) fs.truncate(fd, log.config.segmentBytes);
    } finally {
      descriptors.release(descriptor);
    }
  } catch (error) {
    if (!isFileError(error)) throw error;
    // An empty segment in the middle of what the old one goes on to hold would end the log there at the next start.
    try {
      if (fs.exists(path)) fs.unlink(path);
    } catch (second) {
      log.goOffline(second);
    }
    throw error;
  }
  log.directoryChanges++;
}

/** Makes the empty segment at `baseOffset` the active one. */
export function startSegment(log: LogState, baseOffset: number): void {
  const { cursor, hooks } = log;
  log.releaseActive();
  log.index.startSegment(baseOffset);
  log.isPreallocated = log.config.preallocate;
  log.activeSinceMs = log.clock.now();
  hooks.publish.begin();
  cursor[Cursor.ACTIVE_BASE_OFFSET] = baseOffset;
  cursor[Cursor.ACTIVE_POSITION] = 0;
  cursor[Cursor.ACTIVE_MAX_TIMESTAMP] = -1;
  cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET] = -1;
  cursor[Cursor.ACTIVE_FIRST_TIMESTAMP] = -1;
  cursor[Cursor.INDEXED_POSITION] = 0;
  cursor[Cursor.FLUSHED_POSITION] = 0;
  // Inside the brackets: whoever sees the new active segment must also see that the list of sealed ones changed.
  hooks.onGenerationChange();
  hooks.publish.end();
}

/**
 * The producer snapshots in a partition directory: written when a segment is rolled (named after the new segment,
 * as Kafka does), at a clean close, and once per `flushTailBytes` of log, so that recovery replays no more than
 * that. Those of segments stay as long as the segment; of the others only the newest is kept.
 *
 * Not synced: one that a power failure damages is recognised by its checksum, and the one before is taken.
 * The log's thread.
 */

import { SNAPSHOT_SUFFIX } from '../format/index-layout.ts';
import type { LogState } from './log-state.ts';
import { formatSnapshot, loadSnapshot } from './producer-snapshot-file.ts';
import { ProducerState } from './producer-state.ts';
import { segmentPath } from './segment-files.ts';

const nothing = new ProducerState();

/** Writes the state as of `offset`, the log end. Throws FileError. */
export function writeSnapshot(log: LogState, offset: number): void {
  const bytes = formatSnapshot(log.producers ?? nothing);
  log.fs.writeFileAtomic(segmentPath(log.directory, offset, SNAPSHOT_SUFFIX), bytes, false);
  log.bytesSinceSnapshot = 0;
  if (log.snapshots.at(-1) !== offset) log.snapshots.push(offset);
  pruneSnapshots(log);
}

/** Unlinks snapshots that are neither the newest nor a segment's. */
export function pruneSnapshots(log: LogState): void {
  const newest = log.snapshots.at(-1);
  const isKept = (offset: number): boolean => offset === newest || isSegment(log, offset);
  for (const offset of log.snapshots) if (!isKept(offset)) unlinkSnapshot(log, offset);
  log.snapshots = log.snapshots.filter(isKept);
}

/** Unlinks snapshots of offsets for which `isGone` holds. */
export function dropSnapshots(log: LogState, isGone: (offset: number) => boolean): void {
  for (const offset of log.snapshots) if (isGone(offset)) unlinkSnapshot(log, offset);
  log.snapshots = log.snapshots.filter((offset) => !isGone(offset));
}

/**
 * Loads the newest valid snapshot of at most `offset`, and unlinks damaged ones. Returns the offset from which
 * batches must be replayed: `fallback` when there is no snapshot.
 */
export function loadNewestSnapshot(log: LogState, offset: number, fallback: number): number {
  log.producers = null;
  for (let index = log.snapshots.length - 1; index >= 0; index--) {
    const at = log.snapshots[index]!;
    if (at > offset) continue;
    if (at < fallback) break;
    const bytes = log.fs.readFile(segmentPath(log.directory, at, SNAPSHOT_SUFFIX));
    const state = new ProducerState();
    if (loadSnapshot(bytes, state, log.clock.now())) {
      if (state.size > 0) log.producers = state;
      return at;
    }
    log.hooks.log(`${log.directory}: producer snapshot ${at} is damaged, an earlier one is used`);
    unlinkSnapshot(log, at);
    log.snapshots.splice(index, 1);
  }
  return fallback;
}

function isSegment(log: LogState, offset: number): boolean {
  if (offset === log.activeBaseOffset) return true;
  return log.sealed.some(({ baseOffset }) => baseOffset === offset);
}

function unlinkSnapshot(log: LogState, offset: number): void {
  const path = segmentPath(log.directory, offset, SNAPSHOT_SUFFIX);
  if (log.fs.exists(path)) log.fs.unlink(path);
}

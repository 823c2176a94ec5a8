/**
 * Reads batches of a log again for what follows from them: where an offset lies, the timestamps of a segment's
 * beginning, the producers behind a snapshot. Headers only; the batches are known to be valid.
 *
 * The log's thread, outside appends.
 */

import {
  batchBaseOffset,
  batchLastOffset,
  batchLeaderEpoch,
  batchMaxTimestamp,
} from '../format/batch.ts';
import { LOG_SUFFIX } from '../format/index-layout.ts';
import { isFileError } from '../io/file-system.ts';
import { Cursor } from './cursor.ts';
import type { FlushPoint, LogState } from './log-state.ts';
import { ProducerState } from './producer-state.ts';
import { segmentIndexOf, segmentPath } from './segment-files.ts';
import { SegmentIndex } from './segment-index.ts';
import { type BatchVisitor, type WalkResult, walkSegment } from './segment-walk.ts';

/** A place in a segment, and what is known of the segment before it. */
export interface Place {
  readonly baseOffset: number;
  readonly position: number;
  /** Where the log ends when it is cut here. */
  readonly endOffset: number;
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
  readonly firstTimestamp: number;
}

/** A flush point there; whether there are producers is for the caller to say. */
export function flushPointAt(place: Place): Omit<FlushPoint, 'hasProducers'> {
  return {
    offset: place.endOffset,
    baseOffset: place.baseOffset,
    position: place.position,
    maxTimestamp: place.maxTimestamp,
    maxTimestampOffset: place.maxTimestampOffset,
    firstTimestamp: place.firstTimestamp,
  };
}

/** The start of a segment. */
export function emptyPlace(baseOffset: number): Place {
  return {
    baseOffset,
    position: 0,
    endOffset: baseOffset,
    maxTimestamp: -1,
    maxTimestampOffset: -1,
    firstTimestamp: -1,
  };
}

/** Walks the headers of a segment's batches in [from, to) of its file. */
export function walkHeaders(
  log: LogState,
  range: { baseOffset: number; from: number; to: number },
  visit: BatchVisitor,
): WalkResult {
  const path = segmentPath(log.directory, range.baseOffset, LOG_SUFFIX);
  const fd = log.fs.open(path, 'read');
  try {
    const { walkBuffer } = log.resources;
    return walkSegment(
      { fs: log.fs, fd, buffer: walkBuffer, from: range.from, to: range.to, checkCrc: false },
      visit,
    );
  } finally {
    log.fs.close(fd);
  }
}

/** Size of a segment's valid bytes. */
export function sizeOfSegment(log: LogState, baseOffset: number): number {
  if (baseOffset === log.activeBaseOffset) return log.cursor[Cursor.ACTIVE_POSITION]!;
  return log.sealed.find((segment) => segment.baseOffset === baseOffset)?.sizeBytes ?? 0;
}

/**
 * Finds the first batch of a segment that reaches `offset` or beyond, from the segment's start: the timestamps
 * before it are wanted too, and the time index does not know them exactly.
 */
export function placeOf(log: LogState, baseOffset: number, offset: number): Place {
  const place: { -readonly [K in keyof Place]: Place[K] } = emptyPlace(baseOffset);
  const to = sizeOfSegment(log, baseOffset);
  if (to === 0) return place;
  walkHeaders(log, { baseOffset, from: 0, to }, (view, at, position, size) => {
    const lastOffset = batchLastOffset(view, at);
    if (lastOffset >= offset) return false;
    const timestamp = batchMaxTimestamp(view, at);
    if (position === 0) place.firstTimestamp = timestamp;
    if (timestamp > place.maxTimestamp) {
      place.maxTimestamp = timestamp;
      place.maxTimestampOffset = lastOffset;
    }
    place.position = position + size;
    place.endOffset = lastOffset + 1;
    return true;
  });
  return place;
}

/** Counts the batches from `fromOffset` to the log's end into the producer state. */
export function replayProducers(log: LogState, fromOffset: number): void {
  const bases = [...log.sealed.map(({ baseOffset }) => baseOffset), log.activeBaseOffset];
  const nowMs = log.clock.now();
  const state = log.producers ?? new ProducerState();
  for (let i = Math.max(0, segmentIndexOf(bases, fromOffset)); i < bases.length; i++) {
    const baseOffset = bases[i]!;
    const to = sizeOfSegment(log, baseOffset);
    if (to === 0) continue;
    const from = fromOffset > baseOffset ? lookup(log, baseOffset, fromOffset) : 0;
    walkHeaders(log, { baseOffset, from, to }, (view, at) => {
      if (batchBaseOffset(view, at) >= fromOffset) state.apply(view, at, nowMs);
      return true;
    });
  }
  log.producers = state.size > 0 ? state : null;
}

/** Position of a batch at or before `offset`, by the index; 0 when the index is of no help. */
function lookup(log: LogState, baseOffset: number, offset: number): number {
  const { fs, resources, directory } = log;
  try {
    const index = new SegmentIndex(fs, resources.pendingPool, {
      directory,
      baseOffset,
      isNew: false,
    });
    const position = index.lookup(offset);
    if (position === 0) return 0;
    let isTrue = false;
    const to = sizeOfSegment(log, baseOffset);
    walkHeaders(log, { baseOffset, from: position, to }, (view, at) => {
      const base = batchBaseOffset(view, at);
      isTrue = base >= baseOffset && base <= offset;
      return false;
    });
    return isTrue ? position : 0;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return 0;
  }
}

/** Leader epochs from the batches: first of every segment, and all of a segment in which the epoch changes. */
export function rebuildEpochs(log: LogState): void {
  const bases = [...log.sealed.map(({ baseOffset }) => baseOffset), log.activeBaseOffset];
  const firsts = bases.map((baseOffset) => firstEpoch(log, baseOffset));
  log.epochs.clear();
  bases.forEach((baseOffset, i) => {
    const next = firsts[i + 1];
    const to = sizeOfSegment(log, baseOffset);
    if (to === 0 || firsts[i] === next) {
      if (to > 0) log.epochs.assign(firsts[i]!, baseOffset);
      return;
    }
    walkHeaders(log, { baseOffset, from: 0, to }, (view, at) => {
      log.epochs.assign(batchLeaderEpoch(view, at), batchBaseOffset(view, at));
      return true;
    });
  });
}

function firstEpoch(log: LogState, baseOffset: number): number {
  const to = sizeOfSegment(log, baseOffset);
  let epoch = -1;
  if (to === 0) return epoch;
  walkHeaders(log, { baseOffset, from: 0, to }, (view, at) => {
    epoch = batchLeaderEpoch(view, at);
    return false;
  });
  return epoch;
}

/**
 * Looks at a sealed segment of which nothing is known: its size, its largest timestamp, whether its indexes can be
 * believed. Indexes that are missing or make no sense are built anew from the batch headers, as Kafka does when it
 * loads a segment (LogLoader, AbstractIndex.sanityCheck).
 *
 * The log's thread, while it is opened.
 */

import { batchLastOffset, batchMaxTimestamp } from '../format/batch.ts';
import {
  OFFSET_ENTRY_BYTES,
  OFFSET_INDEX_SUFFIX,
  offsetEntryOffset,
  offsetEntryPosition,
  TIME_ENTRY_BYTES,
  TIME_INDEX_SUFFIX,
  timeEntryOffset,
  timeEntryTimestamp,
} from '../format/index-layout.ts';
import { isFileError } from '../io/file-system.ts';
import type { LogState } from './log-state.ts';
import type { SealedSegment } from './manifest.ts';
import { logPath, segmentPath } from './segment-files.ts';
import { SegmentIndex } from './segment-index.ts';
import { walkSegment } from './segment-walk.ts';

/** Describes the sealed segment; `lastOffsetMax` is the largest offset that it can hold. Throws FileError. */
export function inspectSealed(
  log: LogState,
  baseOffset: number,
  lastOffsetMax: number,
): SealedSegment {
  const fd = log.fs.open(logPath(log.directory, baseOffset), 'read');
  let sizeBytes: number;
  try {
    sizeBytes = log.fs.size(fd);
  } finally {
    log.fs.close(fd);
  }
  const last = lastTimeEntry(log, baseOffset);
  // A time index without an entry may be one that a power failure emptied.
  const isSane =
    last !== null &&
    (last.timestamp >= 0 || sizeBytes === 0) &&
    last.relativeOffset <= lastOffsetMax - baseOffset &&
    indexesAreSane(log, baseOffset, sizeBytes);
  if (!isSane) return rebuildIndexes(log, baseOffset, sizeBytes);
  return {
    baseOffset,
    sizeBytes,
    maxTimestamp: last.timestamp,
    maxTimestampOffset: last.timestamp < 0 ? -1 : baseOffset + last.relativeOffset,
  };
}

/** Whether both index files are there, hold whole entries and rise throughout. */
export function indexesAreSane(
  log: LogState,
  baseOffset: number,
  sizeBytes = Number.POSITIVE_INFINITY,
): boolean {
  const offsets = readIndex(log, baseOffset, OFFSET_INDEX_SUFFIX);
  const times = readIndex(log, baseOffset, TIME_INDEX_SUFFIX);
  if (offsets === null || times === null) return false;
  return offsetsRise(offsets, sizeBytes) && timesRise(times);
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function readIndex(log: LogState, baseOffset: number, suffix: string): Buffer | null {
  try {
    return log.fs.readFile(segmentPath(log.directory, baseOffset, suffix));
  } catch (error) {
    if (isFileError(error, 'not-found')) return null;
    throw error;
  }
}

function offsetsRise(bytes: Buffer, sizeBytes: number): boolean {
  if (bytes.length % OFFSET_ENTRY_BYTES !== 0) return false;
  const view = viewOf(bytes);
  let offset = -1;
  let position = -1;
  for (let entry = 0; entry < bytes.length / OFFSET_ENTRY_BYTES; entry++) {
    const nextOffset = offsetEntryOffset(view, 0, entry);
    const nextPosition = offsetEntryPosition(view, 0, entry);
    if (nextOffset <= offset || nextPosition <= position) return false;
    offset = nextOffset;
    position = nextPosition;
  }
  return position < sizeBytes;
}

function timesRise(bytes: Buffer): boolean {
  if (bytes.length % TIME_ENTRY_BYTES !== 0) return false;
  const view = viewOf(bytes);
  let timestamp = -1;
  let offset = -1;
  for (let entry = 0; entry < bytes.length / TIME_ENTRY_BYTES; entry++) {
    const nextTimestamp = timeEntryTimestamp(view, 0, entry);
    const nextOffset = timeEntryOffset(view, 0, entry);
    if (nextTimestamp <= timestamp || nextOffset < offset) return false;
    timestamp = nextTimestamp;
    offset = nextOffset;
  }
  return true;
}

function lastTimeEntry(
  log: LogState,
  baseOffset: number,
): { timestamp: number; relativeOffset: number } | null {
  const bytes = readIndex(log, baseOffset, TIME_INDEX_SUFFIX);
  if (bytes === null || bytes.length % TIME_ENTRY_BYTES !== 0) return null;
  const count = bytes.length / TIME_ENTRY_BYTES;
  if (count === 0) return { timestamp: -1, relativeOffset: 0 };
  const view = viewOf(bytes);
  return {
    timestamp: timeEntryTimestamp(view, 0, count - 1),
    relativeOffset: timeEntryOffset(view, 0, count - 1),
  };
}

function rebuildIndexes(log: LogState, baseOffset: number, sizeBytes: number): SealedSegment {
  const { fs, resources, directory } = log;
  log.hooks.log(
    `${logPath(directory, baseOffset)}: its indexes are missing or damaged, built anew`,
  );
  const index = new SegmentIndex(fs, resources.pendingPool, { directory, baseOffset, isNew: true });
  index.clear(false);
  let indexedPosition = 0;
  let maxTimestamp = -1;
  let maxTimestampOffset = -1;
  const fd = fs.open(logPath(directory, baseOffset), 'read');
  try {
    const range = { fs, fd, buffer: resources.walkBuffer, from: 0, to: sizeBytes, checkCrc: false };
    walkSegment(range, (view, at, position) => {
      const lastOffset = batchLastOffset(view, at);
      const timestamp = batchMaxTimestamp(view, at);
      if (timestamp > maxTimestamp) {
        maxTimestamp = timestamp;
        maxTimestampOffset = lastOffset;
      }
      if (position - indexedPosition > log.config.indexIntervalBytes) {
        index.addOffset(lastOffset, position);
        index.addTime(maxTimestamp, maxTimestampOffset);
        indexedPosition = position;
      }
      return true;
    });
  } finally {
    fs.close(fd);
  }
  index.addTime(maxTimestamp, maxTimestampOffset);
  index.seal();
  return { baseOffset, sizeBytes, maxTimestamp, maxTimestampOffset };
}

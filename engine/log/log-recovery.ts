/**
 * Finds out what a partition directory holds. Sealed segments below the recovery point are believed; from the
 * recovery point on every batch is looked at, and the log ends where the first one is not whole and valid. So
 * the work is bounded by the unflushed tail, however large the log.
 *
 * Where the recovery point is, in this order: the manifest's hint, if the files agree with it; Kafka's own
 * checkpoint; else the start of the last segment. What is behind it may hold anything after a power failure. The walk
 * itself, which also re-adds what follows from the batches, is in segment-scanner.ts.
 *
 * The log's thread, while it is opened.
 */

import { BATCH_HEADER_BYTES } from '../format/batch.ts';
import { Cursor } from './cursor.ts';
import { rebuildEpochs, replayProducers } from './log-replay.ts';
import { discardSegment } from './log-retention.ts';
import { createSegment } from './log-roll.ts';
import type { LogState } from './log-state.ts';
import type { ManifestEntry, SealedSegment } from './manifest.ts';
import { dropSnapshots, loadNewestSnapshot, pruneSnapshots } from './producer-snapshots.ts';
import { type Inventory, logPath, segmentIndexOf } from './segment-files.ts';
import { inspectSealed } from './segment-inspection.ts';
import { type ScanFailure, type SegmentScan, SegmentScanner } from './segment-scanner.ts';

export interface RecoveryOptions {
  readonly hint: ManifestEntry | null;
  /** Kafka's checkpoints, when there is no hint. */
  readonly recoveryPoint: number | undefined;
  readonly logStartOffset: number | undefined;
  readonly verifyTail: 'crc' | 'headers';
}

interface ScanStart {
  readonly segment: number;
  readonly position: number;
  /** The hint that says so, if one does. */
  readonly hint: ManifestEntry | null;
  /** The files are known to be ours: no batch is missing between two segments but by loss. */
  readonly isContiguous: boolean;
}

/** Brings cursor and state of a log to what its files hold. Throws FileError. */
export function recoverLog(log: LogState, inventory: Inventory, options: RecoveryOptions): void {
  log.snapshots = [...inventory.snapshots];
  const startOffset = options.hint?.logStartOffset ?? options.logStartOffset ?? 0;
  if (inventory.segments.length === 0) {
    // Offsets that were given once are not given again, even if someone removed the files.
    startEmpty(log, Math.max(startOffset, options.hint?.recoveryPoint ?? 0));
    return;
  }
  discardBelow(log, inventory.segments, startOffset);
  if (!isTakenOver(log, inventory, options.hint)) {
    // Whoever made the files may have died before the directory was synced.
    log.directoryChanges++;
    new Recovery(log, inventory, options).run();
  }
  settleStart(log, inventory, startOffset);
}

/**
 * Removes segments that lie below the log start offset as a whole: retention had dropped them, and the renaming was
 * undone by a power failure. What it left of their bytes is not worth a look.
 */
function discardBelow(log: LogState, segments: number[], startOffset: number): void {
  while (segments.length > 1 && segments[1]! <= startOffset) {
    discardSegment(log, segments.shift()!, log.clock.now());
  }
}

/** A log without files: its first `.log` is made by the first append, or now if it is not to begin at 0. */
function startEmpty(log: LogState, offset: number): void {
  log.sealed = [];
  dropSnapshots(log, () => true);
  if (offset > 0) createSegment(log, offset);
  setActive(log, {
    baseOffset: offset,
    endOffset: offset,
    position: 0,
    indexedPosition: 0,
    maxTimestamp: -1,
    maxTimestampOffset: -1,
    firstTimestamp: -1,
  });
  log.index.startSegment(offset);
  log.flushPoint = log.endPoint();
  log.cursor[Cursor.RECOVERY_POINT] = offset;
  log.cursor[Cursor.LOG_START_OFFSET] = offset;
}

/**
 * Takes over what the manifest says of a log with nothing behind the recovery point: closed in order, or idle for some
 * time when the process was killed. False when the files disagree, or the system has booted since: then the indexes of
 * the active segment, which are not synced, have to be looked at.
 */
function isTakenOver(log: LogState, inventory: Inventory, hint: ManifestEntry | null): boolean {
  if (hint === null || !hint.isSameBoot) return false;
  const { segments } = inventory;
  const sealed = hint.sealed.filter(({ baseOffset }) => baseOffset >= segments[0]!);
  const isSame =
    segments.length === sealed.length + 1 &&
    segments.at(-1) === hint.activeBaseOffset &&
    sealed.every(({ baseOffset }, i) => baseOffset === segments[i]);
  if (!isSame) return false;
  const size = sizeIfNothingBehind(log, hint);
  if (size < 0) return false;
  log.sealed = sealed;
  log.isPreallocated = size > hint.position && size >= log.config.segmentBytes;
  log.index.continueSegment(hint.activeBaseOffset);
  setActive(log, {
    baseOffset: hint.activeBaseOffset,
    endOffset: hint.recoveryPoint,
    position: hint.position,
    indexedPosition: hint.position > log.config.indexIntervalBytes ? log.index.lastPosition() : 0,
    maxTimestamp: hint.maxTimestamp,
    maxTimestampOffset: hint.maxTimestampOffset,
    firstTimestamp: hint.firstTimestamp,
  });
  log.epochs.load(hint.leaderEpochs);
  if (hint.hasProducers) {
    const from = loadNewestSnapshot(log, hint.recoveryPoint, log.firstBaseOffset);
    if (from < hint.recoveryPoint) replayProducers(log, from);
  }
  log.flushPoint = log.endPoint();
  return true;
}

/**
 * Size of the active file when it ends at the recovery point, or goes on with preallocated space that was never
 * written; else -1. A write that was torn by a kill has written its first bytes, and a batch header is not all zeros.
 */
function sizeIfNothingBehind(log: LogState, hint: ManifestEntry): number {
  const { fs, resources } = log;
  const fd = fs.open(logPath(log.directory, hint.activeBaseOffset), 'read');
  try {
    const size = fs.size(fd);
    if (size <= hint.position || hint.isClean) return size === hint.position ? size : -1;
    const { walkBuffer } = resources;
    walkBuffer.reserve(BATCH_HEADER_BYTES);
    const count = fs.pread(fd, walkBuffer.bytes, 0, BATCH_HEADER_BYTES, hint.position);
    return walkBuffer.bytes.subarray(0, count).every((byte) => byte === 0) ? size : -1;
  } finally {
    fs.close(fd);
  }
}

function sizeOfFile(log: LogState, baseOffset: number): number {
  const fd = log.fs.open(logPath(log.directory, baseOffset), 'read');
  try {
    return log.fs.size(fd);
  } finally {
    log.fs.close(fd);
  }
}

function setActive(
  log: LogState,
  active: {
    baseOffset: number;
    endOffset: number;
    position: number;
    indexedPosition: number;
    maxTimestamp: number;
    maxTimestampOffset: number;
    firstTimestamp: number;
  },
): void {
  const { cursor } = log;
  cursor[Cursor.LOG_END_OFFSET] = active.endOffset;
  cursor[Cursor.ACTIVE_BASE_OFFSET] = active.baseOffset;
  cursor[Cursor.ACTIVE_POSITION] = active.position;
  cursor[Cursor.INDEXED_POSITION] = active.indexedPosition;
  cursor[Cursor.ACTIVE_MAX_TIMESTAMP] = active.maxTimestamp;
  cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET] = active.maxTimestampOffset;
  cursor[Cursor.ACTIVE_FIRST_TIMESTAMP] = active.firstTimestamp;
}

/** Marks that follow from where the log begins and ends. */
function settleStart(log: LogState, inventory: Inventory, startOffset: number): void {
  const { cursor, flushPoint } = log;
  const endOffset = cursor[Cursor.LOG_END_OFFSET]!;
  if (startOffset > endOffset) {
    // Deleted below an offset that a power failure took away: nothing in the files may be read any more.
    log.hooks.log(`${log.directory}: ends at ${endOffset}, before its start offset ${startOffset}`);
    for (const baseOffset of [...inventory.segments].reverse()) {
      discardSegment(log, baseOffset, log.clock.now());
    }
    log.fs.syncDir(log.directory);
    log.releaseActive();
    log.producers = null;
    log.epochs.clear();
    startEmpty(log, startOffset);
    return;
  }
  let bytes = cursor[Cursor.ACTIVE_POSITION]!;
  for (const { sizeBytes } of log.sealed) bytes += sizeBytes;
  cursor[Cursor.LOG_BYTES] = bytes;
  cursor[Cursor.LOG_START_OFFSET] = Math.max(startOffset, log.firstBaseOffset);
  cursor[Cursor.RECOVERY_POINT] = flushPoint.offset;
  const isInActive = flushPoint.baseOffset === log.activeBaseOffset;
  cursor[Cursor.FLUSHED_POSITION] = isInActive ? flushPoint.position : 0;
  if (flushPoint.offset < endOffset) {
    log.unflushedBytes = cursor[Cursor.ACTIVE_POSITION]! - cursor[Cursor.FLUSHED_POSITION]!;
    log.unflushedSinceMs = log.clock.now();
    log.bytesSinceSnapshot = log.unflushedBytes;
  }
}

class Recovery {
  readonly #log: LogState;
  readonly #segments: readonly number[];
  readonly #options: RecoveryOptions;
  readonly #knownSealed: ReadonlyMap<number, SealedSegment>;
  #hasEpochs = false;
  /** Batches from here on are counted into the producer state. */
  #replayFrom = 0;
  #verifyTail: 'crc' | 'headers';

  constructor(log: LogState, inventory: Inventory, options: RecoveryOptions) {
    this.#log = log;
    this.#segments = inventory.segments;
    this.#options = options;
    this.#verifyTail = options.verifyTail;
    const sealed = options.hint?.sealed ?? [];
    this.#knownSealed = new Map(sealed.map((segment) => [segment.baseOffset, segment]));
    if (options.hint !== null) {
      log.epochs.load(options.hint.leaderEpochs);
      this.#hasEpochs = true;
    } else if (inventory.hasEpochs) {
      this.#hasEpochs = log.epochs.read(log.fs, log.directory);
    }
  }

  /** The least work first; each attempt begins anew, and none fails twice in the same way. */
  run(): void {
    const { directory, hooks } = this.#log;
    let { hint } = this.#options;
    for (;;) {
      const failure = this.#attempt(this.#startOfScan(hint));
      if (failure === null) return;
      if (failure === 'torn') {
        this.#verifyTail = 'crc';
      } else {
        hooks.log(`${directory}: the manifest does not fit the files, they are read instead`);
        hint = null;
      }
    }
  }

  #startOfScan(hint: ManifestEntry | null): ScanStart {
    const segments = this.#segments;
    const isCompacted = this.#log.config.cleanupPolicy.compact;
    if (hint !== null) {
      const segment = segments.indexOf(hint.activeBaseOffset);
      if (segment >= 0 && sizeOfFile(this.#log, hint.activeBaseOffset) >= hint.position) {
        return { segment, position: hint.position, hint, isContiguous: !isCompacted };
      }
      // The segment was dropped by retention, and of that the manifest did not hear in time.
      const isDropped = segments[0]! > hint.activeBaseOffset;
      if (isDropped) return { segment: 0, position: 0, hint: null, isContiguous: !isCompacted };
    }
    const recoveryPoint = this.#options.hint?.recoveryPoint ?? this.#options.recoveryPoint;
    const segment =
      recoveryPoint === undefined
        ? segments.length - 1
        : Math.max(0, segmentIndexOf(segments, recoveryPoint));
    return { segment, position: 0, hint: null, isContiguous: false };
  }

  #attempt(start: ScanStart): ScanFailure | null {
    const log = this.#log;
    const segments = this.#segments;
    log.sealed = [];
    for (let i = 0; i < start.segment; i++) {
      const baseOffset = segments[i]!;
      log.sealed.push(
        this.#knownSealed.get(baseOffset) ?? inspectSealed(log, baseOffset, segments[i + 1]! - 1),
      );
    }
    this.#loadProducers(start);
    // Epochs behind the start of the scan are read from the batches: those that are noted may be of batches now gone.
    log.epochs.truncateFromEnd(start.hint?.recoveryPoint ?? segments[start.segment]!);
    let last = start.segment;
    for (let i = start.segment; i < segments.length; i++) {
      last = i;
      const scan = this.#scan(i, start);
      if (typeof scan === 'string') return scan;
      this.#cut(segments[i]!, scan);
      const isLast = i === segments.length - 1;
      if (isLast || !this.#continues(scan, segments[i + 1]!, start)) {
        this.#becomeActive(segments[i]!, scan);
        break;
      }
      this.#seal(segments[i]!, scan);
    }
    this.#discardBehind(last);
    this.#settle(start);
    return null;
  }

  /** Producer state from the newest snapshot, and from the sealed segments between it and the scan. */
  #loadProducers(start: ScanStart): void {
    const log = this.#log;
    const scanFrom = this.#segments[start.segment]!;
    log.producers = null;
    const trusted = this.#trustedSnapshots(scanFrom);
    dropSnapshots(log, (offset) => offset > trusted);
    if (start.hint !== null && !start.hint.hasProducers) {
      this.#replayFrom = start.hint.recoveryPoint;
      return;
    }
    this.#replayFrom = loadNewestSnapshot(
      log,
      Number.POSITIVE_INFINITY,
      log.sealed[0]?.baseOffset ?? scanFrom,
    );
    if (this.#replayFrom >= scanFrom) return;
    // `replayProducers` goes to the log's end: for the moment that is the end of the believed segments.
    setActive(log, {
      baseOffset: scanFrom,
      endOffset: scanFrom,
      position: 0,
      indexedPosition: 0,
      maxTimestamp: -1,
      maxTimestampOffset: -1,
      firstTimestamp: -1,
    });
    replayProducers(log, this.#replayFrom);
    this.#replayFrom = scanFrom;
  }

  /**
   * A snapshot of a higher offset may be of batches that are gone: a power failure can bring back the name of one that was
   * removed with them, as long as nothing was synced since.
   */
  #trustedSnapshots(scanFrom: number): number {
    const { hint, recoveryPoint } = this.#options;
    return hint?.isSameBoot
      ? Number.POSITIVE_INFINITY
      : (hint?.recoveryPoint ?? recoveryPoint ?? scanFrom);
  }

  #scan(i: number, start: ScanStart): SegmentScan | ScanFailure {
    const log = this.#log;
    const baseOffset = this.#segments[i]!;
    const isFirst = i === start.segment;
    const scanner = new SegmentScanner(log, baseOffset, {
      trustedTo: isFirst ? start.position : 0,
      hint: isFirst ? start.hint : null,
      replayFrom: this.#replayFrom,
      verifyTail: this.#verifyTail,
      isLast: i === this.#segments.length - 1,
    });
    return scanner.run();
  }

  /** Removes what lies behind the valid bytes: preallocation, or a torn write. */
  #cut(baseOffset: number, scan: SegmentScan): void {
    if (scan.fileSize === scan.position) return;
    const log = this.#log;
    const isTorn = scan.stopReason !== 'zeros' && scan.stopReason !== 'end';
    if (isTorn) {
      const cut = scan.fileSize - scan.position;
      log.hooks.log(
        `${logPath(log.directory, baseOffset)}: ${scan.stopReason} at ${scan.position}, ${cut} bytes cut`,
      );
    }
    const fd = log.fs.open(logPath(log.directory, baseOffset), 'write');
    try {
      log.fs.truncate(fd, scan.position);
      // Whole batches may lie behind a torn one. Should a power failure undo the cut, they must not turn up again
      // behind a new batch of the same size.
      if (isTorn || this.#verifyTail === 'crc') log.fs.sync(fd);
    } finally {
      log.fs.close(fd);
    }
  }

  /** Whether the next segment is a continuation of what was found valid in this one. */
  #continues(scan: SegmentScan, nextBaseOffset: number, start: ScanStart): boolean {
    if (scan.stopReason !== 'end' && scan.stopReason !== 'zeros') return false;
    if (scan.endOffset > nextBaseOffset) return false;
    // Our own logs have no gap there: what is missing was lost, and what follows must not be served without it. In a
    // directory that came from elsewhere a gap may be meant (a truncation inside a batch, a compaction).
    return !start.isContiguous || scan.endOffset === nextBaseOffset;
  }

  #seal(baseOffset: number, scan: SegmentScan): void {
    const log = this.#log;
    log.index.addTime(scan.maxTimestamp, scan.maxTimestampOffset);
    log.index.seal();
    log.sealed.push({
      baseOffset,
      sizeBytes: scan.position,
      maxTimestamp: scan.maxTimestamp,
      maxTimestampOffset: scan.maxTimestampOffset,
    });
  }

  #becomeActive(baseOffset: number, scan: SegmentScan): void {
    const log = this.#log;
    setActive(log, {
      baseOffset,
      endOffset: scan.endOffset,
      position: scan.position,
      indexedPosition: scan.indexedPosition,
      maxTimestamp: scan.maxTimestamp,
      maxTimestampOffset: scan.maxTimestampOffset,
      firstTimestamp: scan.firstTimestamp,
    });
  }

  /** Segments behind the first invalid batch, newest first: a crash in between leaves a contiguous log. */
  #discardBehind(last: number): void {
    const log = this.#log;
    for (let i = this.#segments.length - 1; i > last; i--) {
      const baseOffset = this.#segments[i]!;
      log.hooks.log(
        `${logPath(log.directory, baseOffset)}: lies behind the end of the log, removed`,
      );
      discardSegment(log, baseOffset, log.clock.now());
    }
    // They must not come back behind what is appended next.
    if (last < this.#segments.length - 1) log.fs.syncDir(log.directory);
  }

  #settle(start: ScanStart): void {
    const log = this.#log;
    const endOffset = log.cursor[Cursor.LOG_END_OFFSET]!;
    const { hint } = start;
    const isReplayWrong = this.#replayFrom > endOffset;
    dropSnapshots(log, (offset) => offset > endOffset);
    pruneSnapshots(log);
    if (isReplayWrong) {
      // The snapshot that was taken knew of batches that are gone.
      replayProducers(log, loadNewestSnapshot(log, endOffset, log.firstBaseOffset));
    }
    if (this.#hasEpochs) log.epochs.truncateFromEnd(endOffset);
    else rebuildEpochs(log);
    if (hint !== null) {
      log.flushPoint = {
        offset: hint.recoveryPoint,
        baseOffset: hint.activeBaseOffset,
        position: hint.position,
        maxTimestamp: hint.maxTimestamp,
        maxTimestampOffset: hint.maxTimestampOffset,
        firstTimestamp: hint.firstTimestamp,
        hasProducers: hint.hasProducers,
      };
      return;
    }
    const baseOffset = this.#segments[start.segment]!;
    log.flushPoint = {
      offset: baseOffset,
      baseOffset,
      position: 0,
      maxTimestamp: -1,
      maxTimestampOffset: -1,
      firstTimestamp: -1,
      hasProducers: true,
    };
  }
}

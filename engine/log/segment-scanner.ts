/**
 * Walks one segment while its log is opened: believed bytes for what must be re-added, the rest to see how far it is
 * valid. On the way index entries, timestamps, leader epochs and producers are counted in.
 *
 * When only the process died and the system ran on, every finished write is in the page cache, and writes are
 * finished in order: then headers are enough (`verifyTail: 'headers'`), and the checksum of the very last batch,
 * which may have been cut off in the middle. What the walk counted in by then is in doubt if that one is wrong, so the
 * caller starts over with all checksums, which happens only where a write was torn.
 *
 * The log's thread.
 */

import { crc32c } from '../base/crc32c.ts';
import {
  ATTRIBUTES_AT,
  batchBaseOffset,
  batchCrc,
  batchLastOffset,
  batchLeaderEpoch,
  batchMaxTimestamp,
} from '../format/batch.ts';
import type { StopReason } from '../format/scan.ts';
import type { LogState } from './log-state.ts';
import type { ManifestEntry } from './manifest.ts';
import { ProducerState } from './producer-state.ts';
import { logPath } from './segment-files.ts';
import { indexesAreSane } from './segment-inspection.ts';
import { type BatchVisitor, type WalkResult, walkSegment } from './segment-walk.ts';

/** What the walk over one segment found. */
export interface SegmentScan {
  /** End of the valid bytes, and size of the file before it was cut there. */
  position: number;
  fileSize: number;
  endOffset: number;
  stopReason: StopReason;
  maxTimestamp: number;
  maxTimestampOffset: number;
  firstTimestamp: number;
  /** Where the batch of the last index entry starts, 0 without one. */
  indexedPosition: number;
}

/**
 * Why there is no scan:
 *   misfit   no batch begins at `trustedTo`: the hint is of other files
 *   torn     the last batch is not whole, so headers are not enough
 */
export type ScanFailure = 'misfit' | 'torn';

export interface ScannerOptions {
  /** Bytes before it are valid, because they are on the disk; a batch begins there. */
  readonly trustedTo: number;
  /** What is known of the segment up to there. */
  readonly hint: ManifestEntry | null;
  readonly replayFrom: number;
  readonly verifyTail: 'crc' | 'headers';
  readonly isLast: boolean;
}

/** Walks one segment: believed bytes for what must be re-added, the rest to see whether it is valid. */
export class SegmentScanner {
  readonly #log: LogState;
  readonly #baseOffset: number;
  readonly #options: ScannerOptions;
  readonly #scan: SegmentScan;
  #fd = -1;

  constructor(log: LogState, baseOffset: number, options: ScannerOptions) {
    const { hint } = options;
    this.#log = log;
    this.#baseOffset = baseOffset;
    this.#options = options;
    this.#scan = {
      position: options.trustedTo,
      fileSize: 0,
      endOffset: hint?.recoveryPoint ?? baseOffset,
      stopReason: 'end',
      maxTimestamp: hint?.maxTimestamp ?? -1,
      maxTimestampOffset: hint?.maxTimestampOffset ?? -1,
      firstTimestamp: hint?.firstTimestamp ?? -1,
      indexedPosition: 0,
    };
  }

  run(): SegmentScan | ScanFailure {
    const log = this.#log;
    const { trustedTo } = this.#options;
    this.#fd = log.fs.open(logPath(log.directory, this.#baseOffset), 'read');
    try {
      this.#scan.fileSize = log.fs.size(this.#fd);
      const from = this.#prepareIndex();
      if (from < trustedTo) {
        const walked = this.#walk(from, trustedTo, false, this.#baseOffset - 1);
        if (walked.position !== trustedTo) return 'misfit';
      }
      return this.#scanTail();
    } finally {
      log.fs.close(this.#fd);
      log.resources.walkBuffer.shrink();
    }
  }

  #scanTail(): SegmentScan | ScanFailure {
    const { trustedTo, hint, verifyTail, isLast } = this.#options;
    const scan = this.#scan;
    const above = hint === null ? this.#baseOffset - 1 : hint.recoveryPoint - 1;
    const checkCrc = verifyTail === 'crc';
    const tail = this.#walk(trustedTo, scan.fileSize, checkCrc, above);
    // Not a batch of this log but something in the middle of one.
    if (hint !== null && tail.stopReason === 'bad-offset' && tail.position === trustedTo)
      return 'misfit';
    if (!checkCrc && isLast && !this.#isLastWhole(tail)) return 'torn';
    scan.position = tail.position;
    scan.stopReason = tail.stopReason;
    return scan;
  }

  /** Whether the last batch of a walk over headers, if there is one, has its checksum right. */
  #isLastWhole({ position, lastBatchPosition }: WalkResult): boolean {
    if (lastBatchPosition < 0) return true;
    const size = position - lastBatchPosition;
    const { walkBuffer } = this.#log.resources;
    walkBuffer.reserve(size);
    const count = this.#log.fs.pread(this.#fd, walkBuffer.bytes, 0, size, lastBatchPosition);
    return (
      count === size &&
      batchCrc(walkBuffer.view, 0) === crc32c(walkBuffer.bytes, ATTRIBUTES_AT, size)
    );
  }

  #walk(from: number, to: number, checkCrc: boolean, offsetAbove: number) {
    const { fs, resources } = this.#log;
    const buffer = resources.walkBuffer;
    return walkSegment({ fs, fd: this.#fd, buffer, from, to, checkCrc, offsetAbove }, this.#visit);
  }

  /** Keeps the index entries of the believed bytes; returns where to walk from to re-add missing ones. */
  #prepareIndex(): number {
    const log = this.#log;
    const { trustedTo, verifyTail } = this.#options;
    log.index.continueSegment(this.#baseOffset);
    // After a power failure any page of an unsynced index may be missing, and batches of entries that are there too.
    const isDoubtful = verifyTail === 'crc';
    const isBelievable = trustedTo > 0 && (!isDoubtful || indexesAreSane(log, this.#baseOffset));
    if (!isBelievable) {
      log.index.clear(isDoubtful);
      this.#scan.indexedPosition = 0;
      return 0;
    }
    this.#scan.indexedPosition = log.index.cutAt(trustedTo, isDoubtful);
    return this.#replayPosition(this.#scan.indexedPosition);
  }

  /** Not behind the first batch that the producer state needs. */
  #replayPosition(position: number): number {
    const { replayFrom, hint } = this.#options;
    if (hint === null || replayFrom >= hint.recoveryPoint) return position;
    return Math.min(position, this.#log.index.lookup(replayFrom));
  }

  readonly #visit: BatchVisitor = (view, at, position) => {
    const log = this.#log;
    const scan = this.#scan;
    const baseOffset = batchBaseOffset(view, at);
    const lastOffset = batchLastOffset(view, at);
    const timestamp = batchMaxTimestamp(view, at);
    if (position === 0) scan.firstTimestamp = timestamp;
    if (timestamp > scan.maxTimestamp) {
      scan.maxTimestamp = timestamp;
      scan.maxTimestampOffset = lastOffset;
    }
    if (position - this.#scan.indexedPosition > log.config.indexIntervalBytes) {
      log.index.addOffset(lastOffset, position);
      log.index.addTime(scan.maxTimestamp, scan.maxTimestampOffset);
      this.#scan.indexedPosition = position;
    }
    if (baseOffset >= this.#options.replayFrom) this.#replay(view, at);
    log.epochs.assign(batchLeaderEpoch(view, at), baseOffset);
    scan.endOffset = Math.max(scan.endOffset, lastOffset + 1);
    return true;
  };

  #replay(view: DataView, at: number): void {
    const log = this.#log;
    log.producers ??= new ProducerState();
    log.producers.apply(view, at, log.clock.now());
  }
}

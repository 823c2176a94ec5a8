/**
 * Reads a partition from any thread: finds where an offset lies, says how much may be served from there, reads it.
 * It knows of the log only what the marks say, so it needs no word with the thread that appends.
 *
 * What keeps it right while that thread goes on working:
 *   - Every call takes one consistent snapshot of the marks and looks at nothing beyond them.
 *   - Descriptors are this reader's own, closed when the marks say that the log was truncated (TRUNCATIONS) or that
 *     the place belongs to another partition (INCARNATION); so a file of the same name never stands for another.
 *   - TRUNCATIONS moves before a truncation touches a file and again after: bytes that were read count only if it is
 *     still the same afterwards.
 *   - A sealed segment that is gone was dropped by retention: the directory is listed again, and the offset is then
 *     below the log start offset.
 *
 * One thread per reader. `locate` at the tail, with a `ReadCursor` that continues there, does no lookup and allocates
 * nothing.
 */

import { HOT_TAIL_BYTES } from '../base/limits.ts';
import { batchLastOffset, batchMaxTimestamp } from '../format/batch.ts';
import type { Descriptor, DescriptorCache } from '../io/descriptor-cache.ts';
import { FileError, type FileSystem, isFileError } from '../io/file-system.ts';
import {
  Cursor,
  createMarksSnapshot,
  type MarksSnapshot,
  type MarksSource,
  MarksState,
} from './cursor.ts';
import type { ReadCursor } from './read-progress.ts';
import {
  firstRecordIn,
  type IsWanted,
  latestRecordIn,
  type TimestampLookup,
} from './record-lookup.ts';
import { segmentIndexOf, segmentsIn } from './segment-files.ts';
import { SegmentView } from './segment-view.ts';

/** The mark that a read may not pass. */
export type ReadBound = 'highWatermark' | 'lastStableOffset' | 'logEndOffset';

/**
 *   ok          `out` says what to read
 *   atEnd       there is nothing below the bound yet
 *   outOfRange  below the log start offset, or beyond the log end offset
 *   offline     the partition's storage has failed
 *   gone        the partition is not there any more
 */
export type ReadStatus = 'ok' | 'atEnd' | 'outOfRange' | 'offline' | 'gone';

/** What `locate` found. Reused by the caller; good until the next `locate` with the same plan. */
export class ReadPlan {
  descriptor: Descriptor | null = null;
  /** Base offset of the segment, position and size of the bytes to read in its `.log`. */
  baseOffset = -1;
  position = 0;
  size = 0;
  /** The offset behind the planned bytes when they end where a bound or a segment does; else -1. */
  endOffset = -1;
  /** Near the log's end, so in the page cache most likely: read it synchronously. */
  isHot = false;
  // The marks on which this was planned; filled in whatever the status, unless it is offline or gone.
  logStartOffset = -1;
  highWatermark = -1;
  lastStableOffset = -1;
  logEndOffset = -1;
  leaderEpoch = -1;
  truncations = -1;
  incarnation = -1;
}

export interface PartitionReaderOptions {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly marks: MarksSource;
  /** Of this thread; it may serve all readers of it. */
  readonly descriptors: DescriptorCache;
}

const MARK_OF_BOUND: Readonly<Record<ReadBound, number>> = {
  highWatermark: Cursor.HIGH_WATERMARK,
  lastStableOffset: Cursor.LAST_STABLE_OFFSET,
  logEndOffset: Cursor.LOG_END_OFFSET,
};

/** How often a look at the files is repeated that met them in the middle of a change. */
const ATTEMPTS = 5;

// Of this thread: no call is in the middle of another.
const now: MarksSnapshot = createMarksSnapshot();

export class PartitionReader {
  readonly directory: string;
  readonly #marks: MarksSource;
  readonly #fs: FileSystem;
  readonly #descriptors: DescriptorCache;
  #active: SegmentView | null = null;
  /** Rising; null: the directory was not listed since something changed. */
  #sealed: SegmentView[] | null = null;
  #sealedBases: number[] = [];
  #generation = -1;
  #truncations = -1;
  #incarnation = -1;

  constructor(options: PartitionReaderOptions) {
    this.directory = options.directory;
    this.#marks = options.marks;
    this.#fs = options.fs;
    this.#descriptors = options.descriptors;
  }

  /**
   * Finds the bytes from the batch that holds `offset` on: at most `maxBytes`, from one segment, below `bound`. With
   * `minOneBatch` at least the first batch, however large. `hint` is where the caller's last fetch ended.
   * Throws FileError when the disk fails.
   */
  locate(
    offset: number,
    bound: ReadBound,
    maxBytes: number,
    minOneBatch: boolean,
    hint: ReadCursor | null,
    out: ReadPlan,
  ): ReadStatus {
    for (let attempt = 1; ; attempt++) {
      if (!this.#look()) return now.state === MarksState.OFFLINE ? 'offline' : 'gone';
      noteMarks(out);
      const { cursor } = now;
      const end = cursor[MARK_OF_BOUND[bound]]!;
      if (offset < cursor[Cursor.LOG_START_OFFSET]! || offset > cursor[Cursor.LOG_END_OFFSET]!) {
        return 'outOfRange';
      }
      if (offset >= end) return 'atEnd';
      try {
        this.#plan(offset, end, hint, out);
        const view = this.#viewOf(out.baseOffset);
        const isKnown = hint !== null && continues(hint, offset, view);
        limit(view, maxBytes, minOneBatch, isKnown ? hint.nextBatchBytes : -1, out);
        return 'ok';
      } catch (error) {
        if (!this.#mayRetry(error, attempt)) throw error;
      }
    }
  }

  /**
   * Reads the planned bytes, or `size` of them from `from` on, to `target` at `at`. Returns how many; -1 when the log was
   * truncated or deleted since the plan was made.
   */
  read(
    plan: ReadPlan,
    target: Uint8Array,
    at: number,
    from: number = 0,
    size: number = plan.size - from,
  ): number {
    let count: number;
    try {
      const fd = this.#descriptors.use(plan.descriptor!);
      count = this.#fs.pread(fd, target, at, size, plan.position + from);
    } catch (error) {
      // Its descriptor was closed to make room for others, and then retention dropped the file.
      if (isFileError(error, 'not-found')) return -1;
      throw error;
    }
    return this.#marks.isCurrent(plan.truncations, plan.incarnation) ? count : -1;
  }

  /** The same on the thread pool. `target` must not be touched, nor the plan used again, before it is done. */
  async readAsync(
    plan: ReadPlan,
    target: Uint8Array,
    at: number,
    from: number = 0,
    size: number = plan.size - from,
  ): Promise<number> {
    const { position, truncations, incarnation } = plan;
    const descriptor = plan.descriptor!;
    let count: number;
    try {
      // Pinned: the number must not be closed, and given to another file, while a pool thread reads from it.
      const fd = this.#descriptors.pin(descriptor);
      try {
        count = await this.#fs.preadAsync(fd, target, at, size, position + from);
      } finally {
        this.#descriptors.unpin(descriptor);
      }
    } catch (error) {
      if (isFileError(error, 'not-found')) return -1;
      throw error;
    }
    return this.#marks.isCurrent(truncations, incarnation) ? count : -1;
  }

  /** The first record below `bound`, from the log start offset on, that is not before `timestamp`; null without one. */
  offsetForTimestamp(timestamp: number, bound: ReadBound): TimestampLookup | null {
    return this.#retrying(() => {
      const { cursor } = now;
      const startOffset = cursor[Cursor.LOG_START_OFFSET]!;
      const endOffset = cursor[MARK_OF_BOUND[bound]]!;
      for (const view of this.#segmentsFrom(startOffset)) {
        if (view.baseOffset >= endOffset) break;
        if (this.#maxTimestampOf(view) < timestamp) continue;
        const from = view.positionOfTimestamp(timestamp, this.#endOf(view));
        const lookup = this.#firstRecord(view, from, (time, offset) => {
          return time >= timestamp && offset >= startOffset;
        });
        if (lookup !== null) return lookup.offset < endOffset ? lookup : null;
      }
      return null;
    });
  }

  /** The first record with the largest timestamp; null when the log is empty, or it lies beyond `bound`. */
  offsetOfMaxTimestamp(bound: ReadBound): TimestampLookup | null {
    return this.#retrying(() => {
      const { cursor } = now;
      const startOffset = cursor[Cursor.LOG_START_OFFSET]!;
      let latest: TimestampLookup | null = null;
      let latestView: SegmentView | null = null;
      let maxTimestamp = -1;
      for (const view of this.#segmentsFrom(startOffset)) {
        if (view.baseOffset < startOffset) {
          latest = this.#latestFrom(view, startOffset);
          maxTimestamp = latest?.timestamp ?? -1;
        } else if (this.#maxTimestampOf(view) > maxTimestamp) {
          maxTimestamp = this.#maxTimestampOf(view);
          latestView = view;
        }
      }
      if (latestView !== null) {
        const from = latestView.positionOf(this.#maxOffsetOf(latestView), this.#endOf(latestView));
        latest = this.#firstRecord(latestView, from, (time) => time >= maxTimestamp);
      }
      return latest !== null && latest.offset < cursor[MARK_OF_BOUND[bound]]! ? latest : null;
    });
  }

  /** Closes its descriptors. Reads under way end first. */
  close(): void {
    this.#forget();
  }

  /** Takes a snapshot and drops what it makes out of date. */
  #look(): boolean {
    if (!this.#marks.snapshot(now)) return false;
    if (now.truncations !== this.#truncations || now.incarnation !== this.#incarnation) {
      this.#forget();
      this.#truncations = now.truncations;
      this.#incarnation = now.incarnation;
    }
    const activeBase = now.cursor[Cursor.ACTIVE_BASE_OFFSET]!;
    if (this.#active !== null && this.#active.baseOffset !== activeBase) {
      this.#active.release();
      this.#active = null;
    }
    this.#active ??= new SegmentView(this.directory, activeBase, this.#descriptors);
    return true;
  }

  #forget(): void {
    this.#active?.release();
    this.#active = null;
    for (const view of this.#sealed ?? []) view.release();
    this.#sealed = null;
    this.#generation = -1;
  }

  /** Segment, position and end of a read. */
  #plan(offset: number, end: number, hint: ReadCursor | null, out: ReadPlan): void {
    const { cursor } = now;
    const view = this.#segmentOf(offset);
    const isActive = view === this.#active;
    const nextBase = isActive ? cursor[Cursor.LOG_END_OFFSET]! : this.#baseBehind(view);
    const segmentEnd = isActive ? cursor[Cursor.ACTIVE_POSITION]! : view.sealedSize;
    const isWhole = end >= nextBase;
    const endPosition = isWhole ? segmentEnd : view.positionOf(end, segmentEnd);
    out.position = startPosition(view, offset, segmentEnd, hint);
    out.size = Math.max(0, endPosition - out.position);
    out.endOffset = isWhole ? nextBase : end;
    out.descriptor = view.log;
    out.baseOffset = view.baseOffset;
    const behind = segmentEnd - out.position + (isActive ? 0 : cursor[Cursor.ACTIVE_POSITION]!);
    out.isHot =
      behind <= HOT_TAIL_BYTES && (isActive || nextBase === cursor[Cursor.ACTIVE_BASE_OFFSET]);
  }

  #segmentOf(offset: number): SegmentView {
    const active = this.#active!;
    if (offset >= active.baseOffset) return active;
    const sealed = this.#listSealed();
    const index = segmentIndexOf(this.#sealedBases, offset);
    return sealed[Math.max(0, index)]!;
  }

  #viewOf(baseOffset: number): SegmentView {
    return baseOffset === this.#active!.baseOffset
      ? this.#active!
      : this.#sealed![this.#sealedBases.indexOf(baseOffset)]!;
  }

  #baseBehind(view: SegmentView): number {
    const index = segmentIndexOf(this.#sealedBases, view.baseOffset);
    return this.#sealedBases[index + 1] ?? this.#active!.baseOffset;
  }

  /** Segments that hold records from `startOffset` on, oldest first. */
  #segmentsFrom(startOffset: number): SegmentView[] {
    const active = this.#active!;
    if (startOffset >= active.baseOffset) return [active];
    const sealed = this.#listSealed();
    return [...sealed.slice(Math.max(0, segmentIndexOf(this.#sealedBases, startOffset))), active];
  }

  /** The sealed segments, by a listing of the directory when something changed since the last. */
  #listSealed(): SegmentView[] {
    if (this.#sealed !== null && this.#generation === now.generation) return this.#sealed;
    const old = new Map(this.#sealed?.map((view) => [view.baseOffset, view]));
    const activeBase = now.cursor[Cursor.ACTIVE_BASE_OFFSET]!;
    const bases = segmentsIn(this.#fs.readdir(this.directory)).filter((base) => base < activeBase);
    if (bases.length === 0) throw changed(this.directory);
    this.#sealed = bases.map((base) => {
      const view = old.get(base) ?? new SegmentView(this.directory, base, this.#descriptors);
      old.delete(base);
      return view;
    });
    for (const view of old.values()) view.release();
    this.#sealedBases = bases;
    this.#generation = now.generation;
    return this.#sealed;
  }

  /** A file that was looked for is gone: the log's thread was faster. Then look again. */
  #mayRetry(error: unknown, attempt: number): boolean {
    if (!isFileError(error, 'not-found') || attempt === ATTEMPTS) return false;
    this.#forget();
    return true;
  }

  #retrying<T>(search: () => T): T | null {
    for (let attempt = 1; ; attempt++) {
      if (!this.#look()) return null;
      const { truncations, incarnation } = now;
      try {
        const result = search();
        if (this.#marks.isCurrent(truncations, incarnation)) return result;
        if (attempt === ATTEMPTS) return null;
      } catch (error) {
        if (!this.#mayRetry(error, attempt)) throw error;
      }
    }
  }

  #maxTimestampOf(view: SegmentView): number {
    if (view === this.#active) return now.cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!;
    return view.lastTimeEntry().timestamp;
  }

  #maxOffsetOf(view: SegmentView): number {
    if (view === this.#active) return now.cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET]!;
    return view.lastTimeEntry().offset;
  }

  /** The latest record from `startOffset` on, in the segment that holds it: its largest timestamp may lie before. */
  #latestFrom(view: SegmentView, startOffset: number): TimestampLookup | null {
    const end = this.#endOf(view);
    const from = view.positionOf(startOffset, end);
    let latest: TimestampLookup | null = null;
    view.walk(from, end, (header, at, position, size) => {
      const newest: number = latest?.timestamp ?? -1;
      if (batchMaxTimestamp(header, at) <= newest) return true;
      const found = latestRecordIn(view, position, size, startOffset);
      if (found !== null && found.timestamp > newest) latest = found;
      return true;
    });
    return latest;
  }

  #endOf(view: SegmentView): number {
    return view === this.#active ? now.cursor[Cursor.ACTIVE_POSITION]! : view.sealedSize;
  }

  /** The first record from `from` on that `isWanted`; its batch is unfolded if its header may hold one. */
  #firstRecord(view: SegmentView, from: number, isWanted: IsWanted): TimestampLookup | null {
    let lookup: TimestampLookup | null = null;
    view.walk(from, this.#endOf(view), (header, at, position, size) => {
      if (!isWanted(batchMaxTimestamp(header, at), batchLastOffset(header, at))) return true;
      lookup = firstRecordIn(view, position, size, isWanted);
      return lookup === null;
    });
    return lookup;
  }
}

function noteMarks(out: ReadPlan): void {
  const { cursor } = now;
  out.logStartOffset = cursor[Cursor.LOG_START_OFFSET]!;
  out.highWatermark = cursor[Cursor.HIGH_WATERMARK]!;
  out.lastStableOffset = cursor[Cursor.LAST_STABLE_OFFSET]!;
  out.logEndOffset = cursor[Cursor.LOG_END_OFFSET]!;
  out.leaderEpoch = now.leaderEpoch;
  out.truncations = now.truncations;
  out.incarnation = now.incarnation;
}

function startPosition(
  view: SegmentView,
  offset: number,
  segmentEnd: number,
  hint: ReadCursor | null,
): number {
  if (offset === view.baseOffset) return 0;
  return hint !== null && continues(hint, offset, view)
    ? hint.position
    : view.positionOf(offset, segmentEnd);
}

/** Whether the last fetch ended just where this one begins, and the files are the same. */
function continues(hint: ReadCursor, offset: number, view: SegmentView): boolean {
  return (
    hint.offset === offset &&
    hint.baseOffset === view.baseOffset &&
    hint.truncations === now.truncations &&
    hint.incarnation === now.incarnation
  );
}

/** Cuts the plan to `maxBytes`, but not below its first batch, of `firstBytes`, if that is wanted. */
function limit(
  view: SegmentView,
  maxBytes: number,
  minOneBatch: boolean,
  firstBytes: number,
  out: ReadPlan,
): void {
  if (out.size <= maxBytes) return;
  let size = Math.max(0, maxBytes);
  if (minOneBatch) {
    // Read here, the header makes everybody on this thread wait when it comes from the disk.
    const first =
      firstBytes > 0 ? firstBytes : view.batchSizeAt(out.position, out.position + out.size);
    size = Math.min(out.size, Math.max(size, first));
  }
  if (size < out.size) out.endOffset = -1;
  out.size = size;
}

function changed(path: string): Error {
  return new FileError('not-found', `${path}: its segments are gone`, { operation: 'list', path });
}

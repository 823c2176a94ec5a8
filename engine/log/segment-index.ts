/**
 * The offset index and the time index of the active segment, as their writer sees them. Entries are gathered in
 * a small buffer and written in groups: the indexes are derived from the log, recovery adds again what a crash
 * took. Which batches get an entry is Kafka's rule (LogSegment.append): the first batch that starts more than
 * `index.interval.bytes` behind the last indexed one; the time index gets an entry beside it when the largest
 * timestamp so far has grown, and one when the segment is sealed.
 *
 * The log's thread. Keeps no file open: it is written once per 64 entries, that is every 256 KiB of log or more.
 */

import {
  OFFSET_ENTRY_BYTES,
  OFFSET_INDEX_SUFFIX,
  putOffsetEntry,
  putTimeEntry,
  TIME_ENTRY_BYTES,
  TIME_INDEX_SUFFIX,
} from '../format/index-layout.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';
import { found, searchOffset, searchPosition, searchTimeOffset } from './index-search.ts';
import { segmentPath } from './segment-files.ts';

/** Entries gathered before they are written. */
const PENDING_ENTRIES = 64;

class PendingEntries {
  readonly offsets = Buffer.alloc(PENDING_ENTRIES * OFFSET_ENTRY_BYTES);
  readonly times = Buffer.alloc((PENDING_ENTRIES + 1) * TIME_ENTRY_BYTES);
  readonly offsetsView = viewOf(this.offsets);
  readonly timesView = viewOf(this.times);
  offsetCount = 0;
  timeCount = 0;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Buffers for gathered entries, handed round: a log that is idle holds none. */
export class PendingPool {
  #free: PendingEntries[] = [];

  take(): PendingEntries {
    return this.#free.pop() ?? new PendingEntries();
  }

  give(pending: PendingEntries): void {
    pending.offsetCount = 0;
    pending.timeCount = 0;
    if (this.#free.length < 256) this.#free.push(pending);
  }
}

const entry = { relativeOffset: 0, position: 0, timestamp: 0 };

export class SegmentIndex {
  readonly #fs: FileSystem;
  readonly #pool: PendingPool;
  readonly #directory: string;
  #baseOffset: number;
  #offsetCount = 0;
  #timeCount = 0;
  #lastTimestamp = -1;
  #pending: PendingEntries | null = null;
  /** The counts are those of the files; false until something needs them. */
  #isLoaded: boolean;

  constructor(
    fs: FileSystem,
    pool: PendingPool,
    segment: { directory: string; baseOffset: number; isNew: boolean },
  ) {
    this.#fs = fs;
    this.#pool = pool;
    this.#directory = segment.directory;
    this.#baseOffset = segment.baseOffset;
    this.#isLoaded = segment.isNew;
  }

  get baseOffset(): number {
    return this.#baseOffset;
  }

  /** Goes on with a new segment, which has no entries yet. What was gathered must have been written. */
  startSegment(baseOffset: number): void {
    this.#releasePending();
    this.#baseOffset = baseOffset;
    this.#offsetCount = 0;
    this.#timeCount = 0;
    this.#lastTimestamp = -1;
    this.#isLoaded = true;
  }

  /** Goes on with an older segment, whose files are there. What was gathered for another is dropped. */
  continueSegment(baseOffset: number): void {
    this.#releasePending();
    this.#baseOffset = baseOffset;
    this.#isLoaded = false;
  }

  /** How many more entries both files take before one has as many as segment.index.bytes allows; 0: a roll is due. */
  roomFor(segmentIndexBytes: number): number {
    this.#load();
    const offsets = Math.floor(segmentIndexBytes / OFFSET_ENTRY_BYTES) - this.#offsetCount;
    // One place is kept for the entry that completes the file.
    const times = Math.floor(segmentIndexBytes / TIME_ENTRY_BYTES) - 1 - this.#timeCount;
    return Math.max(0, Math.min(offsets, times));
  }

  /** An entry for the batch that starts at `position` and ends with `lastOffset`. */
  addOffset(lastOffset: number, position: number): void {
    this.#load();
    if (this.#pending?.offsetCount === PENDING_ENTRIES) this.#makeRoom();
    this.#pending ??= this.#pool.take();
    const pending = this.#pending;
    entry.relativeOffset = lastOffset - this.#baseOffset;
    entry.position = position;
    putOffsetEntry(pending.offsetsView, pending.offsetCount * OFFSET_ENTRY_BYTES, entry);
    pending.offsetCount++;
    this.#offsetCount++;
  }

  /** An entry for the largest timestamp so far, unless it has not grown. */
  addTime(timestamp: number, offset: number): void {
    this.#load();
    if (timestamp <= this.#lastTimestamp) return;
    if (this.#pending !== null && this.#pending.timeCount > PENDING_ENTRIES) this.#makeRoom();
    this.#pending ??= this.#pool.take();
    const pending = this.#pending;
    entry.timestamp = timestamp;
    entry.relativeOffset = offset - this.#baseOffset;
    putTimeEntry(pending.timesView, pending.timeCount * TIME_ENTRY_BYTES, entry);
    pending.timeCount++;
    this.#timeCount++;
    this.#lastTimestamp = timestamp;
  }

  /** Writes what was gathered. */
  writeOut(): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#write(
      OFFSET_INDEX_SUFFIX,
      pending.offsets,
      pending.offsetCount * OFFSET_ENTRY_BYTES,
      (this.#offsetCount - pending.offsetCount) * OFFSET_ENTRY_BYTES,
    );
    this.#write(
      TIME_INDEX_SUFFIX,
      pending.times,
      pending.timeCount * TIME_ENTRY_BYTES,
      (this.#timeCount - pending.timeCount) * TIME_ENTRY_BYTES,
    );
    this.#releasePending();
  }

  /** Makes both files exist, with exactly their entries: what a sealed segment has. */
  seal(): void {
    this.#load();
    this.writeOut();
    this.#cut(OFFSET_INDEX_SUFFIX, this.#offsetCount * OFFSET_ENTRY_BYTES, false);
    this.#cut(TIME_INDEX_SUFFIX, this.#timeCount * TIME_ENTRY_BYTES, false);
  }

  /**
   * Removes entries of batches at `position` and beyond, and time entries of offsets beyond the last offset
   * that is still indexed. Returns where the last remaining entry points; 0 without one. With `isDurable` what is
   * removed stays so through a power failure: needed where other batches will come to lie there.
   */
  cutAt(position: number, isDurable: boolean): number {
    this.#load();
    this.writeOut();
    const fs = this.#fs;
    let remaining = 0;
    let lastOffset = -1;
    let indexedPosition = 0;
    this.#withFile(OFFSET_INDEX_SUFFIX, (fd) => {
      if (searchPosition(fs, fd, this.#offsetCount, position - 1)) {
        remaining = found.entry + 1;
        lastOffset = found.relativeOffset;
        indexedPosition = found.position;
      }
    });
    this.#offsetCount = remaining;
    this.#cut(OFFSET_INDEX_SUFFIX, remaining * OFFSET_ENTRY_BYTES, isDurable);
    this.#cutTimes(lastOffset, isDurable);
    return indexedPosition;
  }

  /** Drops all entries of both files: they are to be built anew. `isDurable` as in `cutAt`. */
  clear(isDurable: boolean): void {
    this.#releasePending();
    this.#offsetCount = 0;
    this.#timeCount = 0;
    this.#lastTimestamp = -1;
    this.#isLoaded = true;
    this.#cut(OFFSET_INDEX_SUFFIX, 0, isDurable);
    this.#cut(TIME_INDEX_SUFFIX, 0, isDurable);
  }

  /** Position of the batch whose entry is the last with an offset not above `offset`; 0 without one. */
  lookup(offset: number): number {
    this.#load();
    this.writeOut();
    let position = 0;
    this.#withFile(OFFSET_INDEX_SUFFIX, (fd) => {
      searchOffset(this.#fs, fd, this.#offsetCount, offset - this.#baseOffset);
      position = found.position;
    });
    return position;
  }

  /** Position of the batch that has the last entry; 0 without one. */
  lastPosition(): number {
    return this.lookup(Number.MAX_SAFE_INTEGER);
  }

  /** Forgets what was gathered and not written: the log is closed, or its files are gone. */
  drop(): void {
    this.#releasePending();
    this.#isLoaded = false;
  }

  /** Writes what is gathered or, where the disk refuses, does without: the batches themselves are safe in the log. */
  #makeRoom(): void {
    try {
      this.writeOut();
    } catch (error) {
      if (!isFileError(error)) throw error;
      const pending = this.#pending!;
      this.#offsetCount -= pending.offsetCount;
      this.#timeCount -= pending.timeCount;
      this.#releasePending();
    }
  }

  #cutTimes(lastOffset: number, isDurable: boolean): void {
    const fs = this.#fs;
    let remaining = 0;
    let timestamp = -1;
    this.#withFile(TIME_INDEX_SUFFIX, (fd) => {
      if (lastOffset >= 0 && searchTimeOffset(fs, fd, this.#timeCount, lastOffset)) {
        remaining = found.entry + 1;
        timestamp = found.timestamp;
      }
    });
    this.#timeCount = remaining;
    this.#lastTimestamp = timestamp;
    this.#cut(TIME_INDEX_SUFFIX, remaining * TIME_ENTRY_BYTES, isDurable);
  }

  /** Takes the counts from the files' sizes: of a segment that was there before. */
  #load(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const fs = this.#fs;
    this.#offsetCount = 0;
    this.#timeCount = 0;
    this.#withFile(OFFSET_INDEX_SUFFIX, (fd) => {
      this.#offsetCount = Math.floor(fs.size(fd) / OFFSET_ENTRY_BYTES);
    });
    this.#withFile(TIME_INDEX_SUFFIX, (fd) => {
      this.#timeCount = Math.floor(fs.size(fd) / TIME_ENTRY_BYTES);
      if (searchTimeOffset(fs, fd, this.#timeCount, Number.MAX_SAFE_INTEGER)) {
        this.#lastTimestamp = found.timestamp;
      }
    });
  }

  #path(suffix: string): string {
    return segmentPath(this.#directory, this.#baseOffset, suffix);
  }

  #withFile(suffix: string, use: (fd: number) => void): void {
    const path = this.#path(suffix);
    if (!this.#fs.exists(path)) return;
    const fd = this.#fs.open(path, 'read');
    try {
      use(fd);
    } finally {
      this.#fs.close(fd);
    }
  }

  #write(suffix: string, bytes: Buffer, size: number, position: number): void {
    if (size === 0) return;
    const fd = this.#fs.open(this.#path(suffix), 'create');
    try {
      this.#fs.pwrite(fd, bytes, 0, size, position);
    } finally {
      this.#fs.close(fd);
    }
  }

  #cut(suffix: string, size: number, isDurable: boolean): void {
    const fd = this.#fs.open(this.#path(suffix), 'create');
    try {
      if (this.#fs.size(fd) === size) return;
      this.#fs.truncate(fd, size);
      if (isDurable) this.#fs.sync(fd);
    } finally {
      this.#fs.close(fd);
    }
  }

  #releasePending(): void {
    if (this.#pending === null) return;
    this.#pool.give(this.#pending);
    this.#pending = null;
  }
}

/**
 * One segment as a reader sees it: descriptors of its files, opened when first needed, and lookups in them. What
 * is looked up is held against the batch headers: an index is only a hint.
 *
 * Any thread, each with its own views and descriptors. Synchronous: the scratch buffers serve all views of a thread.
 */

import { BATCH_BYTES_MAX } from '../base/limits.ts';
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchLastOffset,
  batchMagic,
  batchSize,
  MAGIC_V2,
} from '../format/batch.ts';
import {
  LOG_SUFFIX,
  OFFSET_ENTRY_BYTES,
  OFFSET_INDEX_SUFFIX,
  TIME_ENTRY_BYTES,
  TIME_INDEX_SUFFIX,
} from '../format/index-layout.ts';
import { Descriptor, type DescriptorCache } from '../io/descriptor-cache.ts';
import { isFileError } from '../io/file-system.ts';
import { found, searchOffset, searchTimeOffset, searchTimestamp } from './index-search.ts';
import { segmentPath } from './segment-files.ts';

/** One read finds the batch behind an index entry when batches are small, and wastes little when they are not. */
const WINDOW_BYTES = 4096;
const window = Buffer.alloc(WINDOW_BYTES);
const windowView = new DataView(window.buffer, window.byteOffset, WINDOW_BYTES);

/** Looks at a batch header in memory; false ends the walk before that batch. */
export type HeaderVisitor = (view: DataView, at: number, position: number, size: number) => boolean;

export class SegmentView {
  readonly baseOffset: number;
  readonly #directory: string;
  readonly #descriptors: DescriptorCache;
  #log: Descriptor | null = null;
  #offsets: Descriptor | null = null;
  #times: Descriptor | null = null;
  #size = -1;
  /** Of a sealed segment, once it was asked for. */
  #lastTimeEntry: { timestamp: number; offset: number } | null = null;

  constructor(directory: string, baseOffset: number, descriptors: DescriptorCache) {
    this.#directory = directory;
    this.baseOffset = baseOffset;
    this.#descriptors = descriptors;
  }

  /** Descriptor of the `.log`. */
  get log(): Descriptor {
    this.#log ??= this.#descriptor(LOG_SUFFIX);
    return this.#log;
  }

  /** Size of the `.log` of a sealed segment, which does not change. */
  get sealedSize(): number {
    if (this.#size < 0) {
      this.#size = this.#descriptors.fs.size(this.#descriptors.use(this.log));
    }
    return this.#size;
  }

  /** Position of the first batch before `end` that reaches `offset` or beyond; `end` without one. */
  positionOf(offset: number, end: number): number {
    const from = this.#indexedPosition(offset);
    const position = this.#seek(offset, from, end);
    // An entry that points past the offset, or into the middle of a batch: from the start it is found for certain.
    return position < 0 ? Math.max(0, this.#seek(offset, 0, end)) : position;
  }

  /** Where a search for `timestamp` begins: no batch before has a record as late. */
  positionOfTimestamp(timestamp: number, end: number): number {
    let relativeOffset = -1;
    this.#times ??= this.#descriptor(TIME_INDEX_SUFFIX);
    this.#withEntries(this.#times, TIME_ENTRY_BYTES, (fd, count) => {
      if (searchTimestamp(this.#descriptors.fs, fd, count, timestamp)) {
        relativeOffset = found.relativeOffset;
      }
    });
    return relativeOffset < 0 ? 0 : this.positionOf(this.baseOffset + relativeOffset, end);
  }

  /** Largest timestamp of a sealed segment and the end of the batch that brought it; -1 without one. */
  lastTimeEntry(): { timestamp: number; offset: number } {
    if (this.#lastTimeEntry === null) {
      let last = { timestamp: -1, offset: -1 };
      this.#times ??= this.#descriptor(TIME_INDEX_SUFFIX);
      this.#withEntries(this.#times, TIME_ENTRY_BYTES, (fd, count) => {
        if (searchTimeOffset(this.#descriptors.fs, fd, count, Number.MAX_SAFE_INTEGER)) {
          last = { timestamp: found.timestamp, offset: this.baseOffset + found.relativeOffset };
        }
      });
      this.#lastTimeEntry = last;
    }
    return this.#lastTimeEntry;
  }

  /** Walks batch headers in [from, end); returns the position where it stopped. */
  walk(from: number, end: number, visit: HeaderVisitor): number {
    const { fs } = this.#descriptors;
    const fd = this.#descriptors.use(this.log);
    let position = from;
    let windowFrom = 0;
    let windowTo = 0;
    while (position + BATCH_HEADER_BYTES <= end) {
      if (position < windowFrom || position + BATCH_HEADER_BYTES > windowTo) {
        const count = fs.pread(fd, window, 0, Math.min(WINDOW_BYTES, end - position), position);
        if (count < BATCH_HEADER_BYTES) break;
        windowFrom = position;
        windowTo = position + count;
      }
      const at = position - windowFrom;
      const size = batchSize(windowView, at);
      if (size < BATCH_HEADER_BYTES || size > BATCH_BYTES_MAX) break;
      if (batchMagic(windowView, at) !== MAGIC_V2) break;
      if (!visit(windowView, at, position, size)) break;
      position += size;
    }
    return position;
  }

  /** Size of the batch at `position`, as its header says; 0 when there is none. */
  batchSizeAt(position: number, end: number): number {
    let batch = 0;
    this.walk(position, end, (_view, _at, _position, size) => {
      batch = size;
      return false;
    });
    return batch;
  }

  read(bytes: Uint8Array, at: number, size: number, position: number): number {
    return this.#descriptors.fs.pread(this.#descriptors.use(this.log), bytes, at, size, position);
  }

  release(): void {
    for (const descriptor of [this.#log, this.#offsets, this.#times]) {
      if (descriptor !== null) this.#descriptors.release(descriptor);
    }
    this.#log = null;
    this.#offsets = null;
    this.#times = null;
  }

  /** -1 when `from` is not a place to begin: no batch starts there, or it starts beyond the offset. */
  #seek(offset: number, from: number, end: number): number {
    let isFirst = true;
    let isWrong = false;
    const position = this.walk(from, end, (view, at) => {
      if (isFirst) {
        isFirst = false;
        const base = batchBaseOffset(view, at);
        isWrong = base < this.baseOffset || (from > 0 && base > offset);
        if (isWrong) return false;
      }
      return batchLastOffset(view, at) < offset;
    });
    if (isWrong || (isFirst && from > 0)) return -1;
    return position;
  }

  #indexedPosition(offset: number): number {
    let position = 0;
    this.#offsets ??= this.#descriptor(OFFSET_INDEX_SUFFIX);
    this.#withEntries(this.#offsets, OFFSET_ENTRY_BYTES, (fd, count) => {
      searchOffset(this.#descriptors.fs, fd, count, offset - this.baseOffset);
      position = found.position;
    });
    return position;
  }

  /** A segment without an index file is one without entries: they are written late, and not at all for small ones. */
  #withEntries(
    descriptor: Descriptor,
    entryBytes: number,
    use: (fd: number, count: number) => void,
  ): void {
    const { fs } = this.#descriptors;
    let fd: number;
    try {
      fd = this.#descriptors.use(descriptor);
    } catch (error) {
      if (isFileError(error, 'not-found')) return;
      throw error;
    }
    const count = Math.floor(fs.size(fd) / entryBytes);
    if (count > 0) use(fd, count);
  }

  #descriptor(suffix: string): Descriptor {
    return new Descriptor(segmentPath(this.#directory, this.baseOffset, suffix), 'read');
  }
}

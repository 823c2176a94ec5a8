/**
 * Walks the batches of a segment file in pieces that fit a shared buffer, never the whole file. With checksums
 * every byte is read; without, only headers where batches are large, so a gigabyte of 64 KiB batches costs
 * sixteen thousand small reads. What is valid is `scanBatches`' decision; this file only moves the window.
 *
 * A window of one header also stays within what was written: behind it lies preallocated space, and the kernel answers
 * a read that reaches into it by filling its read-ahead with zeros, megabytes of them.
 *
 * Any thread; the buffer belongs to the caller's thread, views in it hold until the visitor returns.
 */

import { BATCH_BYTES_MAX, MIB } from '../base/limits.ts';
import { BATCH_HEADER_BYTES, batchLastOffset } from '../format/batch.ts';
import { type StopReason, scanBatches } from '../format/scan.ts';
import type { FileSystem } from '../io/file-system.ts';

const WINDOW_BYTES = MIB;
/** A walk over headers reads batches up to this size as a whole, several at a time: a read costs as much as they do. */
const SMALL_BATCH_BYTES = 4096;

/** A buffer to walk in. One per thread: walks do not nest. */
export class WalkBuffer {
  bytes: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(new ArrayBuffer(0));

  /** At least `size` bytes. What was in it is gone. */
  reserve(size: number): void {
    if (this.bytes.length >= size) return;
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size);
  }

  /** Gives back a buffer that one large batch made large. */
  shrink(): void {
    if (this.bytes.length <= WINDOW_BYTES) return;
    this.bytes = Buffer.alloc(0);
    this.view = new DataView(new ArrayBuffer(0));
  }
}

/** Called for every batch; false ends the walk before that batch. `view` at `at` holds at least its header. */
export type BatchVisitor = (
  view: DataView,
  at: number,
  position: number,
  size: number,
) => boolean | undefined;

export interface WalkOptions {
  readonly fs: FileSystem;
  readonly fd: number;
  readonly buffer: WalkBuffer;
  /** Positions in the file; a batch starts at `from`. */
  readonly from: number;
  readonly to: number;
  readonly checkCrc: boolean;
  /** Offsets must lie above this. Default: any. */
  readonly offsetAbove?: number;
}

export interface WalkResult {
  /** End of the last batch that was visited: everything before is valid. */
  position: number;
  /** 'end': at `to`, or where the visitor stopped. */
  stopReason: StopReason;
  /** Where the last visited batch starts; -1 without one. */
  lastBatchPosition: number;
  lastOffset: number;
}

/** Walks the batches of [from, to) until the end, the visitor's word, or something that is no valid batch. */
export function walkSegment(options: WalkOptions, visit: BatchVisitor): WalkResult {
  const walk = new Walk(options, visit);
  walk.run();
  return walk.result;
}

class Walk {
  readonly result: WalkResult;
  readonly #options: WalkOptions;
  readonly #visit: BatchVisitor;
  #window: number;
  #isStopped = false;

  constructor(options: WalkOptions, visit: BatchVisitor) {
    this.#options = options;
    this.#visit = visit;
    this.#window = options.checkCrc ? WINDOW_BYTES : BATCH_HEADER_BYTES;
    this.result = {
      position: options.from,
      stopReason: 'end',
      lastBatchPosition: -1,
      lastOffset: options.offsetAbove ?? -1,
    };
  }

  run(): void {
    const { to, buffer } = this.#options;
    const { result } = this;
    while (!this.#isStopped && result.position < to) {
      const start = result.position;
      buffer.reserve(this.#window);
      this.#step();
      if (result.position > start) this.#resize(result.position - result.lastBatchPosition);
    }
  }

  #step(): void {
    const { fs, fd, buffer, to, checkCrc } = this.#options;
    const { result } = this;
    const start = result.position;
    const size = Math.min(this.#window, to - start);
    const count = fs.pread(fd, buffer.bytes, 0, size, start);
    const isLastWindow = count < size || start + count >= to;
    const scan = scanBatches(buffer.bytes, buffer.view, 0, count, {
      checkCrc,
      offsetAbove: result.lastOffset,
      onBatch: (at, batchBytes) => this.#visitOne(at, start + at, batchBytes),
    });
    if (this.#isStopped) return;
    const rest = count - scan.validBytes;
    if (scan.stopReason === 'end') {
      if (count < size) this.#stop('end');
      return;
    }
    // Near the window's end a header may look like anything: look again with it at the window's start.
    if (rest < BATCH_HEADER_BYTES && !isLastWindow && scan.validBytes > 0) return;
    if (scan.stopReason !== 'partial') this.#stop(scan.stopReason);
    else this.#partial(scan.validBytes, rest, scan.neededBytes, isLastWindow);
  }

  /** The batch at `at` reaches beyond the window. */
  #partial(at: number, rest: number, needed: number, isLastWindow: boolean): void {
    const { to, checkCrc } = this.#options;
    const position = this.result.position;
    if (isLastWindow || position + needed > to || needed > BATCH_BYTES_MAX) {
      this.#stop('partial');
    } else if (!checkCrc && rest >= BATCH_HEADER_BYTES) {
      this.#visitOne(at, position, needed);
    } else if (at === 0) {
      this.#window = needed;
    }
  }

  #visitOne(at: number, position: number, size: number): void {
    if (this.#isStopped) return;
    const { view } = this.#options.buffer;
    if (this.#visit(view, at, position, size) === false) {
      this.#isStopped = true;
      return;
    }
    this.result.lastBatchPosition = position;
    this.result.position = position + size;
    this.result.lastOffset = batchLastOffset(view, at);
  }

  #stop(reason: StopReason): void {
    this.result.stopReason = reason;
    this.#isStopped = true;
  }

  /** The next batch is probably about as large as the last. */
  #resize(lastBatchBytes: number): void {
    if (this.#options.checkCrc) {
      this.#window = WINDOW_BYTES;
    } else if (lastBatchBytes > SMALL_BATCH_BYTES) {
      this.#window = BATCH_HEADER_BYTES;
    } else {
      this.#window = Math.min(WINDOW_BYTES, Math.max(SMALL_BATCH_BYTES, this.#window * 4));
    }
  }
}

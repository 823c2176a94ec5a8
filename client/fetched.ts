/**
 * What a fetcher gives out: the record batches that one response brought for one partition, and the records in
 * them as objects for those who want objects.
 *
 * One thread. The bytes belong to the receiver until `release`, which is optional: it lets the fetcher use the
 * memory again, and everything made from the chunk must be done with.
 */

import { assert } from '../engine/base/assert.ts';
import { MillraceError, messageOf } from '../engine/base/errors.ts';
import {
  batchAttributes,
  batchBaseOffset,
  batchLastOffset,
  batchRecordCount,
  batchSize,
  isControl,
} from '../engine/format/batch.ts';
import { RecordCursor, type RecordHeader } from '../engine/format/records.ts';
import { ClientError } from './client-error.ts';

/** One record. Key, value and header values are views into the response. */
export interface FetchedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** One record batch, as it is stored. */
export interface FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly recordCount: number;
  /** The whole batch, header included. */
  readonly bytes: Buffer;
}

/** Record batches of one partition, back to back in [from, to) of `bytes`, all valid and whole. */
export class FetchedChunk {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly from: number;
  readonly to: number;
  /** Records below this offset, and those from `endOffset` on, were not asked for. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** Records of the partition up to here (excluded) could be read at the time of the response. */
  readonly highWatermark: number;
  readonly #onRelease: () => void;
  #isReleased = false;

  constructor(fields: {
    readonly topic: string;
    readonly partition: number;
    readonly bytes: Buffer;
    readonly from: number;
    readonly to: number;
    readonly startOffset: number;
    readonly endOffset: number;
    readonly highWatermark: number;
    readonly onRelease: () => void;
  }) {
    this.topic = fields.topic;
    this.partition = fields.partition;
    this.bytes = fields.bytes;
    this.view = new DataView(fields.bytes.buffer, fields.bytes.byteOffset, fields.bytes.length);
    this.from = fields.from;
    this.to = fields.to;
    this.startOffset = fields.startOffset;
    this.endOffset = fields.endOffset;
    this.highWatermark = fields.highWatermark;
    this.#onRelease = fields.onRelease;
  }

  /** The batches, without control batches; the first and last may hold records that were not asked for. */
  *batches(): Generator<FetchedBatch, void, undefined> {
    for (const at of this.#positions()) {
      const { view } = this;
      yield {
        topic: this.topic,
        partition: this.partition,
        baseOffset: batchBaseOffset(view, at),
        lastOffset: batchLastOffset(view, at),
        recordCount: batchRecordCount(view, at),
        bytes: this.bytes.subarray(at, at + batchSize(view, at)),
      };
    }
  }

  /** The records that were asked for. */
  *records(): Generator<FetchedRecord, void, undefined> {
    const { topic, partition } = this;
    const cursor = new RecordCursor();
    for (const at of this.#positions()) {
      this.#enter(cursor, at);
      while (this.#next(cursor)) {
        yield {
          topic,
          partition,
          offset: cursor.offset,
          timestampMs: cursor.timestamp,
          key: bufferOf(cursor.key()),
          value: bufferOf(cursor.value()),
          headers: cursor.headers(),
        };
      }
    }
  }

  /**
   * Hands every record that was asked for to `visit`, as the cursor that stands on it: nothing is allocated per
   * record. Stops when `visit` returns false, and says so.
   */
  forEach(cursor: RecordCursor, visit: (cursor: RecordCursor) => boolean): boolean {
    for (const at of this.#positions()) {
      this.#enter(cursor, at);
      while (this.#next(cursor)) if (!visit(cursor)) return false;
    }
    return true;
  }

  /** The memory may be used again; call once, and only when nothing of it is needed any more. */
  release(): void {
    assert(!this.#isReleased, 'fetched chunk: released twice');
    this.#isReleased = true;
    this.#onRelease();
  }

  *#positions(): Generator<number, void, undefined> {
    const { view } = this;
    for (let at = this.from; at < this.to; at += batchSize(view, at)) {
      if (!isControl(batchAttributes(view, at))) yield at;
    }
  }

  /** Puts the cursor before the first record of the batch at `at`. */
  #enter(cursor: RecordCursor, at: number): void {
    try {
      cursor.reset(this.bytes, this.view, at);
    } catch (error) {
      throw this.#corrupt(batchBaseOffset(this.view, at), error);
    }
  }

  /** Moves the cursor to the next record that was asked for. */
  #next(cursor: RecordCursor): boolean {
    try {
      while (cursor.next()) {
        if (cursor.offset >= this.endOffset) return false;
        if (cursor.offset >= this.startOffset) return true;
      }
      return false;
    } catch (error) {
      throw this.#corrupt(cursor.offset, error);
    }
  }

  #corrupt(offset: number, cause: unknown): Error {
    if (!(cause instanceof MillraceError)) return cause as Error;
    return new ClientError(
      'corrupt',
      `cannot read partition ${this.partition} of '${this.topic}' near offset ${offset}: ${messageOf(cause)}`,
      cause,
    );
  }
}

function bufferOf(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

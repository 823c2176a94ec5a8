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
    const { view } = this;
    for (let at = this.from; at < this.to; at += batchSize(view, at)) {
      if (isControl(batchAttributes(view, at))) continue;
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
    const walk = this.walk();
    const { cursor } = walk;
    while (walk.next()) {
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

  /** Walks the records that were asked for without allocating per record. */
  walk(): RecordWalk {
    return new RecordWalk(this);
  }

  /** The memory may be used again; call once, and only when nothing of it is needed any more. */
  release(): void {
    assert(!this.#isReleased, 'fetched chunk: released twice');
    this.#isReleased = true;
    this.#onRelease();
  }
}

/** Stands on one record of a chunk after another. */
export class RecordWalk {
  /** The record that `next` moved to. */
  readonly cursor = new RecordCursor();
  readonly #chunk: FetchedChunk;
  /** Position of the next batch. */
  #at: number;
  #isInBatch = false;

  constructor(chunk: FetchedChunk) {
    this.#chunk = chunk;
    this.#at = chunk.from;
  }

  /** Moves to the next record that was asked for; false behind the last. Throws `ClientError` 'corrupt'. */
  next(): boolean {
    const { endOffset, startOffset } = this.#chunk;
    const { cursor } = this;
    try {
      while (this.#isInBatch || this.#enterBatch()) {
        while (cursor.next()) {
          if (cursor.offset >= endOffset) break;
          if (cursor.offset >= startOffset) return true;
        }
        this.#isInBatch = false;
      }
      return false;
    } catch (error) {
      throw this.#corrupt(error);
    }
  }

  /** Goes into the next batch that holds records of users. */
  #enterBatch(): boolean {
    const { bytes, view, to } = this.#chunk;
    while (this.#at < to) {
      const at = this.#at;
      this.#at += batchSize(view, at);
      if (isControl(batchAttributes(view, at))) continue;
      this.cursor.reset(bytes, view, at);
      this.#isInBatch = true;
      return true;
    }
    return false;
  }

  #corrupt(cause: unknown): unknown {
    if (!(cause instanceof MillraceError)) return cause;
    const { partition, topic } = this.#chunk;
    const near = Math.max(this.cursor.offset, this.#chunk.startOffset);
    const message = `cannot read partition ${partition} of '${topic}' near offset ${near}: ${messageOf(cause)}`;
    return new ClientError('corrupt', message, cause);
  }
}

function bufferOf(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

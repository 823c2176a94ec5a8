/**
 * Bulk appends to one topic: one synchronous call per record, with key and value as ranges of buffers, nothing
 * allocated per record. `append` says false when the producer's buffer is full: wait for `whenRoom`, then call
 * again. Outcomes come per batch, through the producer's `onBatch`.
 *
 * One thread. The bytes are copied before `append` returns.
 */

import { BatchBuilder } from '../engine/format/batch-builder.ts';
import type { RecordHeader } from '../engine/format/records.ts';
import type { Accumulator } from './accumulator.ts';
import type { TopicQueues } from './topic-queues.ts';

/** The most that a record's lengths, deltas and counts take beside key and value. */
const RECORD_OVERHEAD_BYTES_MAX = 36;

export class TopicWriter {
  readonly #accumulator: Accumulator;
  readonly #queues: TopicQueues;
  readonly #partition: number | null;

  /** Use `Producer.open`. */
  constructor(accumulator: Accumulator, queues: TopicQueues, partition: number | null) {
    this.#accumulator = accumulator;
    this.#queues = queues;
    this.#partition = partition;
  }

  get topic(): string {
    return this.#queues.topic;
  }

  /**
   * Appends a record; a key or value of length -1 is null. Returns false, having done nothing, when there is
   * no room. Throws `ClientError` 'too-large', or 'closed' after the producer was closed.
   */
  append(
    key: Buffer,
    keyAt: number,
    keyLength: number,
    value: Buffer,
    valueAt: number,
    valueLength: number,
    timestampMs: number,
  ): boolean {
    const accumulator = this.#accumulator;
    if (!accumulator.hasRoom) return false;
    const recordBytes =
      RECORD_OVERHEAD_BYTES_MAX + Math.max(keyLength, 0) + Math.max(valueLength, 0);
    const batch = accumulator.batchFor(
      this.#queues,
      this.#partition,
      key,
      keyAt,
      keyLength,
      recordBytes,
    );
    const { builder } = batch;
    const sizeBefore = builder.size;
    builder.appendRanges(key, keyAt, keyLength, value, valueAt, valueLength, timestampMs);
    accumulator.hold(batch, builder.size - sizeBefore);
    return true;
  }

  /** As `append` for a record with headers. */
  appendRecord(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: readonly RecordHeader[],
  ): boolean {
    const accumulator = this.#accumulator;
    if (!accumulator.hasRoom) return false;
    const recordBytes = BatchBuilder.recordBytesMax(key, value, headers);
    const keyLength = key?.length ?? -1;
    const batch = accumulator.batchFor(
      this.#queues,
      this.#partition,
      key,
      0,
      keyLength,
      recordBytes,
    );
    const { builder } = batch;
    const sizeBefore = builder.size;
    builder.append(key, value, timestampMs, headers);
    accumulator.hold(batch, builder.size - sizeBefore);
    return true;
  }

  /** Resolves when `append` takes records again; rejects when the producer was closed. */
  whenRoom(): Promise<void> {
    return this.#accumulator.whenRoom();
  }
}

/**
 * One record batch of a producer, from its first record to the broker's answer.
 *
 * Records are appended to a builder in wire form. `encode` closes it: an uncompressed batch is sent from the
 * builder's own buffer, so the builder stays with it until the batch is done; a compressed one has bytes of
 * its own and gives the builder back at once. Producer id, epoch and sequence are written when the batch is
 * first sent, and again, in place, if they change for a retry.
 *
 * One thread. The bytes belong to the batch and must not be sent any more after `release`.
 */

import { crc32c } from '../engine/base/crc32c.ts';
import { setInt64 } from '../engine/base/int64.ts';
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  Codec,
  CRC_AT,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
} from '../engine/format/batch.ts';
import type { BatchBuilder } from '../engine/format/batch-builder.ts';
import { recordsOf } from '../engine/format/records.ts';

/** Who an idempotent producer is to the broker. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly epoch: number;
}

/** Told about one record: its offset (-1: unknown) and its timestamp, or why it was not appended. */
export interface Delivery {
  delivered(offset: number, logAppendTimeMs: number): void;
  failed(error: Error): void;
}

const nobody: Delivery = { delivered: () => {}, failed: () => {} };

export interface Compression {
  readonly codec: number;
  readonly level: number | undefined;
}

/** Lends builders and takes them back, so that their buffers are used again. */
export class BuilderPool {
  readonly #create: () => BatchBuilder;
  readonly #idle: BatchBuilder[] = [];
  readonly #idleMax: number;

  constructor(create: () => BatchBuilder, idleMax: number) {
    this.#create = create;
    this.#idleMax = idleMax;
  }

  take(): BatchBuilder {
    return this.#idle.pop() ?? this.#create();
  }

  give(builder: BatchBuilder): void {
    builder.reset();
    if (this.#idle.length < this.#idleMax) this.#idle.push(builder);
  }
}

/** Orders batches as their records were appended. */
export function compareBatches(a: PendingBatch, b: PendingBatch): number {
  return a.order - b.order || a.firstIndex - b.firstIndex;
}

export class PendingBatch {
  /** Ascending in the order of creation over the whole producer; parts of a split batch share it. */
  readonly order: number;
  readonly partition: number;
  /** Moment of the first record (monotonic ms). */
  readonly createdMs: number;
  attempts = 0;
  /** -1: none given yet. */
  baseSequence = NO_SEQUENCE;
  /** Counts the batches of its partition that were given a sequence. */
  sequenceIndex = 0;
  recordCount = 0;
  /** The batch that this one was split from, or itself; it is done when all its parts are. */
  root: PendingBatch = this;
  /** Index of the first record among those of the root. */
  firstIndex = 0;
  /** Of a root: how many batches hold its records that are not done. */
  openParts = 1;
  /** Bytes held, as counted against the producer's memory bound. */
  heldBytes = 0;
  /** One for each record, or null when nobody asked about single records. */
  deliveries: Delivery[] | null = null;
  readonly #pool: BuilderPool;
  #builder: BatchBuilder | null;
  #bytes: Uint8Array | null = null;
  #identity: ProducerIdentity | null = null;
  #stampedSequence = NO_SEQUENCE;

  constructor(order: number, createdMs: number, partition: number, pool: BuilderPool) {
    this.partition = partition;
    this.order = order;
    this.createdMs = createdMs;
    this.#pool = pool;
    this.#builder = pool.take();
  }

  /** Takes records while the batch is open. */
  get builder(): BatchBuilder {
    return this.#builder!;
  }

  /** Bytes of the wire form so far, before compression. */
  get size(): number {
    return this.#bytes?.length ?? this.#builder!.size;
  }

  /** Tells `delivery` about the record that was appended last. */
  addDelivery(delivery: Delivery): void {
    // Records of a bulk writer in the same batch have nobody to tell.
    this.deliveries ??= [];
    while (this.deliveries.length < this.builder.recordCount - 1) this.deliveries.push(nobody);
    this.deliveries.push(delivery);
  }

  /** The batch as it goes onto the wire under `identity`, with the sequence that was set before. */
  encode(identity: ProducerIdentity | null, compression: Compression): Uint8Array {
    if (this.#bytes === null) {
      const builder = this.#builder!;
      this.recordCount = builder.recordCount;
      this.#bytes = builder.close({
        codec: compression.codec,
        ...(compression.level === undefined ? {} : { level: compression.level }),
        producerId: identity?.producerId ?? NO_PRODUCER_ID,
        producerEpoch: identity?.epoch ?? NO_PRODUCER_EPOCH,
        baseSequence: this.baseSequence,
      });
      if (compression.codec !== Codec.NONE) {
        this.#pool.give(builder);
        this.#builder = null;
      }
    } else if (identity !== this.#identity || this.baseSequence !== this.#stampedSequence) {
      this.#stamp(this.#bytes, identity);
    }
    this.#identity = identity;
    this.#stampedSequence = this.baseSequence;
    return this.#bytes;
  }

  /** Gives the memory back; the batch is done. */
  release(): void {
    if (this.#builder !== null) this.#pool.give(this.#builder);
    this.#builder = null;
    this.#bytes = null;
  }

  /** Two batches with the records of this one, which is done with. Null when it holds a single record. */
  split(): [PendingBatch, PendingBatch] | null {
    if (this.recordCount < 2) return null;
    const halves: [PendingBatch, PendingBatch] = [this.#half(), this.#half()];
    const middle = this.recordCount >> 1;
    let index = 0;
    for (const record of recordsOf(this.#bytes!)) {
      const { builder } = halves[index++ < middle ? 0 : 1];
      builder.append(record.key, record.value, record.timestamp, record.headers);
    }
    halves[0].recordCount = middle;
    halves[1].recordCount = this.recordCount - middle;
    if (this.deliveries !== null) {
      halves[0].deliveries = this.deliveries.slice(0, middle);
      halves[1].deliveries = this.deliveries.slice(middle);
    }
    for (const half of halves) half.root = this.root;
    halves[0].firstIndex = this.firstIndex;
    halves[1].firstIndex = this.firstIndex + middle;
    this.root.openParts++;
    halves[0].heldBytes = this.heldBytes;
    return halves;
  }

  #half(): PendingBatch {
    return new PendingBatch(this.order, this.createdMs, this.partition, this.#pool);
  }

  /** Writes identity and sequence into bytes that were encoded under others. */
  #stamp(bytes: Uint8Array, identity: ProducerIdentity | null): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    setInt64(view, PRODUCER_ID_AT, identity?.producerId ?? NO_PRODUCER_ID);
    view.setInt16(PRODUCER_EPOCH_AT, identity?.epoch ?? NO_PRODUCER_EPOCH);
    view.setInt32(BASE_SEQUENCE_AT, this.baseSequence);
    view.setUint32(CRC_AT, crc32c(bytes, ATTRIBUTES_AT, bytes.length));
  }
}

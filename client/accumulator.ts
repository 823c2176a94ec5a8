/**
 * What a producer holds: the open batches of all its partitions and everything not acknowledged yet, bounded
 * in bytes. Batches are opened here when a record needs one, handed to the sender when they are full or due,
 * and let go when the sender says that they are done.
 *
 * One thread.
 */

import { MIB } from '../engine/base/limits.ts';
import { BatchBuilder } from '../engine/format/batch-builder.ts';
import type { BatchQueue } from './batch-queue.ts';
import { ClientError } from './client-error.ts';
import { BuilderPool, PendingBatch } from './pending-batch.ts';
import { type BatchOutcome, Sender, type SenderOptions } from './sender.ts';
import type { TopicQueues } from './topic-queues.ts';

/** What became of a batch; `error` null means appended. */
export interface BatchReport {
  readonly topic: string;
  readonly partition: number;
  /** -1: not known, because acks is 0 or a repeated attempt found the batch already there. */
  readonly baseOffset: number;
  readonly recordCount: number;
  /** Size on the wire, after compression. */
  readonly bytes: number;
  readonly error: Error | null;
}

export interface AccumulatorOptions {
  readonly batchBytes: number;
  readonly bufferBytes: number;
  readonly sender: Omit<SenderOptions, 'onDone'>;
  readonly onBatch: ((report: BatchReport) => void) | undefined;
}

/** A builder starts with this much and grows: many partitions with few records must not take much memory. */
const BUILDER_FIRST_BYTES = 64 * 1024;

/**
 * Brokers close the connection on a request above `socket.request.max.bytes`, 100 MiB by default, without a word: a
 * record that cannot fit would be tried until its time is over.
 */
const RECORD_BYTES_MAX = 99 * MIB;

/** Who waits for room is woken when this part of the buffer is free again, not for every batch. */
const WAKE_SHARE = 1 / 8;

export class Accumulator {
  readonly #batchBytes: number;
  readonly #bufferBytes: number;
  readonly #lingerMs: number;
  readonly #onBatch: ((report: BatchReport) => void) | undefined;
  readonly #pool: BuilderPool;
  readonly #sender: Sender;
  /** Batches that are not done, oldest first. */
  readonly #outstanding = new Set<PendingBatch>();
  #flushes: { readonly upTo: number; readonly resolve: () => void }[] = [];
  #roomWaiters: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #heldBytes = 0;
  #order = 0;
  #error: ClientError | null = null;
  #isDrainQueued = false;

  constructor(options: AccumulatorOptions) {
    this.#batchBytes = options.batchBytes;
    this.#bufferBytes = options.bufferBytes;
    this.#lingerMs = options.sender.lingerMs;
    this.#onBatch = options.onBatch;
    const firstBytes = Math.min(options.batchBytes, BUILDER_FIRST_BYTES);
    const idleMax = Math.ceil(options.bufferBytes / options.batchBytes);
    this.#pool = new BuilderPool(() => new BatchBuilder(firstBytes), idleMax);
    this.#sender = new Sender({
      ...options.sender,
      onDone: (queue, batch, outcome) => this.#done(queue, batch, outcome),
    });
  }

  /** Bytes of records not acknowledged yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get hasRoom(): boolean {
    return this.#heldBytes < this.#bufferBytes;
  }

  /** Why nothing more is taken; null while open. */
  get error(): ClientError | null {
    return this.#error;
  }

  /**
   * The open batch that takes a record of at most `recordBytes`: of `partition`, or of the one that the key
   * [keyAt, keyAt + keyLength) of `key` belongs to, or of the one that is filled at the moment. Throws
   * `ClientError` 'too-large' or 'closed'.
   */
  batchFor(
    queues: TopicQueues,
    partition: number | null,
    key: Uint8Array | null,
    keyAt: number,
    keyLength: number,
    recordBytes: number,
  ): PendingBatch {
    if (this.#error !== null) throw this.#error;
    if (recordBytes > RECORD_BYTES_MAX) {
      throw new ClientError(
        'too-large',
        `a record of ${recordBytes} bytes: ${RECORD_BYTES_MAX} are possible`,
      );
    }
    let queue = queues.choose(partition, key, keyAt, keyLength);
    const { open } = queue;
    if (open !== null) {
      if (open.size + recordBytes <= this.#batchBytes) return open;
      queue.seal();
      this.#sender.drain();
      queue = queues.choose(partition, key, keyAt, keyLength);
    }
    return this.#open(queue);
  }

  /** Counts `bytes` more against the bound. */
  hold(batch: PendingBatch, bytes: number): void {
    batch.heldBytes += bytes;
    this.#heldBytes += bytes;
  }

  /** Resolves when there is room for more records; rejects when the producer was closed. */
  whenRoom(): Promise<void> {
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.hasRoom) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#roomWaiters.push({ resolve, reject });
      this.#hurry();
    });
  }

  /** Resolves when every record taken so far is acknowledged or has failed. */
  flush(): Promise<void> {
    if (this.#outstanding.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushes.push({ upTo: this.#order, resolve });
      this.#hurry();
    });
  }

  /** Takes nothing more; what is not acknowledged fails with `error`. */
  close(error: ClientError): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#sender.close(error);
    for (const { reject } of this.#roomWaiters) reject(error);
    this.#roomWaiters = [];
  }

  #open(queue: BatchQueue): PendingBatch {
    const nowMs = performance.now();
    const batch = new PendingBatch(++this.#order, nowMs, queue.partition, this.#pool);
    queue.open = batch;
    this.#outstanding.add(batch);
    this.#sender.activate(queue);
    if (this.#lingerMs === 0 || this.#sender.isUrgent) this.#queueDrain();
    else this.#sender.drainAt(nowMs + this.#lingerMs);
    return batch;
  }

  /** What is appended in one turn of the event loop goes out together at its end. */
  #queueDrain(): void {
    if (this.#isDrainQueued) return;
    this.#isDrainQueued = true;
    queueMicrotask(() => {
      this.#isDrainQueued = false;
      this.#sender.drain();
    });
  }

  /** Open batches are due now: somebody waits for them, or for the memory they hold. */
  #hurry(): void {
    this.#sender.isUrgent = true;
    this.#sender.drain();
  }

  #done(queue: BatchQueue, batch: PendingBatch, outcome: BatchOutcome): void {
    const { error, baseOffset, logAppendTimeMs } = outcome;
    const { recordCount, deliveries, size: bytes } = batch;
    this.#heldBytes -= batch.heldBytes;
    const { root } = batch;
    root.openParts--;
    if (root.openParts === 0) this.#outstanding.delete(root);
    batch.release();
    const { topic, partition } = queue;
    this.#onBatch?.({ topic, partition, baseOffset, recordCount, bytes, error });
    if (deliveries !== null) {
      for (let index = 0; index < deliveries.length; index++) {
        const delivery = deliveries[index]!;
        if (error !== null) delivery.failed(error);
        else delivery.delivered(baseOffset < 0 ? -1 : baseOffset + index, logAppendTimeMs);
      }
    }
    this.#settle();
  }

  /** After a batch is done: wakes who waits for room or for a flush. */
  #settle(): void {
    if (this.#roomWaiters.length > 0 && this.#heldBytes <= this.#bufferBytes * (1 - WAKE_SHARE)) {
      const waiters = this.#roomWaiters;
      this.#roomWaiters = [];
      for (const { resolve } of waiters) resolve();
    }
    if (this.#flushes.length > 0) {
      const oldest = this.#outstanding.values().next().value?.order ?? Number.POSITIVE_INFINITY;
      const isFlushed = ({ upTo }: { readonly upTo: number }): boolean => oldest > upTo;
      for (const flush of this.#flushes) if (isFlushed(flush)) flush.resolve();
      this.#flushes = this.#flushes.filter((flush) => !isFlushed(flush));
    }
    this.#sender.isUrgent = this.#flushes.length > 0 || this.#roomWaiters.length > 0;
  }
}

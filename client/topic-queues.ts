/**
 * The queues of one topic's partitions and the choice between them: by the key's hash, or, without a key, one
 * partition until its batch is full or sent and then the next. Batches stay large that way even where records
 * come slowly, and over time every partition gets the same.
 *
 * One thread; pure.
 */

import { BatchQueue } from './batch-queue.ts';
import { partitionForKey } from './murmur2.ts';

export class TopicQueues {
  readonly topic: string;
  readonly #queues: BatchQueue[];
  #sticky: number;
  #isFirst = true;

  /** `random` picks the first partition for records without a key, so that producers spread. */
  constructor(topic: string, partitionCount: number, random: () => number = Math.random) {
    this.topic = topic;
    this.#queues = [];
    this.grow(partitionCount);
    this.#sticky = Math.floor(random() * partitionCount);
  }

  get count(): number {
    return this.#queues.length;
  }

  /** The topic has `partitionCount` partitions by now; it never has fewer than before. */
  grow(partitionCount: number): void {
    while (this.#queues.length < partitionCount) {
      this.#queues.push(new BatchQueue(this.topic, this.#queues.length));
    }
  }

  /** The queue of a fixed partition, else of the key at [keyAt, keyAt + keyLength), else (null) of the turn. */
  choose(
    partition: number | null,
    key: Uint8Array | null,
    keyAt: number,
    keyLength: number,
  ): BatchQueue {
    const queues = this.#queues;
    if (partition !== null) return queues[partition]!;
    if (key !== null && keyLength >= 0) {
      return queues[partitionForKey(key, keyAt, keyAt + keyLength, queues.length)]!;
    }
    const queue = queues[this.#sticky]!;
    if (queue.open !== null) return queue;
    if (this.#isFirst) this.#isFirst = false;
    else this.#sticky = this.#sticky + 1 === queues.length ? 0 : this.#sticky + 1;
    return queues[this.#sticky]!;
  }
}

/**
 * The producer. What happens when you call `send`: the topic's partitions are looked up (once), a partition is
 * chosen, the record is encoded into that partition's open batch; the batch is sealed when it is full, when
 * `lingerMs` have passed or on `flush`, and the sender carries it to the leader. The promise settles with the
 * broker's answer. What is not acknowledged yet is bounded by `bufferBytes`: `send` waits for room.
 *
 * For bulk there is `open(topic)`: its writer takes ranges of buffers, one synchronous call per record and
 * nothing allocated, and outcomes are reported per batch.
 *
 * One thread. Bytes given to `send` or a writer are copied when they are encoded: at once when there is room,
 * at the latest before the promise settles.
 */

import { ErrorCode } from '../engine/base/error-codes.ts';
import { type CodecName, codecByName } from '../engine/format/batch.ts';
import { BatchBuilder } from '../engine/format/batch-builder.ts';
import type { RecordHeader } from '../engine/format/records.ts';
import { Accumulator, type BatchReport } from './accumulator.ts';
import type { Client } from './client.ts';
import { ClientError, errorCodeOf, isTransient } from './client-error.ts';
import { IdentitySource } from './producer-identity.ts';
import { TopicQueues } from './topic-queues.ts';
import { TopicWriter } from './topic-writer.ts';

/** Key or value as bytes, or as text to be encoded in UTF-8. */
export type Payload = Uint8Array | string | null;

export interface ProducerRecord {
  readonly topic: string;
  /** Default: by the key's hash as Kafka's Java client does it; without a key one after the other. */
  readonly partition?: number;
  readonly key?: Payload;
  readonly value: Payload;
  /** Default: now. */
  readonly timestampMs?: number;
  readonly headers?: readonly { readonly key: string; readonly value: Payload }[];
}

/** Where a record went. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1: not known, because acks is 0 or a repeated attempt found the record already there. */
  readonly offset: number;
  readonly timestampMs: number;
}

export interface ProducerOptions {
  /** `all` (default) in-sync replicas, `1` the leader, `0` nobody acknowledges. */
  readonly acks?: 0 | 1 | 'all';
  /** No duplicates and no reordering through retries. Default: true where acks is `all`. */
  readonly idempotent?: boolean;
  /** Default `none`. */
  readonly codec?: CodecName;
  /** The codec's own scale; default: its default. */
  readonly codecLevel?: number;
  /** How long a batch may wait for more records. Default 5 ms. */
  readonly lingerMs?: number;
  /** A batch is sealed at this size before compression. Default 128 KiB; a larger record goes alone. */
  readonly batchBytes?: number;
  /** No batch is added to a request that has this size. Default 4 MiB. */
  readonly requestBytes?: number;
  /** Requests without an answer per broker. Default 5, the most an idempotent producer may have. */
  readonly maxInFlight?: number;
  /** Records not yet acknowledged, in bytes. Default 32 MiB. */
  readonly bufferBytes?: number;
  /** From `send` to a failure, all retries included. Default 2 min. */
  readonly deliveryTimeoutMs?: number;
  /** Default: the client's. */
  readonly requestTimeoutMs?: number;
  /** Lets the broker create topics that are missing, if it wants to. Default true. */
  readonly mayCreateTopics?: boolean;
  /** Called for every batch when it is done. */
  readonly onBatch?: (report: BatchReport) => void;
}

const IDEMPOTENT_IN_FLIGHT_MAX = 5;
const BATCH_BYTES_LIMIT = 64 * 1024 * 1024;

let producerCount = 0;

export class Producer {
  readonly #client: Client;
  readonly #mayCreateTopics: boolean;
  readonly #accumulator: Accumulator;
  readonly #topics = new Map<string, TopicQueues>();
  readonly #opening = new Map<string, Promise<TopicQueues>>();
  /** The last `send` that could not be encoded at once; the next has to wait for it. */
  #lastWaiting: Promise<void> = Promise.resolve();
  #waitingCount = 0;

  /** Throws `ClientError` 'argument' when the options contradict each other. */
  constructor(client: Client, options: ProducerOptions = {}) {
    const { acks = 'all', maxInFlight = IDEMPOTENT_IN_FLIGHT_MAX } = options;
    const isIdempotent = options.idempotent ?? acks === 'all';
    const batchBytes = options.batchBytes ?? 128 * 1024;
    const codec = codecByName(options.codec ?? 'none');
    if (codec === null) throw new ClientError('argument', `no such codec: '${options.codec}'`);
    if (isIdempotent && acks !== 'all') {
      throw new ClientError('argument', `an idempotent producer needs acks 'all', not ${acks}`);
    }
    if (isIdempotent && maxInFlight > IDEMPOTENT_IN_FLIGHT_MAX) {
      const message = `an idempotent producer may have ${IDEMPOTENT_IN_FLIGHT_MAX} requests in flight, not ${maxInFlight}`;
      throw new ClientError('argument', message);
    }
    if (!(batchBytes > 0 && batchBytes <= BATCH_BYTES_LIMIT)) {
      const message = `batches of ${batchBytes} bytes are not possible: 1 to ${BATCH_BYTES_LIMIT}`;
      throw new ClientError('argument', message);
    }
    this.#client = client;
    this.#mayCreateTopics = options.mayCreateTopics ?? true;
    this.#accumulator = new Accumulator({
      batchBytes,
      bufferBytes: options.bufferBytes ?? 32 * 1024 * 1024,
      onBatch: options.onBatch,
      sender: {
        client,
        purpose: `produce-${++producerCount}`,
        acks: acks === 'all' ? -1 : acks,
        lingerMs: options.lingerMs ?? 5,
        maxInFlight,
        requestBytesMax: options.requestBytes ?? 4 * 1024 * 1024,
        requestTimeoutMs: options.requestTimeoutMs ?? client.requestTimeoutMs,
        deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
        compression: { codec, level: options.codecLevel },
        mayCreateTopics: this.#mayCreateTopics,
        onTopic: ({ name, partitions }) => this.#topics.get(name)?.grow(partitions.length),
        identities: isIdempotent ? new IdentitySource(client) : null,
      },
    });
  }

  /** Bytes of records not acknowledged yet. */
  get heldBytes(): number {
    return this.#accumulator.heldBytes;
  }

  /** Sends one record. Rejects with `BrokerError` or `ClientError` when it was not appended. */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    const queues = this.#topics.get(record.topic);
    if (queues !== undefined && this.#accumulator.hasRoom && this.#waitingCount === 0) {
      return this.#append(queues, record);
    }
    return this.#sendLater(record);
  }

  /**
   * A writer for bulk appends to one topic, or to one partition of it. Rejects when the topic does not exist
   * and is not created by asking for it.
   */
  async open(topic: string, options: { readonly partition?: number } = {}): Promise<TopicWriter> {
    const queues = await this.#queuesOf(topic);
    const { partition } = options;
    if (partition !== undefined) checkPartition(queues, partition);
    return new TopicWriter(this.#accumulator, queues, partition ?? null);
  }

  /** Resolves when every record given so far is acknowledged or has failed. */
  async flush(): Promise<void> {
    await this.#lastWaiting;
    await this.#accumulator.flush();
  }

  /** Flushes, then refuses further records. The client stays open. Idempotent. */
  async close(): Promise<void> {
    if (this.#accumulator.error === null) await this.flush();
    this.abort();
  }

  /** Stops at once: what is not acknowledged fails with 'closed'. */
  abort(): void {
    this.#accumulator.close(new ClientError('closed', 'the producer is closed'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Waits for the topic and for room, behind the calls before it: records keep the order of the calls. */
  #sendLater(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      this.#waitingCount++;
      const previous = this.#lastWaiting;
      this.#lastWaiting = (async () => {
        await previous;
        try {
          const queues = await this.#queuesOf(record.topic);
          await this.#accumulator.whenRoom();
          this.#append(queues, record).then(resolve, reject);
        } catch (error) {
          reject(error);
        }
        this.#waitingCount--;
      })();
    });
  }

  #append(queues: TopicQueues, record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      const { partition = null } = record;
      if (partition !== null) checkPartition(queues, partition);
      const key = bytesOf(record.key ?? null);
      const value = bytesOf(record.value);
      const headers = headersOf(record.headers);
      const timestampMs = record.timestampMs ?? Date.now();
      const recordBytes = BatchBuilder.recordBytesMax(key, value, headers ?? []);
      const batch = this.#accumulator.batchFor(
        queues,
        partition,
        key,
        0,
        key?.length ?? -1,
        recordBytes,
      );
      const { topic } = queues;
      const sizeBefore = batch.size;
      batch.builder.append(key, value, timestampMs, headers);
      this.#accumulator.hold(batch, batch.size - sizeBefore);
      batch.addDelivery({
        delivered: (offset, logAppendTimeMs) =>
          resolve({
            topic,
            partition: batch.partition,
            offset,
            timestampMs: logAppendTimeMs >= 0 ? logAppendTimeMs : timestampMs,
          }),
        failed: reject,
      });
    });
  }

  async #queuesOf(name: string): Promise<TopicQueues> {
    if (this.#accumulator.error !== null) throw this.#accumulator.error;
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.#openTopic(name).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return opening;
  }

  async #openTopic(name: string): Promise<TopicQueues> {
    const mayCreate = this.#mayCreateTopics;
    // A topic that is being created is missing at first; one that nobody creates stays so.
    const isWorthIt = (error: unknown): boolean =>
      isTransient(error) &&
      (mayCreate || errorCodeOf(error) !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const info = await this.#client.retry(
      () => this.#client.metadata.topic(name, { mayCreate }),
      isWorthIt,
    );
    const queues = new TopicQueues(name, info.partitions.length);
    this.#topics.set(name, queues);
    return queues;
  }
}

function checkPartition(queues: TopicQueues, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < queues.count) return;
  const message = `topic '${queues.topic}' has no partition ${partition}: 0 to ${queues.count - 1}`;
  throw new ClientError('argument', message);
}

function bytesOf(payload: Payload): Uint8Array | null {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}

function headersOf(headers: ProducerRecord['headers']): RecordHeader[] | null {
  if (headers === undefined || headers.length === 0) return null;
  return headers.map(({ key, value }) => ({ key, value: bytesOf(value) }));
}

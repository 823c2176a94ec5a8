/**
 * Moves batches from the queues of a producer to the leaders of their partitions and the answers back. Every
 * event (a batch sealed, an answer, a timer) ends in `drain`, which sends what can be sent now: at most
 * `maxInFlight` requests per broker, one batch per partition in each request.
 *
 * One thread. Errors of single batches go to `onDone`; nothing throws.
 */

import { ErrorCode, isRetriable } from '../engine/base/error-codes.ts';
import { NO_SEQUENCE } from '../engine/format/batch.ts';
import { produceRequest, produceResponse } from '../net/wire/api/produce.ts';
import { Reader } from '../net/wire/reader.ts';
import { Backoff } from './backoff.ts';
import type { BatchQueue } from './batch-queue.ts';
import type { Client } from './client.ts';
import { BrokerError, ClientError, isTransient } from './client-error.ts';
import type { Connection } from './connection.ts';
import type { TopicInfo } from './metadata.ts';
import type { Compression, PendingBatch } from './pending-batch.ts';
import { encodeProduceRequest, PRODUCE_BY_TOPIC_ID_VERSION } from './produce-request.ts';
import type { IdentitySource } from './producer-identity.ts';

export interface BatchOutcome {
  /** Null: appended. */
  readonly error: Error | null;
  /** -1: unknown. */
  readonly baseOffset: number;
  /** -1: the records kept their own timestamps. */
  readonly logAppendTimeMs: number;
}

export interface SenderOptions {
  readonly client: Client;
  /** Names the connections, so that no other producer shares them: their requests must stay in order. */
  readonly purpose: string;
  readonly acks: number;
  readonly lingerMs: number;
  readonly maxInFlight: number;
  readonly requestBytesMax: number;
  readonly requestTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  readonly compression: Compression;
  readonly mayCreateTopics: boolean;
  /** Null: not idempotent. */
  readonly identities: IdentitySource | null;
  /** What is known of a topic was asked for anew. */
  readonly onTopic: (info: TopicInfo) => void;
  /** A batch is done, one way or the other. */
  readonly onDone: (queue: BatchQueue, batch: PendingBatch, outcome: BatchOutcome) => void;
}

interface Attempt {
  readonly queue: BatchQueue;
  readonly batch: PendingBatch;
  readonly bytes: Uint8Array;
}

interface Outgoing {
  readonly node: Node;
  readonly attempts: Attempt[];
  bytes: number;
}

/** One broker, as a destination. */
class Node {
  readonly id: number;
  connection: Connection | null = null;
  isOpening = false;
  inFlight = 0;
  resumeAtMs = 0;
  readonly backoff: Backoff;

  constructor(id: number, backoff: Backoff) {
    this.id = id;
    this.backoff = backoff;
  }
}

interface TopicState {
  isAsking: boolean;
  resumeAtMs: number;
  readonly backoff: Backoff;
}

const produceApi = { request: produceRequest, response: produceResponse };
const BACKOFF_LONGEST_MS = 1000;

/** How often batches that cannot be sent are looked at for their delivery timeout. */
const EXPIRY_INTERVAL_MS = 1000;

/** Added to the broker's own time for a request before the connection is given up. */
const NETWORK_GRACE_MS = 5000;

/** These say that the client's idea of who leads a partition is old. */
const staleCodes: ReadonlySet<number> = new Set<number>([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INCONSISTENT_TOPIC_ID,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.NETWORK_EXCEPTION,
]);

/** These say that the broker does not know the producer (any more): go on under a newer epoch. */
const identityCodes: ReadonlySet<number> = new Set<number>([
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.PRODUCER_FENCED,
]);

export class Sender {
  readonly #options: SenderOptions;
  readonly #client: Client;
  /** Queues that have, or may get back, something to send. */
  readonly #active = new Set<BatchQueue>();
  readonly #nodes = new Map<number, Node>();
  readonly #topics = new Map<string, TopicState>();
  readonly #reader = new Reader();
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isDraining = false;
  #isClosed = false;
  #expiryAtMs = 0;
  /** Open batches are due at once: somebody waits for a flush or for memory. */
  isUrgent = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  /** Whoever puts a batch into a queue says so here, then calls `drain` or `drainAt`. */
  activate(queue: BatchQueue): void {
    this.#active.add(queue);
  }

  /** Drains at the latest at `atMs` (monotonic). */
  drainAt(atMs: number): void {
    if (atMs >= this.#timerAtMs || this.#isClosed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#timerAtMs = Number.POSITIVE_INFINITY;
        this.drain();
      },
      Math.max(0, Math.ceil(atMs - performance.now())),
    );
  }

  /** Sends what can be sent now. */
  drain(): void {
    if (this.#isDraining || this.#isClosed) return;
    this.#isDraining = true;
    try {
      const nowMs = performance.now();
      if (nowMs >= this.#expiryAtMs) this.#expire(nowMs);
      while (this.#drainOnce(nowMs)) {
        // Each turn fills at most one request per broker.
      }
    } finally {
      this.#isDraining = false;
    }
  }

  /** Stops sending; what is queued or in flight fails with `error`. */
  close(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const queue of this.#active) {
      for (const batch of queue.expire(Number.POSITIVE_INFINITY)) this.#finish(queue, batch, error);
    }
    for (const node of this.#nodes.values()) node.connection?.close(error);
  }

  /** One request per broker at most; returns whether any was sent. */
  #drainOnce(nowMs: number): boolean {
    const requests = new Map<number, Outgoing>();
    const taken: BatchQueue[] = [];
    let wakeAtMs = this.#active.size === 0 ? Number.POSITIVE_INFINITY : this.#expiryAtMs;
    for (const queue of this.#active) {
      const dueMs = this.#dueMs(queue, nowMs);
      if (dueMs > nowMs) {
        wakeAtMs = Math.min(wakeAtMs, dueMs);
        if (queue.isEmpty && queue.inFlightCount === 0) this.#active.delete(queue);
        continue;
      }
      const node = this.#nodeFor(queue, nowMs);
      if (typeof node === 'number') {
        wakeAtMs = Math.min(wakeAtMs, node);
        continue;
      }
      const request = requests.get(node.id);
      if (request !== undefined && request.bytes >= this.#options.requestBytesMax) continue;
      const attempt = this.#take(queue, nowMs);
      if (attempt === null) continue;
      queue.sentTo = node.id;
      taken.push(queue);
      if (request === undefined) {
        requests.set(node.id, { node, attempts: [attempt], bytes: attempt.bytes.length });
      } else {
        request.attempts.push(attempt);
        request.bytes += attempt.bytes.length;
      }
    }
    // To the back of the set: partitions that did not fit into this request come first in the next.
    for (const queue of taken) {
      this.#active.delete(queue);
      this.#active.add(queue);
    }
    for (const { node, attempts } of requests.values()) void this.#send(node, attempts);
    this.drainAt(wakeAtMs);
    return requests.size > 0;
  }

  /** When the queue may next give a batch; Infinity when only an answer can change that. */
  #dueMs(queue: BatchQueue, nowMs: number): number {
    // A renewal waits for the last answer, or for something to send.
    if (queue.needsRenewal && (queue.inFlightCount > 0 || queue.isEmpty)) {
      return Number.POSITIVE_INFINITY;
    }
    if (queue.needsRenewal || queue.isReady) return queue.resumeAtMs;
    if (queue.open === null || queue.hasSealed) return Number.POSITIVE_INFINITY;
    return this.isUrgent ? nowMs : queue.open.createdMs + this.#options.lingerMs;
  }

  /** The broker to send to, or the moment when to look again (Infinity: an event will tell). */
  #nodeFor(queue: BatchQueue, nowMs: number): Node | number {
    const info = this.#client.metadata.known(queue.topic);
    const leaderId = info?.partitions[queue.partition]?.leaderId ?? -1;
    if (info === undefined || leaderId < 0) return this.#askTopic(queue.topic, nowMs);
    let node = this.#nodes.get(leaderId);
    if (node === undefined) {
      node = new Node(leaderId, this.#newBackoff());
      this.#nodes.set(leaderId, node);
    }
    // Batches at a former leader are answered first: how they end decides what the new one may get.
    if (queue.inFlightCount > 0 && queue.sentTo !== leaderId) return Number.POSITIVE_INFINITY;
    if (node.connection?.isOpen) {
      return node.inFlight < this.#options.maxInFlight ? node : Number.POSITIVE_INFINITY;
    }
    if (node.resumeAtMs > nowMs) return node.resumeAtMs;
    if (!node.isOpening) void this.#open(node);
    return Number.POSITIVE_INFINITY;
  }

  #newBackoff(): Backoff {
    return new Backoff({ firstMs: this.#client.retryBackoffMs, longestMs: BACKOFF_LONGEST_MS });
  }

  async #open(node: Node): Promise<void> {
    node.isOpening = true;
    try {
      node.connection = await this.#client.connectionTo(node.id, this.#options.purpose);
      node.backoff.reset();
    } catch {
      // The reason comes again with the next attempt, or the batches run into their delivery timeout.
      node.resumeAtMs = performance.now() + node.backoff.nextMs();
      for (const queue of this.#active) this.#client.metadata.markStale(queue.topic);
    } finally {
      node.isOpening = false;
    }
    this.drain();
  }

  #askTopic(topic: string, nowMs: number): number {
    let state = this.#topics.get(topic);
    if (state === undefined) {
      state = { isAsking: false, resumeAtMs: 0, backoff: this.#newBackoff() };
      this.#topics.set(topic, state);
    }
    if (state.isAsking) return Number.POSITIVE_INFINITY;
    if (state.resumeAtMs > nowMs) return state.resumeAtMs;
    void this.#refresh(topic, state);
    return Number.POSITIVE_INFINITY;
  }

  async #refresh(topic: string, state: TopicState): Promise<void> {
    state.isAsking = true;
    const { metadata } = this.#client;
    try {
      metadata.markStale(topic);
      const info = await metadata.topic(topic, { mayCreate: this.#options.mayCreateTopics });
      this.#options.onTopic(info);
      if (metadata.known(topic) !== undefined) state.backoff.reset();
    } catch (error) {
      if (!isTransient(error)) this.#failTopic(topic, error as Error);
    }
    state.resumeAtMs = performance.now() + state.backoff.nextMs();
    state.isAsking = false;
    this.drain();
  }

  #failTopic(topic: string, error: Error): void {
    for (const queue of this.#active) {
      if (queue.topic !== topic) continue;
      for (const batch of queue.expire(Number.POSITIVE_INFINITY)) this.#finish(queue, batch, error);
    }
  }

  #take(queue: BatchQueue, nowMs: number): Attempt | null {
    const { identities, compression } = this.#options;
    if (identities !== null && (queue.identity === null || queue.needsRenewal)) {
      if (queue.inFlightCount > 0) return null;
      const identity = queue.needsRenewal ? identities.advance() : identities.current;
      if (identity === null) {
        this.#acquireIdentity(identities);
        return null;
      }
      queue.renew(identity);
    }
    if (!queue.hasSealed) queue.seal();
    const batch = queue.take(nowMs);
    if (batch === null) return null;
    try {
      return { queue, batch, bytes: batch.encode(queue.identity, compression) };
    } catch (error) {
      queue.failed(batch);
      this.#finish(queue, batch, error as Error);
      return null;
    }
  }

  #acquireIdentity(identities: IdentitySource): void {
    identities.acquire().then(
      () => this.drain(),
      (error: Error) => {
        if (this.#isClosed) return;
        for (const queue of this.#active) {
          for (const batch of queue.expire(Number.POSITIVE_INFINITY))
            this.#finish(queue, batch, error);
        }
      },
    );
  }

  async #send(node: Node, attempts: readonly Attempt[]): Promise<void> {
    const { acks, requestTimeoutMs } = this.#options;
    const connection = node.connection!;
    node.inFlight++;
    try {
      const topics = this.#group(attempts);
      const hasIds = topics.every((topic) => topic.topicId !== null);
      const newest = connection.versionOf(produceApi);
      const version = hasIds ? newest : Math.min(newest, PRODUCE_BY_TOPIC_ID_VERSION - 1);
      const pieces = encodeProduceRequest({ acks, timeoutMs: requestTimeoutMs, topics }, version);
      const frame = await connection.send(produceRequest, version, pieces, {
        hasResponse: acks !== 0,
        timeoutMs: requestTimeoutMs + NETWORK_GRACE_MS,
      });
      if (frame === null) {
        for (const attempt of attempts) this.#succeed(attempt, -1, -1);
      } else {
        this.#reader.reset(frame.bytes, frame.at, frame.bytes.length);
        this.#answered(attempts, topics, produceResponse.read(this.#reader, version));
      }
    } catch (error) {
      this.#lost(attempts, error as Error);
    }
    node.inFlight--;
    this.drain();
  }

  #group(attempts: readonly Attempt[]): SentTopic[] {
    const byName = new Map<string, SentTopic>();
    for (const { queue, bytes } of attempts) {
      let topic = byName.get(queue.topic);
      if (topic === undefined) {
        const topicId = this.#client.metadata.lastKnown(queue.topic)?.topicId ?? null;
        topic = { name: queue.topic, topicId, partitions: [] };
        byName.set(queue.topic, topic);
      }
      topic.partitions.push({ index: queue.partition, records: bytes });
    }
    return [...byName.values()];
  }

  #answered(
    attempts: readonly Attempt[],
    sent: readonly SentTopic[],
    response: ReturnType<typeof produceResponse.read>,
  ): void {
    const byKey = new Map(
      attempts.map((each) => [`${each.queue.partition} ${each.queue.topic}`, each]),
    );
    for (const topic of response.responses) {
      const name = topic.name || sent.find((each) => each.topicId === topic.topicId)?.name;
      for (const row of topic.partitionResponses) {
        const key = `${row.index} ${name}`;
        const attempt = byKey.get(key);
        if (attempt === undefined) continue;
        byKey.delete(key);
        const { errorCode } = row;
        if (errorCode === ErrorCode.NONE)
          this.#succeed(attempt, row.baseOffset, row.logAppendTimeMs);
        else if (errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) this.#succeed(attempt, -1, -1);
        else {
          const reason = row.recordErrors[0]?.batchIndexErrorMessage ?? row.errorMessage;
          this.#refused(attempt, errorCode, reason);
        }
      }
    }
    for (const attempt of byKey.values()) {
      this.#refused(
        attempt,
        ErrorCode.UNKNOWN_SERVER_ERROR,
        'the broker left the partition out of its answer',
      );
    }
  }

  #succeed({ queue, batch }: Attempt, baseOffset: number, logAppendTimeMs: number): void {
    queue.succeeded(batch);
    this.#options.onDone(queue, batch, { error: null, baseOffset, logAppendTimeMs });
  }

  #refused(attempt: Attempt, errorCode: number, reason: string | null): void {
    const { queue, batch } = attempt;
    const error = new BrokerError(
      errorCode,
      `produce to partition ${queue.partition} of '${queue.topic}'`,
      reason,
    );
    if (
      errorCode === ErrorCode.MESSAGE_TOO_LARGE ||
      errorCode === ErrorCode.RECORD_LIST_TOO_LARGE
    ) {
      const halves = batch.split();
      if (halves !== null) {
        batch.release();
        queue.replace(batch, halves);
        return;
      }
    }
    if (staleCodes.has(errorCode)) this.#client.metadata.markStale(queue.topic);
    const isIdempotent = batch.baseSequence !== NO_SEQUENCE;
    if (isIdempotent && identityCodes.has(errorCode)) {
      queue.needsRenewal = true;
      this.#again(attempt, error);
    } else if (errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && isIdempotent) {
      // An earlier batch explains it; or none does, and records acknowledged before are lost.
      if (queue.needsRenewal || !queue.isHead(batch)) this.#again(attempt, error);
      else this.#fail(attempt, error);
    } else if (isRetriable(errorCode)) this.#again(attempt, error);
    else this.#fail(attempt, error);
  }

  /** The connection ended: whether the batches were appended is unknown. */
  #lost(attempts: readonly Attempt[], error: Error): void {
    for (const attempt of attempts) {
      if (isTransient(error) && !this.#isClosed) {
        this.#client.metadata.markStale(attempt.queue.topic);
        this.#again(attempt, error);
      } else this.#fail(attempt, error);
    }
  }

  #again(attempt: Attempt, error: Error): void {
    const { queue, batch } = attempt;
    const nowMs = performance.now();
    if (nowMs - batch.createdMs >= this.#options.deliveryTimeoutMs) {
      this.#fail(attempt, error);
      return;
    }
    const pauseMs = this.#client.retryBackoffMs * 2 ** Math.min(queue.failedRounds, 10);
    queue.postpone(batch, nowMs + Math.min(BACKOFF_LONGEST_MS, pauseMs));
    this.#active.add(queue);
  }

  #fail({ queue, batch }: Attempt, error: Error): void {
    queue.failed(batch);
    this.#active.add(queue);
    this.#finish(queue, batch, error);
  }

  #expire(nowMs: number): void {
    this.#expiryAtMs = nowMs + EXPIRY_INTERVAL_MS;
    const { deliveryTimeoutMs } = this.#options;
    for (const queue of this.#active) {
      for (const batch of queue.expire(nowMs - deliveryTimeoutMs)) {
        const what = `produce to partition ${queue.partition} of '${queue.topic}'`;
        this.#finish(
          queue,
          batch,
          new ClientError('timeout', `${what}: not acknowledged in ${deliveryTimeoutMs} ms`),
        );
      }
    }
  }

  #finish(queue: BatchQueue, batch: PendingBatch, error: Error): void {
    this.#options.onDone(queue, batch, { error, baseOffset: -1, logAppendTimeMs: -1 });
  }
}

interface SentTopic {
  readonly name: string;
  readonly topicId: string | null;
  readonly partitions: { readonly index: number; readonly records: Uint8Array }[];
}

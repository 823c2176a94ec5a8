/**
 * Reads records of partitions that are assigned by hand: no group, no commits. It keeps one long-polling fetch
 * outstanding per broker, reads one response ahead of its reader, follows leaders when they move, and checks
 * the CRC of every batch.
 *
 * One thread. Records can be taken as chunks (one response, one partition: the fast way), as batches or one by
 * one; by one reader at a time.
 */

import { ErrorCode, isRetriable } from '../engine/base/error-codes.ts';
import { MIB } from '../engine/base/limits.ts';
import { BATCH_OVERHEAD_BYTES, batchLastOffset } from '../engine/format/batch.ts';
import { type ScanResult, scanBatches } from '../engine/format/scan.ts';
import { type FetchResponse, fetchRequest, fetchResponse } from '../net/wire/api/fetch.ts';
import { Backoff } from './backoff.ts';
import type { Client } from './client.ts';
import { BrokerError, ClientError, isTransient } from './client-error.ts';
import { type FetchedBatch, FetchedChunk, type FetchedRecord } from './fetched.ts';
import { FramePool } from './frame-pool.ts';
import { listOffsets } from './offsets.ts';

export interface Assignment {
  readonly topic: string;
  readonly partition: number;
  /** First offset to read. */
  readonly offset: number;
  /** Reading this partition ends before this offset. Default: never. */
  readonly endOffset?: number;
}

export interface FetcherOptions {
  /** How long a broker may wait for records before it answers with none. Default 500 ms. */
  readonly maxWaitMs?: number;
  /** It answers at once when it has this much. Default 1 byte. */
  readonly minBytes?: number;
  /** Most bytes in a response; a single larger batch comes anyway. Default 16 MiB. */
  readonly maxBytes?: number;
  /** Most bytes of one partition in a response. Default 2 MiB. */
  readonly partitionMaxBytes?: number;
  /** Default true. */
  readonly checkCrc?: boolean;
  /** How long a partition that cannot be read is tried again before that is thrown. Default: the client's. */
  readonly retryMs?: number;
  /** An offset that the log does not have (any more): throw (default), or go on at one of its ends. */
  readonly onOutOfRange?: 'fail' | 'beginning' | 'end';
}

interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly endOffset: number;
  /** The next offset to ask for. */
  offset: number;
  isFetching: boolean;
  resumeAtMs: number;
  /** Since when it cannot be read (monotonic ms); null: it can. */
  failingSinceMs: number | null;
  readonly backoff: Backoff;
}

interface BrokerState {
  isFetching: boolean;
  resumeAtMs: number;
  readonly backoff: Backoff;
}

/**
 * Whether a response ends as one may: behind a batch, or anywhere inside the next. The first bytes of an offset are zeros,
 * so a piece of a batch too short to hold its length may look like space that was never written.
 */
function isWhole({ stopReason, validBytes }: ScanResult, size: number): boolean {
  if (stopReason === 'zeros') return size - validBytes < BATCH_OVERHEAD_BYTES;
  return stopReason === 'end' || stopReason === 'partial';
}

const fetchApi = { request: fetchRequest, response: fetchResponse };

/** First Fetch version in which topics go by id. */
const FETCH_BY_TOPIC_ID_VERSION = 13;

const BACKOFF_LONGEST_MS = 1000;

/** Added to the broker's waiting time before a connection is given up. */
const NETWORK_GRACE_MS = 10_000;

/** Errors of a partition that a look at fresh metadata explains. */
function isMoved(errorCode: number): boolean {
  return isRetriable(errorCode) && errorCode !== ErrorCode.CORRUPT_MESSAGE;
}

/** The next response is asked for when less than this part of a full one waits to be read. */
const WAITING_SHARE = 1 / 2;

let fetcherCount = 0;

export class Fetcher {
  readonly #client: Client;
  readonly #options: Required<FetcherOptions>;
  readonly #purpose = `fetch-${++fetcherCount}`;
  readonly #pool = new FramePool();
  /** In the order in which they are asked for; those that brought records go to the back. */
  #partitions: Partition[] = [];
  readonly #brokers = new Map<number, BrokerState>();
  readonly #asking = new Set<string>();
  readonly #chunks: FetchedChunk[] = [];
  #waitingBytes = 0;
  /** Wakes the reader that waits in `next`. */
  #wake: (() => void) | null = null;
  #error: Error | null = null;
  #isStopped = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(client: Client, options: FetcherOptions = {}) {
    this.#client = client;
    this.#options = {
      maxWaitMs: options.maxWaitMs ?? 500,
      minBytes: options.minBytes ?? 1,
      maxBytes: options.maxBytes ?? 16 * MIB,
      partitionMaxBytes: options.partitionMaxBytes ?? 2 * MIB,
      checkCrc: options.checkCrc ?? true,
      retryMs: options.retryMs ?? client.retryMs,
      onOutOfRange: options.onOutOfRange ?? 'fail',
    };
  }

  /** Adds partitions to read from. Partitions whose end is reached already are left out. */
  assign(assignments: readonly Assignment[]): void {
    for (const { topic, partition, offset, endOffset = Number.POSITIVE_INFINITY } of assignments) {
      if (offset >= endOffset) continue;
      this.#partitions.push({
        topic,
        partition,
        offset,
        endOffset,
        isFetching: false,
        resumeAtMs: 0,
        failingSinceMs: null,
        backoff: new Backoff({
          firstMs: this.#client.retryBackoffMs,
          longestMs: BACKOFF_LONGEST_MS,
        }),
      });
    }
  }

  /** The next offset that will be asked for, by topic and partition; for those not at their end. */
  positions(): { readonly topic: string; readonly partition: number; readonly offset: number }[] {
    return this.#partitions.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
  }

  /** Whether `next` has something to give without waiting. */
  get hasChunk(): boolean {
    return this.#chunks.length > 0;
  }

  /**
   * The next records of some partition; null when every partition has reached its end or `stop` was called.
   * Throws `BrokerError` or `ClientError` when a partition cannot be read any more.
   */
  async next(): Promise<FetchedChunk | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) this.#waitingBytes -= chunk.to - chunk.from;
      this.#pump();
      if (chunk !== undefined) return chunk;
      if (this.#error !== null) throw this.#error;
      if (this.#isStopped || this.#partitions.length === 0) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Record batches one after the other. */
  async *batches(): AsyncGenerator<FetchedBatch, void, undefined> {
    for (let chunk = await this.next(); chunk !== null; chunk = await this.next()) {
      yield* chunk.batches();
    }
  }

  /** Records one by one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<FetchedRecord, void, undefined> {
    for (let chunk = await this.next(); chunk !== null; chunk = await this.next()) {
      yield* chunk.records();
    }
  }

  /** No more fetches; `next` gives what has arrived already, then null. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#client.disconnect(this.#purpose);
    this.#notify();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #fail(error: Error): void {
    if (this.#isStopped) return;
    this.#error ??= error;
    this.#notify();
  }

  /** Sends the fetches that can be sent now: one per broker, and none while much waits to be read. */
  #pump(): void {
    if (this.#isStopped || this.#error !== null) return;
    if (this.#waitingBytes >= this.#options.maxBytes * WAITING_SHARE) return;
    const nowMs = performance.now();
    let wakeAtMs = Number.POSITIVE_INFINITY;
    const byLeader = new Map<number, Partition[]>();
    for (const partition of this.#partitions) {
      if (partition.isFetching) continue;
      if (partition.resumeAtMs > nowMs) {
        wakeAtMs = Math.min(wakeAtMs, partition.resumeAtMs);
        continue;
      }
      const leaderId = this.#leaderOf(partition);
      if (leaderId === null) continue;
      const list = byLeader.get(leaderId);
      if (list === undefined) byLeader.set(leaderId, [partition]);
      else list.push(partition);
    }
    for (const [leaderId, list] of byLeader) {
      const broker = this.#brokerOf(leaderId);
      if (broker.isFetching) continue;
      if (broker.resumeAtMs > nowMs) wakeAtMs = Math.min(wakeAtMs, broker.resumeAtMs);
      else void this.#fetch(leaderId, broker, list);
    }
    this.#pumpAt(wakeAtMs, nowMs);
  }

  #pumpAt(atMs: number, nowMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#pump(), Math.ceil(atMs - nowMs));
  }

  #brokerOf(leaderId: number): BrokerState {
    let broker = this.#brokers.get(leaderId);
    if (broker === undefined) {
      const backoff = new Backoff({
        firstMs: this.#client.retryBackoffMs,
        longestMs: BACKOFF_LONGEST_MS,
      });
      broker = { isFetching: false, resumeAtMs: 0, backoff };
      this.#brokers.set(leaderId, broker);
    }
    return broker;
  }

  /** The leader of a partition; null while metadata is asked for. */
  #leaderOf(partition: Partition): number | null {
    const { topic } = partition;
    const info = this.#client.metadata.known(topic);
    const leaderId = info?.partitions[partition.partition]?.leaderId ?? -1;
    if (leaderId >= 0) return leaderId;
    if (!this.#asking.has(topic)) void this.#askTopic(topic);
    return null;
  }

  async #askTopic(topic: string): Promise<void> {
    this.#asking.add(topic);
    const mine = this.#partitions.filter((each) => each.topic === topic);
    try {
      this.#client.metadata.markStale(topic);
      const info = await this.#client.metadata.topic(topic, { mayCreate: false });
      for (const each of mine) {
        if (info.partitions[each.partition] === undefined) {
          throw new BrokerError(
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            `partition ${each.partition} of '${topic}'`,
          );
        }
        if (info.partitions[each.partition]!.leaderId < 0) {
          this.#delay(
            each,
            new BrokerError(
              ErrorCode.LEADER_NOT_AVAILABLE,
              `partition ${each.partition} of '${topic}'`,
            ),
          );
        }
      }
    } catch (error) {
      if (isTransient(error)) for (const each of mine) this.#delay(each, error as Error);
      else this.#fail(error as Error);
    }
    this.#asking.delete(topic);
    this.#pump();
  }

  /** Tries the partition again after a pause, unless it has failed for too long. */
  #delay(partition: Partition, error: Error): void {
    const nowMs = performance.now();
    partition.failingSinceMs ??= nowMs;
    partition.resumeAtMs = nowMs + partition.backoff.nextMs();
    if (nowMs - partition.failingSinceMs > this.#options.retryMs) this.#fail(error);
  }

  async #fetch(
    leaderId: number,
    broker: BrokerState,
    partitions: readonly Partition[],
  ): Promise<void> {
    broker.isFetching = true;
    for (const partition of partitions) partition.isFetching = true;
    try {
      const take = (size: number): Buffer => this.#pool.take(size);
      const connection = await this.#client.connectionTo(leaderId, this.#purpose, take);
      const { metadata } = this.#client;
      const newest = connection.versionOf(fetchApi);
      const hasIds = partitions.every((each) => metadata.lastKnown(each.topic)?.topicId != null);
      const version = hasIds ? newest : Math.min(newest, FETCH_BY_TOPIC_ID_VERSION - 1);
      const frame = await connection.callFrame(
        fetchApi,
        {
          maxWaitMs: this.#options.maxWaitMs,
          minBytes: this.#options.minBytes,
          maxBytes: this.#options.maxBytes,
          topics: this.#topicsOf(partitions, version),
          ...(version >= 7 ? { forgottenTopicsData: [] } : {}),
        },
        { version, timeoutMs: this.#options.maxWaitMs + NETWORK_GRACE_MS },
      );
      broker.backoff.reset();
      this.#received(partitions, frame.body, frame.bytes);
    } catch (error) {
      this.#lost(broker, partitions, error as Error);
    }
    broker.isFetching = false;
    for (const partition of partitions) partition.isFetching = false;
    this.#pump();
  }

  #topicsOf(partitions: readonly Partition[], version: number) {
    const byTopic = new Map<string, Partition[]>();
    for (const partition of partitions) {
      const list = byTopic.get(partition.topic);
      if (list === undefined) byTopic.set(partition.topic, [partition]);
      else list.push(partition);
    }
    return [...byTopic].map(([topic, list]) => {
      const info = this.#client.metadata.lastKnown(topic)!;
      return {
        ...(version < FETCH_BY_TOPIC_ID_VERSION ? { topic } : { topicId: info.topicId! }),
        partitions: list.map((each) => ({
          partition: each.partition,
          fetchOffset: each.offset,
          partitionMaxBytes: this.#options.partitionMaxBytes,
          currentLeaderEpoch: info.partitions[each.partition]?.leaderEpoch ?? -1,
        })),
      };
    });
  }

  #received(partitions: readonly Partition[], response: FetchResponse, frame: Buffer): void {
    if (this.#isStopped) return;
    if (response.errorCode !== ErrorCode.NONE) throw new BrokerError(response.errorCode, 'fetch');
    const names = new Map<string, string>();
    for (const { topic } of partitions) {
      const topicId = this.#client.metadata.lastKnown(topic)?.topicId;
      if (topicId != null) names.set(topicId, topic);
    }
    const chunks: {
      partition: Partition;
      from: number;
      to: number;
      startOffset: number;
      highWatermark: number;
    }[] = [];
    for (const topic of response.responses) {
      const name = topic.topic || names.get(topic.topicId);
      for (const row of topic.partitions) {
        const partition = partitions.find(
          (each) => each.partition === row.partitionIndex && each.topic === name,
        );
        if (partition === undefined) continue;
        if (row.errorCode !== ErrorCode.NONE) {
          this.#refused(partition, row.errorCode);
          continue;
        }
        partition.backoff.reset();
        partition.failingSinceMs = null;
        if (row.records === null || row.records.length === 0) continue;
        const from = row.records.byteOffset - frame.byteOffset;
        const startOffset = partition.offset;
        const size = this.#accept(partition, row.records, row.highWatermark);
        if (size > 0)
          chunks.push({
            partition,
            from,
            to: from + size,
            startOffset,
            highWatermark: row.highWatermark,
          });
      }
    }
    this.#deliver(chunks, frame);
  }

  /** Checks the batches that came, moves the partition behind them, and returns their size. */
  #accept(partition: Partition, records: Uint8Array, highWatermark: number): number {
    const view = new DataView(records.buffer, records.byteOffset, records.length);
    let lastAt = -1;
    const scan = scanBatches(records, view, 0, records.length, {
      checkCrc: this.#options.checkCrc,
      onBatch: (at) => {
        lastAt = at;
      },
    });
    const where = `partition ${partition.partition} of '${partition.topic}'`;
    if (!isWhole(scan, records.length)) {
      const offset = lastAt < 0 ? partition.offset : batchLastOffset(view, lastAt) + 1;
      throw new ClientError(
        'corrupt',
        `${where} is corrupt at offset ${offset}: ${scan.stopReason}`,
      );
    }
    if (lastAt >= 0)
      partition.offset = Math.max(partition.offset, batchLastOffset(view, lastAt) + 1);
    else if (highWatermark > partition.offset) {
      // A broker sends at least one whole batch, however small the limits: nothing would ever move.
      throw new ClientError(
        'corrupt',
        `${where}: the broker sent only a part of a batch at offset ${partition.offset}`,
      );
    }
    return scan.validBytes;
  }

  #deliver(
    found: readonly {
      partition: Partition;
      from: number;
      to: number;
      startOffset: number;
      highWatermark: number;
    }[],
    frame: Buffer,
  ): void {
    let held = found.length;
    const onRelease = (): void => {
      held--;
      if (held === 0) this.#pool.give(frame);
    };
    for (const { partition, from, to, startOffset, highWatermark } of found) {
      const { topic, endOffset } = partition;
      this.#waitingBytes += to - from;
      this.#chunks.push(
        new FetchedChunk({
          topic,
          partition: partition.partition,
          bytes: frame,
          from,
          to,
          startOffset,
          endOffset,
          highWatermark,
          onRelease,
        }),
      );
    }
    if (found.length === 0) return;
    const served = new Set(found.map((each) => each.partition));
    // The broker fills a response in the order of the request: who got records comes last in the next.
    const isOpen = (each: Partition): boolean => each.offset < each.endOffset;
    const rest = this.#partitions.filter((each) => !served.has(each));
    this.#partitions = [...rest, ...served].filter(isOpen);
    this.#notify();
  }

  #refused(partition: Partition, errorCode: number): void {
    const error = new BrokerError(
      errorCode,
      `fetch of partition ${partition.partition} of '${partition.topic}' at offset ${partition.offset}`,
    );
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && this.#options.onOutOfRange !== 'fail') {
      partition.resumeAtMs = Number.POSITIVE_INFINITY;
      void this.#reposition(partition, this.#options.onOutOfRange);
    } else if (isMoved(errorCode)) {
      this.#client.metadata.markStale(partition.topic);
      this.#delay(partition, error);
    } else this.#fail(error);
  }

  async #reposition(partition: Partition, query: 'beginning' | 'end'): Promise<void> {
    try {
      const [found] = await listOffsets(this.#client, partition.topic, query, [
        partition.partition,
      ]);
      partition.offset = found?.offset ?? partition.offset;
      partition.resumeAtMs = 0;
      this.#pump();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #lost(broker: BrokerState, partitions: readonly Partition[], error: Error): void {
    if (!isTransient(error)) {
      this.#fail(error);
      return;
    }
    broker.resumeAtMs = performance.now() + broker.backoff.nextMs();
    for (const partition of partitions) {
      this.#client.metadata.markStale(partition.topic);
      this.#delay(partition, error);
    }
  }
}

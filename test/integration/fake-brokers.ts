/**
 * A small cluster in one process that speaks enough of the protocol for the client's tests and can be told to
 * misbehave: drop connections before or after a request took effect, answer with errors, move leaders, know only
 * old versions. Its partitions check sequences as Kafka does, so that a lost, repeated or reordered batch shows.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import {
  batchBaseSequence,
  batchLastOffsetDelta,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  setBatchBaseOffset,
} from '../../engine/format/batch.ts';
import { recordsOf } from '../../engine/format/records.ts';
import type { FetchRequest } from '../../net/wire/api/fetch.ts';
import type { ListOffsetsRequest } from '../../net/wire/api/list-offsets.ts';
import type { MetadataRequest } from '../../net/wire/api/metadata.ts';
import type { ProduceRequest } from '../../net/wire/api/produce.ts';
import {
  type RequestHeaderFields,
  readRequestHeader,
  writeResponseHeader,
} from '../../net/wire/header.ts';
import { Reader } from '../../net/wire/reader.ts';
import { apiByKey } from '../../net/wire/registry.ts';
import { Writer } from '../../net/wire/writer.ts';

export const Api = {
  PRODUCE: 0,
  FETCH: 1,
  LIST_OFFSETS: 2,
  METADATA: 3,
  API_VERSIONS: 18,
  INIT_PRODUCER_ID: 22,
} as const;

/** What to do with a request: serve it, end the connection before or after that, keep silent, or fail. */
export type Verdict =
  | 'serve'
  | 'drop'
  | 'serve-then-drop'
  | 'ignore'
  | { readonly errorCode: number };

export interface FakeOptions {
  readonly brokers?: number;
  /** Newest version served, by API key. */
  readonly newest?: Readonly<Record<number, number>>;
  /** Newest ApiVersions version that is not answered with UNSUPPORTED_VERSION. */
  readonly newestApiVersions?: number;
  readonly judge?: (apiKey: number, nodeId: number) => Verdict;
  /** Metadata answers without topic ids. */
  readonly hasTopicIds?: boolean;
}

interface ProducerState {
  epoch: number;
  nextSequence: number;
  /** Sequence and offset of recent batches. */
  readonly recent: { readonly sequence: number; readonly offset: number }[];
}

export class FakePartition {
  leaderId = 0;
  startOffset = 0;
  endOffset = 0;
  readonly batches: { readonly baseOffset: number; readonly bytes: Buffer }[] = [];
  readonly producers = new Map<number, ProducerState>();
  maxBatchBytes = Number.POSITIVE_INFINITY;

  /** The values that were appended, in order. */
  values(): string[] {
    return this.batches.flatMap(({ bytes }) =>
      [...recordsOf(bytes)].map((record) => Buffer.from(record.value ?? []).toString()),
    );
  }

  append(records: Uint8Array): { readonly errorCode: number; readonly baseOffset: number } {
    const bytes = Buffer.from(records);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length > this.maxBatchBytes)
      return { errorCode: ErrorCode.MESSAGE_TOO_LARGE, baseOffset: -1 };
    const producerId = batchProducerId(view, 0);
    if (producerId >= 0) {
      const refused = this.#checkSequence(producerId, view);
      if (refused !== null) return refused;
    }
    const baseOffset = this.endOffset;
    setBatchBaseOffset(view, 0, baseOffset);
    this.endOffset += batchLastOffsetDelta(view, 0) + 1;
    this.batches.push({ baseOffset, bytes });
    this.producers
      .get(producerId)
      ?.recent.push({ sequence: batchBaseSequence(view, 0), offset: baseOffset });
    return { errorCode: ErrorCode.NONE, baseOffset };
  }

  /** As Kafka's ProducerAppendInfo: an unknown producer may start anywhere, a new epoch starts at 0. */
  #checkSequence(producerId: number, view: DataView) {
    const epoch = batchProducerEpoch(view, 0);
    const sequence = batchBaseSequence(view, 0);
    const nextSequence = sequence + batchRecordCount(view, 0);
    const state = this.producers.get(producerId);
    if (state === undefined || epoch > state.epoch) {
      if (state !== undefined && sequence !== 0) {
        return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
      }
      this.producers.set(producerId, { epoch, nextSequence, recent: [] });
      return null;
    }
    if (epoch < state.epoch) return { errorCode: ErrorCode.INVALID_PRODUCER_EPOCH, baseOffset: -1 };
    const seen = state.recent.slice(-5).find((each) => each.sequence === sequence);
    if (seen !== undefined) return { errorCode: ErrorCode.NONE, baseOffset: seen.offset };
    if (sequence !== state.nextSequence) {
      return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
    }
    state.nextSequence = nextSequence;
    return null;
  }
}

/** Ids are made of the name, so that they can be read in a failure. */
function topicIdOf(name: string): string {
  return Buffer.from(name.padEnd(16, '.')).subarray(0, 16).toString('base64url');
}

export class FakeBrokers {
  readonly topics = new Map<string, FakePartition[]>();
  /** How often each API was asked. */
  readonly asked = new Map<number, number>();
  readonly ports: number[] = [];
  readonly #options: FakeOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #producerId = 1000;

  static async start(options: FakeOptions = {}): Promise<FakeBrokers> {
    const brokers = new FakeBrokers(options);
    for (let nodeId = 0; nodeId < (options.brokers ?? 1); nodeId++) await brokers.#listen(nodeId);
    return brokers;
  }

  private constructor(options: FakeOptions) {
    this.#options = options;
  }

  get address(): string {
    return `127.0.0.1:${this.ports[0]}`;
  }

  addTopic(name: string, partitionCount = 1): FakePartition[] {
    const partitions = Array.from({ length: partitionCount }, () => new FakePartition());
    this.topics.set(name, partitions);
    return partitions;
  }

  /** Ends every connection. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.disconnect();
    await Promise.all(this.#servers.map((server) => new Promise((done) => server.close(done))));
  }

  async #listen(nodeId: number): Promise<void> {
    const server = createServer((socket) => this.#serve(socket, nodeId));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    this.ports.push(typeof address === 'object' && address !== null ? address.port : 0);
    this.#servers.push(server);
  }

  #serve(socket: Socket, nodeId: number): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending = Buffer.alloc(0);
    let previous = Promise.resolve();
    socket.on('data', (piece: Buffer) => {
      pending = Buffer.concat([pending, piece]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const end = 4 + pending.readInt32BE(0);
        const frame = pending.subarray(4, end);
        pending = pending.subarray(end);
        previous = previous.then(() => this.#handle(socket, nodeId, frame));
      }
    });
  }

  async #handle(socket: Socket, nodeId: number, frame: Buffer): Promise<void> {
    if (socket.destroyed) return;
    const reader = new Reader(frame);
    const header: RequestHeaderFields = {
      apiKey: 0,
      apiVersion: 0,
      correlationId: 0,
      clientId: null,
    };
    readRequestHeader(reader, header);
    const { apiKey, apiVersion } = header;
    this.asked.set(apiKey, (this.asked.get(apiKey) ?? 0) + 1);
    const api = await apiByKey(apiKey);
    if (apiKey === Api.API_VERSIONS && apiVersion > (this.#options.newestApiVersions ?? 4)) {
      this.#answer(
        socket,
        header,
        api.response,
        0,
        this.#apiVersions(ErrorCode.UNSUPPORTED_VERSION),
      );
      return;
    }
    const verdict = this.#options.judge?.(apiKey, nodeId) ?? 'serve';
    if (verdict === 'ignore') return;
    if (verdict === 'drop') {
      socket.destroy();
      return;
    }
    const body = api.request.read(reader, apiVersion);
    const errorCode = typeof verdict === 'object' ? verdict.errorCode : null;
    const response = this.#respond(apiKey, apiVersion, body, { nodeId, errorCode });
    if (verdict === 'serve-then-drop') socket.destroy();
    else if (response !== null) this.#answer(socket, header, api.response, apiVersion, response);
  }

  #answer(
    socket: Socket,
    header: RequestHeaderFields,
    codec: { write(writer: Writer, value: unknown, version: number): void },
    version: number,
    body: unknown,
  ): void {
    const writer = new Writer();
    writer.int32(0);
    writeResponseHeader(writer, header.apiKey, version, header.correlationId);
    codec.write(writer, body, version);
    writer.bytes.writeInt32BE(writer.size - 4, 0);
    socket.write(writer.copy());
  }

  #respond(
    apiKey: number,
    version: number,
    body: unknown,
    how: { readonly nodeId: number; readonly errorCode: number | null },
  ): unknown {
    switch (apiKey) {
      case Api.API_VERSIONS:
        return this.#apiVersions(ErrorCode.NONE);
      case Api.METADATA:
        return this.#metadata(body as MetadataRequest, version);
      case Api.INIT_PRODUCER_ID:
        return {
          throttleTimeMs: 0,
          errorCode: how.errorCode ?? 0,
          producerId: ++this.#producerId,
          producerEpoch: 0,
        };
      case Api.PRODUCE:
        return this.#produce(body as ProduceRequest, version, how);
      case Api.FETCH:
        return this.#fetch(body as FetchRequest, version, how);
      case Api.LIST_OFFSETS:
        return this.#listOffsets(body as ListOffsetsRequest);
      default:
        throw new Error(`the fake brokers do not serve api ${apiKey}`);
    }
  }

  #apiVersions(errorCode: number): unknown {
    const newest: Record<number, number> = {
      0: 13,
      1: 18,
      2: 11,
      3: 13,
      18: 4,
      22: 5,
      ...this.#options.newest,
    };
    const oldest: Record<number, number> = { 0: 3, 1: 4, 2: 1 };
    const apiKeys = Object.entries(newest).map(([key, maxVersion]) => ({
      apiKey: Number(key),
      minVersion: oldest[Number(key)] ?? 0,
      maxVersion:
        Number(key) === Api.API_VERSIONS ? (this.#options.newestApiVersions ?? 4) : maxVersion,
    }));
    return { errorCode, apiKeys, throttleTimeMs: 0 };
  }

  #nameOf(
    named: { readonly topicId: string; readonly name?: string | null },
    version: number,
    byIdFrom: number,
  ): string | undefined {
    if (version < byIdFrom) return named.name ?? undefined;
    return [...this.topics.keys()].find((name) => topicIdOf(name) === named.topicId);
  }

  #metadata(request: MetadataRequest, version: number): unknown {
    const isAll = request.topics === null || (version === 0 && request.topics.length === 0);
    const names = isAll ? [...this.topics.keys()] : request.topics!.map((each) => each.name!);
    return {
      brokers: this.ports.map((port, nodeId) => ({ nodeId, host: '127.0.0.1', port, rack: null })),
      clusterId: 'fake',
      controllerId: 0,
      topics: names.map((name) => ({
        errorCode: this.topics.has(name) ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        name,
        ...(this.#options.hasTopicIds === false ? {} : { topicId: topicIdOf(name) }),
        isInternal: false,
        partitions: (this.topics.get(name) ?? []).map(({ leaderId }, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId,
          leaderEpoch: 0,
          replicaNodes: [0],
          isrNodes: [0],
          offlineReplicas: [],
        })),
      })),
    };
  }

  #produce(
    request: ProduceRequest,
    version: number,
    how: { readonly nodeId: number; readonly errorCode: number | null },
  ): unknown {
    const responses = request.topicData.map((topic) => {
      const name = this.#nameOf(topic, version, 13);
      return {
        ...(version < 13 ? { name: topic.name } : { topicId: topic.topicId }),
        partitionResponses: topic.partitionData.map(({ index, records }) => {
          const partition = name === undefined ? undefined : this.topics.get(name)?.[index];
          if (how.errorCode !== null) return { index, errorCode: how.errorCode, baseOffset: -1 };
          if (partition === undefined)
            return { index, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 };
          if (partition.leaderId !== how.nodeId)
            return { index, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 };
          return { index, ...partition.append(records!) };
        }),
      };
    });
    return request.acks === 0 ? null : { responses };
  }

  #fetch(
    request: FetchRequest,
    version: number,
    how: { readonly nodeId: number; readonly errorCode: number | null },
  ): unknown {
    const responses = request.topics.map((topic) => {
      const name = this.#nameOf({ topicId: topic.topicId, name: topic.topic }, version, 13);
      return {
        ...(version < 13 ? { topic: topic.topic } : { topicId: topic.topicId }),
        partitions: topic.partitions.map(
          ({ partition: partitionIndex, fetchOffset, partitionMaxBytes }) => {
            const none = {
              partitionIndex,
              highWatermark: -1,
              abortedTransactions: null,
              records: null,
            };
            const partition =
              name === undefined ? undefined : this.topics.get(name)?.[partitionIndex];
            if (how.errorCode !== null) return { ...none, errorCode: how.errorCode };
            if (partition === undefined)
              return { ...none, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
            if (partition.leaderId !== how.nodeId)
              return { ...none, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
            const { startOffset, endOffset } = partition;
            if (fetchOffset < startOffset || fetchOffset > endOffset) {
              return { ...none, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE };
            }
            const batches = partition.batches.filter(
              ({ baseOffset, bytes }) => baseOffset + recordCountOf(bytes) > fetchOffset,
            );
            const all = Buffer.concat(batches.map((each) => each.bytes));
            // A real broker cuts at its limits, in the middle of a batch where it comes so.
            const records = all.subarray(
              0,
              Math.max(partitionMaxBytes, batches[0]?.bytes.length ?? 0),
            );
            return { ...none, errorCode: 0, highWatermark: endOffset, records };
          },
        ),
      };
    });
    return { throttleTimeMs: 0, responses };
  }

  #listOffsets(request: ListOffsetsRequest): unknown {
    return {
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => {
          const partition = this.topics.get(name)![partitionIndex]!;
          return {
            partitionIndex,
            errorCode: 0,
            timestamp: -1,
            offset: timestamp === -2 ? partition.startOffset : partition.endOffset,
            leaderEpoch: 0,
          };
        }),
      })),
    };
  }
}

function recordCountOf(bytes: Buffer): number {
  return batchLastOffsetDelta(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0) + 1;
}

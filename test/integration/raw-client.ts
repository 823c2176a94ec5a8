/**
 * A connection that sends whatever bytes a test wants and takes apart what comes back: for hostile input, pipelining and
 * timing, where a well-behaved client would be in the way.
 */

import net from 'node:net';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { readResponseHeader, writeRequestHeader } from '../../net/wire/header.ts';
import { Reader } from '../../net/wire/reader.ts';
import { apiByKey } from '../../net/wire/registry.ts';
import { Writer } from '../../net/wire/writer.ts';

/** A response frame without its size field. */
interface Waiting {
  resolve(frame: Buffer): void;
  reject(error: Error): void;
}

export class RawClient {
  readonly socket: net.Socket;
  /** Resolves when the connection has ended, by whomever. */
  readonly closed: Promise<void>;
  isClosed = false;
  /** Frames that nobody has asked for yet. */
  readonly frames: Buffer[] = [];
  #received = Buffer.alloc(0);
  #waiting: Waiting[] = [];
  #correlationId = 0;

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    // What ends the connection is told by `closed`.
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.isClosed = true;
        for (const { reject } of this.#waiting) reject(new Error('the connection was closed'));
        this.#waiting = [];
        resolve();
      });
    });
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0);
      if (this.#received.length < end) return;
      const frame = this.#received.subarray(4, end);
      this.#received = this.#received.subarray(end);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.frames.push(frame);
      else waiting.resolve(frame);
    }
  }

  /** The next response frame. */
  next(): Promise<Buffer> {
    const frame = this.frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.isClosed) return Promise.reject(new Error('the connection was closed'));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Sends a request and answers with its decoded response. */
  async request<T>(apiKey: number, version: number, body: object): Promise<T> {
    this.write(await requestFrame(apiKey, version, body, ++this.#correlationId));
    return (await decodeResponse(await this.next(), apiKey, version)).body as T;
  }

  end(): void {
    this.socket.destroy();
  }
}

/** A whole request frame, size field included. */
export async function requestFrame(
  apiKey: number,
  apiVersion: number,
  body: object,
  correlationId: number,
): Promise<Buffer> {
  const api = await apiByKey(apiKey);
  const writer = new Writer();
  writer.int32(0);
  writeRequestHeader(writer, { apiKey, apiVersion, correlationId, clientId: 'raw' });
  api.request.write(writer, body as never, apiVersion);
  const frame = writer.copy();
  frame.writeInt32BE(frame.length - 4);
  return frame;
}

export async function decodeResponse(
  frame: Buffer,
  apiKey: number,
  version: number,
): Promise<{ correlationId: number; body: unknown }> {
  const api = await apiByKey(apiKey);
  const reader = new Reader(frame);
  const correlationId = readResponseHeader(reader, apiKey, version);
  return { correlationId, body: api.response.read(reader, version) };
}

// Requests as the tests need them. Version 9 of Produce and version 12 of Fetch name topics.

export const PRODUCE = 0;
export const PRODUCE_VERSION = 9;
export const FETCH = 1;
export const FETCH_VERSION = 12;
export const METADATA = 3;
export const METADATA_VERSION = 9;
export const API_VERSIONS = 18;
export const CREATE_TOPICS = 19;
export const CREATE_TOPICS_VERSION = 7;

export interface ProduceAnswer {
  responses: {
    name: string;
    partitionResponses: { index: number; errorCode: number; baseOffset: number }[];
  }[];
}

export interface FetchAnswer {
  errorCode: number;
  sessionId: number;
  responses: {
    topic: string;
    partitions: {
      partitionIndex: number;
      errorCode: number;
      highWatermark: number;
      records: Uint8Array | null;
    }[];
  }[];
}

export function batchOf(...values: string[]): Uint8Array {
  return buildBatch({
    records: values.map((value) => ({ timestamp: 1_700_000_000_000, value: Buffer.from(value) })),
  });
}

export function produceBody(
  topic: string,
  partition: number,
  records: Uint8Array,
  acks = -1,
): object {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  };
}

export interface FetchAsked {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly maxBytes?: number;
}

export function fetchBody(
  asked: readonly FetchAsked[],
  options: {
    maxWaitMs?: number;
    minBytes?: number;
    maxBytes?: number;
    sessionId?: number;
    sessionEpoch?: number;
  } = {},
): object {
  return {
    replicaId: -1,
    maxWaitMs: options.maxWaitMs ?? 0,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 50_000_000,
    isolationLevel: 0,
    sessionId: options.sessionId ?? 0,
    sessionEpoch: options.sessionEpoch ?? -1,
    topics: asked.map(({ topic, partition, offset, maxBytes }) => ({
      topic,
      partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes ?? 1_000_000 }],
    })),
    forgottenTopicsData: [],
  };
}

export async function createTopic(
  client: RawClient,
  name: string,
  numPartitions = 1,
): Promise<void> {
  const answer = await client.request<{ topics: { errorCode: number }[] }>(
    CREATE_TOPICS,
    CREATE_TOPICS_VERSION,
    {
      topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 10_000,
      validateOnly: false,
    },
  );
  const errorCode = answer.topics[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`topic ${name} was not created: error ${errorCode}`);
}

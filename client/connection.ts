/**
 * One connection to one broker: requests are pipelined, responses matched in order, versions negotiated by
 * ApiVersions when it opens. The only file of the client that knows sockets.
 *
 * A request that takes longer than its timeout ends the whole connection: answers come in order, so nothing
 * behind it could be trusted to arrive. Whoever waits gets a typed error and decides whether to try again.
 *
 * One thread. Request parts are handed to the socket as they are: they must not change until the promise of
 * that request settles. A response belongs to the caller.
 */

import { connect, type Socket } from 'node:net';
import { ErrorCode } from '../engine/base/error-codes.ts';
import { messageOf } from '../engine/base/errors.ts';
import {
  type ApiVersionsResponse,
  apiVersionsRequest,
  apiVersionsResponse,
} from '../net/wire/api/api-versions.ts';
import type { MessageCodec } from '../net/wire/message.ts';
import { Reader } from '../net/wire/reader.ts';
import { Writer } from '../net/wire/writer.ts';
import { type Address, formatAddress } from './address.ts';
import { BrokerError, ClientError } from './client-error.ts';
import { FrameReceiver } from './frame-receiver.ts';

export interface ConnectionOptions {
  /** Sent in every request header; shows up in the broker's logs and quotas. */
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A larger response ends the connection. */
  readonly responseBytesMax: number;
  /** Gives memory for a large response; by default fresh memory. */
  readonly allocate?: (size: number) => Buffer;
  /** Called once when the connection has ended, for whatever reason. */
  readonly onClose?: () => void;
}

/** A request and the response that answers it. */
export interface Api<Q, I, R> {
  readonly request: MessageCodec<Q, I>;
  readonly response: MessageCodec<R, never>;
  /** Newest version to use where the codec knows newer ones that this client does not want. */
  readonly versionMax?: number;
}

/** A response as it arrived: `bytes` from `at` on is its body. */
export interface ResponseFrame {
  readonly bytes: Buffer;
  readonly at: number;
}

interface Waiter {
  correlationId: number;
  headerHasTags: boolean;
  deadlineMs: number;
  resolve: (frame: ResponseFrame) => void;
  reject: (error: Error) => void;
}

const CORRELATION_ID_MAX = 0x7fffffff;
const RESPONSE_HEADER_BYTES = 4;

/** ApiVersions answers with response header 0 at every version, so that the oldest client can read it. */
const API_VERSIONS_KEY = 18;

export class Connection {
  readonly address: Address;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #waiters = new Map<number, Waiter>();
  readonly #versions = new Map<number, readonly [min: number, max: number]>();
  readonly #writer = new Writer();
  readonly #reader = new Reader();
  #correlationId = 0;
  #timer: NodeJS.Timeout | null = null;
  #error: Error | null = null;

  /** Connects and learns which versions the broker serves. Throws `ClientError`. */
  static async open(address: Address, options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(address, options);
    try {
      await connection.#connected();
      await connection.#negotiate();
      return connection;
    } catch (error) {
      connection.close(error as Error);
      throw error;
    }
  }

  private constructor(address: Address, options: ConnectionOptions) {
    this.address = address;
    this.#options = options;
    const receiver = new FrameReceiver({
      onFrame: (frame) => this.#received(frame),
      frameBytesMax: options.responseBytesMax,
      ...(options.allocate === undefined ? {} : { allocate: options.allocate }),
    });
    this.#socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      keepAlive: true,
      onread: {
        buffer: () => receiver.target(),
        callback: (count) => {
          try {
            receiver.advance(count);
          } catch (error) {
            this.close(error as Error);
          }
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#ended(error));
    this.#socket.on('close', () => this.#ended(null));
    this.#socket.on('end', () => this.#ended(null));
  }

  /** Whether requests can be sent. */
  get isOpen(): boolean {
    return this.#error === null;
  }

  /** Requests without an answer yet. */
  get outstanding(): number {
    return this.#waiters.size;
  }

  /** The newest version of an API that both sides know. Throws `ClientError` 'unsupported-version'. */
  versionOf<Q, I, R>(api: Api<Q, I, R>): number {
    const { apiKey, name, versions } = api.request;
    const served = this.#versions.get(apiKey!);
    const version = Math.min(served?.[1] ?? -1, api.versionMax ?? versions[1]);
    if (served === undefined || version < served[0] || version < versions[0]) {
      throw new ClientError(
        'unsupported-version',
        `the broker at ${formatAddress(this.address)} serves ${name.replace(/Request$/, '')} ${served === undefined ? 'not at all' : `only in versions ${served[0]} to ${served[1]}`}; this client knows ${versions[0]} to ${api.versionMax ?? versions[1]}`,
      );
    }
    return version;
  }

  /** Whether the broker serves an API at `version` or newer. */
  serves(apiKey: number, version = 0): boolean {
    const served = this.#versions.get(apiKey);
    return served !== undefined && served[1] >= version;
  }

  /** Sends a request at the newest common version and decodes its response. */
  async call<Q, I, R>(api: Api<Q, I, R>, body: I, timeoutMs?: number): Promise<R> {
    const version = this.versionOf(api);
    const frame = await this.#exchange(api, body, version, timeoutMs);
    return this.#decode(api, frame, version);
  }

  /** As `call` at a chosen version, with the frame that the views in the decoded body point into. */
  async callFrame<Q, I, R>(
    api: Api<Q, I, R>,
    body: I,
    options: { readonly version: number; readonly timeoutMs?: number },
  ): Promise<{ readonly body: R; readonly bytes: Buffer }> {
    const { version, timeoutMs } = options;
    const frame = await this.#exchange(api, body, version, timeoutMs);
    return { body: this.#decode(api, frame, version), bytes: frame.bytes };
  }

  /**
   * Sends a request whose body is already encoded in `parts` and resolves with its response, or with null at
   * once when it is one that has none (`hasResponse` false). The parts must not change until then.
   */
  send(
    request: MessageCodec<unknown, never>,
    version: number,
    parts: readonly Uint8Array[],
    options: { readonly hasResponse: boolean; readonly timeoutMs?: number },
  ): Promise<ResponseFrame | null> {
    const error = this.#error;
    if (error !== null) return Promise.reject(error);
    const correlationId = this.#nextCorrelationId();
    const writer = this.#writer;
    writer.reset();
    writer.int32(0);
    this.#writeHeader(request, version, correlationId);
    let size = writer.size - 4;
    for (const part of parts) size += part.length;
    writer.bytes.writeInt32BE(size, 0);
    const head = writer.copy();
    const socket = this.#socket;
    if (!options.hasResponse) {
      return new Promise((resolve, reject) => {
        socket.cork();
        socket.write(head);
        for (let index = 0; index < parts.length - 1; index++) socket.write(parts[index]!);
        socket.write(parts[parts.length - 1]!, (failure) => {
          if (failure) reject(this.#error ?? failure);
          else resolve(null);
        });
        socket.uncork();
      });
    }
    const answered = this.#wait(request, version, correlationId, options.timeoutMs);
    socket.cork();
    socket.write(head);
    for (const part of parts) socket.write(part);
    socket.uncork();
    return answered;
  }

  /** Ends the connection; outstanding requests fail with `error`. */
  close(error?: Error): void {
    this.#ended(error ?? new ClientError('closed', 'the connection was closed'));
  }

  async #connected(): Promise<void> {
    const socket = this.#socket;
    const where = formatAddress(this.address);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new ClientError(
              'connect',
              `cannot connect to ${where}: no answer in ${this.#options.connectTimeoutMs} ms`,
            ),
          ),
        this.#options.connectTimeoutMs,
      );
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.once('error', (error) => {
        clearTimeout(timer);
        reject(
          new ClientError('connect', `cannot connect to ${where}: ${messageOf(error)}`, error),
        );
      });
    });
  }

  /**
   * Asks for the served versions. A broker that does not know the newest ApiVersions answers in version 0 with
   * UNSUPPORTED_VERSION and what it knows; one older than that gets asked in version 0.
   */
  async #negotiate(): Promise<void> {
    const api = { request: apiVersionsRequest, response: apiVersionsResponse };
    const body = { clientSoftwareName: 'millrace', clientSoftwareVersion: '0' };
    let version = apiVersionsRequest.versions[1];
    let answer: ApiVersionsResponse;
    for (;;) {
      const frame = await this.#exchange(api, body, version, this.#options.connectTimeoutMs);
      const errorCode = frame.bytes.length >= frame.at + 2 ? frame.bytes.readInt16BE(frame.at) : -1;
      if (errorCode === ErrorCode.UNSUPPORTED_VERSION && version > 0) {
        const old = this.#decode(api, frame, 0);
        const served = old.apiKeys.find((each) => each.apiKey === API_VERSIONS_KEY);
        version = Math.min(version - 1, served?.maxVersion ?? 0);
        continue;
      }
      answer = this.#decode(api, frame, version);
      break;
    }
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new BrokerError(answer.errorCode, `ApiVersions of ${formatAddress(this.address)}`);
    }
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
      this.#versions.set(apiKey, [minVersion, maxVersion]);
    }
  }

  #exchange<Q, I, R>(
    api: Api<Q, I, R>,
    body: I,
    version: number,
    timeoutMs?: number,
  ): Promise<ResponseFrame> {
    const error = this.#error;
    if (error !== null) return Promise.reject(error);
    const correlationId = this.#nextCorrelationId();
    const writer = this.#writer;
    writer.reset();
    writer.int32(0);
    this.#writeHeader(api.request, version, correlationId);
    api.request.write(writer, body, version);
    writer.bytes.writeInt32BE(writer.size - 4, 0);
    const answered = this.#wait(api.request, version, correlationId, timeoutMs);
    this.#socket.write(writer.copy());
    return answered;
  }

  #decode<Q, I, R>(api: Api<Q, I, R>, frame: ResponseFrame, version: number): R {
    try {
      this.#reader.reset(frame.bytes, frame.at, frame.bytes.length);
      return api.response.read(this.#reader, version);
    } catch (error) {
      const failure = new ClientError(
        'malformed',
        `cannot read the ${api.response.name} of ${formatAddress(this.address)}: ${messageOf(error)}`,
        error,
      );
      this.close(failure);
      throw failure;
    }
  }

  #writeHeader(
    request: { apiKey: number | null; flexibleFrom: number },
    version: number,
    correlationId: number,
  ): void {
    const writer = this.#writer;
    writer.int16(request.apiKey!);
    writer.int16(version);
    writer.int32(correlationId);
    writer.nullableString(this.#options.clientId);
    if (version >= request.flexibleFrom) writer.unsignedVarint(0);
  }

  #nextCorrelationId(): number {
    this.#correlationId = this.#correlationId === CORRELATION_ID_MAX ? 0 : this.#correlationId + 1;
    return this.#correlationId;
  }

  #wait(
    request: { apiKey: number | null; flexibleFrom: number },
    version: number,
    correlationId: number,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<ResponseFrame> {
    return new Promise((resolve, reject) => {
      const deadlineMs = performance.now() + timeoutMs;
      const headerHasTags = version >= request.flexibleFrom && request.apiKey !== API_VERSIONS_KEY;
      this.#waiters.set(correlationId, {
        correlationId,
        headerHasTags,
        deadlineMs,
        resolve,
        reject,
      });
      if (this.#timer === null) this.#armTimer(timeoutMs);
    });
  }

  #armTimer(ms: number): void {
    this.#timer = setTimeout(() => this.#checkDeadlines(), Math.ceil(ms));
  }

  /** One timer serves all requests: it looks at the nearest deadline and sleeps until then. */
  #checkDeadlines(): void {
    this.#timer = null;
    const nowMs = performance.now();
    let nearestMs = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiters.values()) nearestMs = Math.min(nearestMs, waiter.deadlineMs);
    if (nearestMs === Number.POSITIVE_INFINITY) return;
    if (nearestMs > nowMs) {
      this.#armTimer(nearestMs - nowMs);
      return;
    }
    this.close(
      new ClientError(
        'timeout',
        `no answer from ${formatAddress(this.address)} in time; the connection was given up`,
      ),
    );
  }

  #received(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0);
    const waiter = this.#waiters.get(correlationId);
    if (waiter === undefined) {
      throw new ClientError(
        'malformed',
        `${formatAddress(this.address)} answered a request (${correlationId}) that was not asked`,
      );
    }
    this.#waiters.delete(correlationId);
    if (this.#waiters.size === 0 && this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    let at = RESPONSE_HEADER_BYTES;
    if (waiter.headerHasTags) {
      this.#reader.reset(frame, at, frame.length);
      this.#reader.skipTags();
      at = this.#reader.at;
    }
    waiter.resolve({ bytes: frame, at });
  }

  #ended(cause: Error | null): void {
    if (this.#error !== null) return;
    this.#error =
      cause instanceof ClientError
        ? cause
        : new ClientError(
            'disconnected',
            `the connection to ${formatAddress(this.address)} ended${cause === null ? '' : `: ${messageOf(cause)}`}`,
            cause ?? undefined,
          );
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#socket.destroy();
    const waiters = [...this.#waiters.values()];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reject(this.#error);
    this.#options.onClose?.();
  }
}

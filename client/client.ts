/**
 * The client's root: a bootstrap list, one connection per broker and purpose, and the metadata cache. Producers,
 * fetchers and the admin share it. Connections are opened on first use and again after they end, with growing
 * pauses; nothing is sent in the background.
 *
 * One thread.
 */

import { type Address, formatAddress, parseAddresses } from './address.ts';
import { Backoff } from './backoff.ts';
import { ClientError, isTransient } from './client-error.ts';
import { Connection } from './connection.ts';
import { MetadataCache } from './metadata.ts';

export interface ClientOptions {
  /** `host:port` of one or more brokers, as a list or with commas; the others are learnt from them. */
  readonly brokers: string | readonly string[];
  /** Name in the broker's logs. Default `millrace`. */
  readonly clientId?: string;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** Default 30 s. Long polls and acks add their own waiting time. */
  readonly requestTimeoutMs?: number;
  /** How long transient failures of a call are retried before they are thrown. Default 30 s. */
  readonly retryMs?: number;
  /** Pause before the second attempt, doubled for each further one. Default 50 ms, at most 1 s. */
  readonly retryBackoffMs?: number;
  /** Largest response to accept. Default 1 GiB. */
  readonly responseBytesMax?: number;
}

/** Calls without a connection of their own share this one. */
const CONTROL = 'control';

const BACKOFF_LONGEST_MS = 1000;
const GIB = 1024 * 1024 * 1024;

export class Client {
  readonly metadata: MetadataCache;
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly retryMs: number;
  readonly retryBackoffMs: number;
  readonly #bootstrap: readonly Address[];
  readonly #connectTimeoutMs: number;
  readonly #responseBytesMax: number;
  readonly #connections = new Map<string, Connection>();
  readonly #opening = new Map<string, Promise<Connection>>();
  readonly #closing = new AbortController();

  constructor(options: ClientOptions) {
    const brokers =
      typeof options.brokers === 'string' ? options.brokers : options.brokers.join(',');
    this.#bootstrap = parseAddresses(brokers);
    this.clientId = options.clientId ?? 'millrace';
    this.requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.retryMs = options.retryMs ?? 30_000;
    this.retryBackoffMs = options.retryBackoffMs ?? 50;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 10_000;
    this.#responseBytesMax = options.responseBytesMax ?? GIB;
    this.metadata = new MetadataCache(() => this.anyConnection());
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * A connection to the broker with that id; metadata is asked for when the id is unknown. Requests of different
   * purposes do not share one and so do not wait for each other: a long poll would hold back everything behind
   * it. Throws `ClientError`.
   */
  async connectionTo(
    nodeId: number,
    purpose = CONTROL,
    allocate?: (size: number) => Buffer,
  ): Promise<Connection> {
    if (this.metadata.broker(nodeId) === undefined) await this.metadata.cluster();
    const broker = this.metadata.broker(nodeId);
    if (broker === undefined) {
      throw new ClientError(
        'disconnected',
        `broker ${nodeId} is not part of the cluster at the moment`,
      );
    }
    return this.#connection(broker, `${purpose} ${nodeId}`, allocate);
  }

  /** Ends the connections that were opened for `purpose`. */
  disconnect(purpose: string): void {
    for (const [key, connection] of this.#connections) {
      if (key.startsWith(`${purpose} `)) connection.close(closedError());
    }
  }

  /** A connection to any broker: an open one, or the first of the bootstrap list that can be reached. */
  async anyConnection(): Promise<Connection> {
    for (const [key, connection] of this.#connections) {
      if (key.startsWith(CONTROL) && connection.isOpen) return connection;
    }
    let failure: unknown;
    for (const address of this.#candidates()) {
      try {
        return await this.#connection(address, `${CONTROL} ${formatAddress(address)}`);
      } catch (error) {
        if (this.isClosed) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  /** A connection to the controller, for calls that change topics. Any broker, where they forward such calls. */
  async controllerConnection(): Promise<Connection> {
    const { controllerId } = await this.metadata.cluster();
    if (controllerId < 0) return this.anyConnection();
    return this.connectionTo(controllerId);
  }

  /**
   * Runs `attempt`, again after a pause when it fails with a transient error, until `retryMs` have passed.
   * Throws the last error.
   */
  async retry<T>(
    attempt: () => Promise<T>,
    isWorthIt = isTransient,
    retryMs = this.retryMs,
  ): Promise<T> {
    const backoff = new Backoff({ firstMs: this.retryBackoffMs, longestMs: BACKOFF_LONGEST_MS });
    const startMs = performance.now();
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const pauseMs = backoff.nextMs();
        const isLate = performance.now() - startMs + pauseMs > retryMs;
        if (this.isClosed || isLate || !isWorthIt(error)) throw error;
        await this.pause(pauseMs);
      }
    }
  }

  /** Resolves after `ms`; rejects at once when the client is closed. */
  pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      const closed = (): void => {
        clearTimeout(timer);
        reject(closedError());
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', closed);
        resolve();
      }, ms);
      if (signal.aborted) closed();
      else signal.addEventListener('abort', closed, { once: true });
    });
  }

  /** Ends all connections. Calls that wait for an answer fail with 'closed'. Idempotent. */
  close(): void {
    this.#closing.abort();
    for (const connection of this.#connections.values()) connection.close(closedError());
    this.#connections.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Bootstrap addresses first, then the brokers learnt since: one of them may outlive the list. */
  *#candidates(): Generator<Address> {
    yield* this.#bootstrap;
    yield* this.metadata.brokers();
  }

  async #connection(
    address: Address,
    key: string,
    allocate?: (size: number) => Buffer,
  ): Promise<Connection> {
    if (this.isClosed) throw closedError();
    const open = this.#connections.get(key);
    if (open?.isOpen) return open;
    const opening = this.#opening.get(key);
    if (opening !== undefined) return opening;
    const attempt = this.#open(address, key, allocate).finally(() => this.#opening.delete(key));
    this.#opening.set(key, attempt);
    return attempt;
  }

  async #open(
    address: Address,
    key: string,
    allocate?: (size: number) => Buffer,
  ): Promise<Connection> {
    // A connection may end while it is still being opened.
    let connection: Connection | null = null;
    connection = await Connection.open(address, {
      clientId: this.clientId,
      connectTimeoutMs: this.#connectTimeoutMs,
      requestTimeoutMs: this.requestTimeoutMs,
      responseBytesMax: this.#responseBytesMax,
      ...(allocate === undefined ? {} : { allocate }),
      onClose: () => {
        if (connection !== null && this.#connections.get(key) === connection) {
          this.#connections.delete(key);
        }
      },
    });
    if (this.isClosed) {
      connection.close(closedError());
      throw closedError();
    }
    this.#connections.set(key, connection);
    return connection;
  }
}

function closedError(): ClientError {
  return new ClientError('closed', 'the client is closed');
}

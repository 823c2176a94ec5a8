/**
 * The main thread's side of the fronts. A front runs on this very thread, or on net threads of their own; the broker sees
 * one set of verbs either way: hand over a socket, tell a change of the metadata, close.
 *
 * Main thread.
 */
import type net from 'node:net';
import { Worker } from 'node:worker_threads';
import type { ImageDelta, MetadataImage } from '../cluster/metadata-image.ts';
import { assert } from '../engine/base/assert.ts';
import { messageOf } from '../engine/base/errors.ts';
import { type Engine, workerEntry } from '../engine/index.ts';
import type { AdminApi } from './admin/index.ts';
import type { ControlChannel, FromFront, Log, NetThreadData, ToFront } from './control-channel.ts';
import type { FrontSettings } from './front/front-settings.ts';
import { NetFront } from './front/net-front.ts';
import { ControlFailure } from './handlers/body-handler.ts';

export interface FrontHost {
  readonly connections: number;
  /** Takes an accepted, paused socket over. */
  adopt(socket: net.Socket, listener: string): void;
  /** Resolves when the front sees the change; the main thread's own image has it already. */
  publish(delta: ImageDelta): Promise<void>;
  configure(settings: FrontSettings): void;
  /** Finishes what is in flight, at most so long, then ends all connections. */
  close(graceMs: number): Promise<void>;
}

export interface FrontHostOptions {
  readonly engine: Engine;
  readonly admin: AdminApi;
  readonly image: MetadataImage;
  readonly settings: FrontSettings;
  readonly log: Log;
  /** A connection has ended, with the peer's address. */
  readonly onGone: (address: string) => void;
  /** A net thread died. */
  readonly onFatal: (error: Error) => void;
}

/** A front on the calling thread: no hop to the main thread, as this is it. */
export class InlineFront implements FrontHost {
  connections = 0;
  readonly #front: NetFront;

  constructor({ engine, admin, image, settings, log, onGone }: FrontHostOptions) {
    const control: ControlChannel = {
      // What cannot be done ends one connection, not the broker; a net thread is told the same over its port.
      request: (apiKey, version, body, context) =>
        admin.handle(apiKey, version, body, context).catch((error: unknown) => {
          throw new ControlFailure(messageOf(error));
        }),
      createForMetadata: (names) => admin.createForMetadata(names),
    };
    this.#front = new NetFront({
      engine: engine.client,
      image,
      control,
      settings,
      log,
      onGone: (address) => {
        this.connections--;
        onGone(address);
      },
    });
  }

  adopt(socket: net.Socket, listener: string): void {
    this.connections++;
    this.#front.adopt(socket, listener);
  }

  publish(delta: ImageDelta): Promise<void> {
    this.#front.onImage(delta);
    return Promise.resolve();
  }

  configure(settings: FrontSettings): void {
    this.#front.settings = settings;
  }

  close(graceMs: number): Promise<void> {
    return this.#front.close(graceMs);
  }
}

/** A front on a thread of its own. */
export class ThreadFront implements FrontHost {
  connections = 0;
  readonly #worker: Worker;
  readonly #options: FrontHostOptions;
  readonly #ready: Promise<void>;
  readonly #applied = new Map<number, () => void>();
  #sequence = 0;
  #onReady: () => void = () => {};
  #onClosed: (() => void) | null = null;

  constructor(options: FrontHostOptions) {
    this.#options = options;
    const handle = options.engine.clientHandle();
    const data: NetThreadData = {
      engine: handle,
      settings: options.settings,
      image: options.image.snapshot(),
    };
    this.#ready = new Promise((resolve) => {
      this.#onReady = resolve;
    });
    this.#worker = new Worker(workerEntry('./net-thread', import.meta.url), {
      workerData: data,
      transferList: [...handle.transferList],
      name: 'millrace-net',
    });
    this.#worker.on('message', (message: FromFront) => this.#receive(message));
    this.#worker.on('error', (error: Error) => options.onFatal(error));
  }

  /** Resolves when the thread can take sockets. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  adopt(socket: net.Socket, listener: string): void {
    this.connections++;
    // Node transfers a fresh socket between threads; its types do not say so.
    this.#post({ type: 'socket', socket, listener }, [socket as never]);
  }

  publish(delta: ImageDelta): Promise<void> {
    const sequence = ++this.#sequence;
    return new Promise((resolve) => {
      this.#applied.set(sequence, resolve);
      this.#post({ type: 'delta', sequence, delta });
    });
  }

  configure(settings: FrontSettings): void {
    this.#post({ type: 'settings', settings });
  }

  async close(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onClosed = resolve;
      this.#post({ type: 'close', graceMs });
    });
    await this.#worker.terminate();
  }

  #post(message: ToFront, transfer: readonly never[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromFront): void {
    switch (message.type) {
      case 'ready':
        this.#onReady();
        return;
      case 'request': {
        const { id, apiKey, version, body, context } = message;
        this.#answer(id, this.#options.admin.handle(apiKey, version, body, context));
        return;
      }
      case 'createTopics':
        this.#answer(message.id, this.#options.admin.createForMetadata(message.names));
        return;
      case 'applied': {
        const resolve = this.#applied.get(message.sequence);
        assert(resolve !== undefined, 'a delta is acknowledged once');
        this.#applied.delete(message.sequence);
        resolve();
        return;
      }
      case 'gone':
        this.connections--;
        this.#options.onGone(message.address);
        return;
      case 'log':
        this.#options.log(message.line, message.level);
        return;
      case 'closed':
        this.#onClosed?.();
    }
  }

  #answer(id: number, answering: Promise<unknown>): void {
    answering.then(
      (body) => this.#post({ type: 'answer', id, body }),
      (error: unknown) => this.#post({ type: 'failure', id, message: messageOf(error) }),
    );
  }
}

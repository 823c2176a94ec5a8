/**
 * The opening thread's end of one shard: requests with answers, and the messages that the shard sends of its own accord.
 * `ShardThread` runs the shard on a worker, `InlineShard` on this thread.
 */

import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
  Worker,
} from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { MillraceError } from '../base/errors.ts';
import { Doorbell } from '../ring/doorbell.ts';
import {
  type FromShard,
  fromPlainError,
  type ShardRequestName,
  type ShardRequests,
  type ToShard,
} from './messages.ts';
import { type ShardEnvironment, ShardHost, type ShardSettings } from './shard-host.ts';
import { shardDoorbellWord, shardMailWord } from './shared-state.ts';
import { workerEntry, workerEnvironment } from './worker-entry.ts';

/** Messages from a shard that are not answers. */
export interface ShardEvents {
  onFlushWanted(message: Extract<FromShard, { kind: 'flushWanted' }>): void;
  onPrepareWanted(message: Extract<FromShard, { kind: 'prepareWanted' }>): void;
  onUnlinkLater(path: string, dueMs: number): void;
  onLog(line: string): void;
  onFatal(error: Error): void;
}

interface PendingRequest {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export abstract class ShardControl {
  readonly #events: ShardEvents;
  readonly #pending = new Map<number, PendingRequest>();
  #lastId = 0;
  #failure: Error | null = null;

  constructor(events: ShardEvents) {
    this.#events = events;
  }

  abstract post(message: ToShard, transfer?: readonly Transferable[]): void;
  /** Closes the shard; resolves when its thread is gone. */
  abstract stop(): Promise<void>;
  protected abstract onPendingChange(count: number): void;

  request<N extends ShardRequestName>(
    name: N,
    argument: ShardRequests[N]['argument'],
  ): Promise<ShardRequests[N]['answer']> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.onPendingChange(this.#pending.size);
      this.post({ kind: 'request', id, name, argument });
    });
  }

  protected receive(message: FromShard): void {
    switch (message.kind) {
      case 'answer':
        this.#settle(message.id).resolve(message.value);
        return;
      case 'refusal':
        this.#settle(message.id).reject(fromPlainError(message.error));
        return;
      case 'flushWanted':
        this.#events.onFlushWanted(message);
        return;
      case 'prepareWanted':
        this.#events.onPrepareWanted(message);
        return;
      case 'unlinkLater':
        this.#events.onUnlinkLater(message.path, message.dueMs);
        return;
      case 'log':
        this.#events.onLog(message.line);
        return;
      case 'fatal':
        this.fail(fromPlainError(message.error));
        return;
    }
  }

  protected fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#events.onFatal(error);
  }

  /** What was asked behind the close is answered by nobody: it is told so, and so is what comes later. */
  protected refusePending(): void {
    this.#failure ??= new MillraceError('closed', 'the engine is closed', null);
    for (const pending of this.#pending.values()) pending.reject(this.#failure);
    this.#pending.clear();
    this.onPendingChange(0);
  }

  #settle(id: number): PendingRequest {
    const pending = this.#pending.get(id);
    assert(pending !== undefined, 'shard control: answer to an unknown request');
    this.#pending.delete(id);
    this.onPendingChange(this.#pending.size);
    return pending;
  }
}

/** A few hundred live objects and no garbage in steady state: a small young generation keeps the thread small. */
const YOUNG_GENERATION_MB = 4;

export class ShardThread extends ShardControl {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #control: Int32Array;
  readonly #mail: number;
  readonly #doorbell: Doorbell;
  readonly #exited: Promise<void>;
  #isStopping = false;

  constructor(settings: ShardSettings, events: ShardEvents) {
    super(events);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#control = new Int32Array(settings.shared.control);
    this.#mail = shardMailWord(settings.index);
    this.#doorbell = new Doorbell(this.#control, shardDoorbellWord(settings.index));
    this.#worker = new Worker(workerEntry('./shard-thread', import.meta.url), {
      name: `millrace shard ${settings.index}`,
      workerData: { settings, port: port2 },
      transferList: [port2],
      env: workerEnvironment(),
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      // The shard closes what it opens; tracking each descriptor would cost a set lookup per open.
      trackUnmanagedFds: false,
    });
    port1.on('message', (message: FromShard) => this.receive(message));
    this.#worker.on('error', (error: Error) => this.fail(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code: number) => {
        // The reason may still be on its way.
        for (let last = receiveMessageOnPort(port1); last; last = receiveMessageOnPort(port1)) {
          this.receive(last.message as FromShard);
        }
        if (!this.#isStopping || code !== 0) {
          const index = settings.index;
          this.fail(
            new MillraceError('shard-gone', `shard ${index} ended by itself`, { index, code }),
          );
        } else this.refusePending();
        resolve();
      });
    });
    // An idle engine does not keep the process alive; a request under way does.
    this.#worker.unref();
    port1.unref();
  }

  post(message: ToShard, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, [...transfer]);
    // The message is in the shard's queue; then the word, then the bell. Partner: ShardHost's exchange of MAIL.
    Atomics.store(this.#control, this.#mail, 1);
    this.#doorbell.ring();
  }

  async stop(): Promise<void> {
    this.#worker.ref();
    // The thread ends right behind its answer.
    this.#isStopping = true;
    await this.request('close', null);
    await this.#exited;
    this.#port.close();
  }

  protected onPendingChange(count: number): void {
    if (count > 0) this.#port.ref();
    else this.#port.unref();
  }
}

/** A shard without a thread: requests are answered before `post` returns, appends when the client rings. */
export class InlineShard extends ShardControl {
  readonly host: ShardHost;

  constructor(
    settings: ShardSettings,
    events: ShardEvents,
    environment: Omit<ShardEnvironment, 'post'>,
  ) {
    super(events);
    this.host = new ShardHost(settings, {
      ...environment,
      post: (message) => this.receive(message),
    });
  }

  post(message: ToShard): void {
    this.host.receive(message);
  }

  async stop(): Promise<void> {
    await this.request('close', null);
  }

  protected onPendingChange(): void {}
}

/**
 * A shard with its control messages: takes them, answers them, and runs the loop of a shard thread. What is host-dependent
 * (how messages come and go) is handed in, so the same host runs on a thread of its own or on the opening thread.
 */

import type { Clock } from '../base/clock.ts';
import type { FileSystem } from '../io/file-system.ts';
import { Journal } from '../log/journal.ts';
import { Manifest } from '../log/manifest.ts';
import { type FromShard, type ToShard, toPlainError } from './messages.ts';
import { Shard } from './shard.ts';
import { answerRequest } from './shard-requests.ts';
import { type EngineShared, shardMailWord } from './shared-state.ts';
import type { SyncPool } from './sync-pool.ts';

/** What the opening thread tells a shard at its start; structured-cloneable. */
export interface ShardSettings {
  readonly index: number;
  readonly shared: EngineShared;
  /** Null: no manifest is kept, as for files in memory. */
  readonly manifestPath: string | null;
  readonly foreignManifestPaths: readonly string[];
  /** Null: no journal is kept, and durable appends sync the file of each log. There is no such file. */
  readonly journalPath: string | null;
  readonly dataDir: string;
  readonly openFilesMax: number;
  readonly keptFreeBytes: number;
  readonly bootId: string | null;
  readonly maintainIntervalMs: number;
}

export interface ShardEnvironment {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly syncPool: SyncPool | null;
  /** Appends that take long to prepare are left to the opening thread's pool. */
  readonly postpones: boolean;
  readonly post: (message: FromShard) => void;
}

export class ShardHost {
  readonly shard: Shard;
  isStopped = false;
  readonly #post: (message: FromShard) => void;
  readonly #control: Int32Array;
  readonly #mail: number;

  constructor(settings: ShardSettings, environment: ShardEnvironment) {
    const { fs, post } = environment;
    const { journalPath, dataDir } = settings;
    const log = (line: string): void => post({ kind: 'log', line });
    const { bootId, manifestPath } = settings;
    const foreign = settings.foreignManifestPaths.map((path) =>
      Manifest.open({ fs, path, bootId }),
    );
    this.#post = environment.post;
    this.#control = new Int32Array(settings.shared.control);
    this.#mail = shardMailWord(settings.index);
    this.shard = new Shard({
      ...environment,
      index: settings.index,
      shared: settings.shared,
      manifest:
        manifestPath === null
          ? null
          : Manifest.open({ fs, path: manifestPath, bootId, newerThan: foreign }),
      foreignManifests: foreign,
      journal:
        journalPath === null
          ? null
          : new Journal({ fs, path: journalPath, directory: dataDir, log }),
      dataDir,
      openFilesMax: settings.openFilesMax,
      keptFreeBytes: settings.keptFreeBytes,
      maintainIntervalMs: settings.maintainIntervalMs,
    });
  }

  /** Handles one message; the caller holds the shard's lock. */
  receive(message: ToShard): void {
    switch (message.kind) {
      case 'attach':
        this.shard.attach(message);
        return;
      case 'flushed':
        this.shard.flushed(message.token, message.failure);
        return;
      case 'prepared':
        this.shard.prepared(message.token, message.results);
        return;
      case 'request':
        this.#answer(message.id, message);
        return;
    }
  }

  /** The life of a shard thread: passes while there is work, sleep when there is none. Returns when the shard is closed. */
  run(takeMessage: () => ToShard | null): void {
    const { shard } = this;
    while (!this.isStopped) {
      shard.lock.acquire();
      shard.absorbNotes();
      const work = this.#takeMail(takeMessage) + (this.isStopped ? 0 : shard.doWork());
      shard.lock.release();
      if (work > 0) continue;
      shard.doorbell.lieDown();
      // The second look, behind the announcement: see Doorbell. The mail is announced like a record in a ring.
      if (shard.hasWork() || Atomics.load(this.#control, this.#mail) !== 0) shard.doorbell.getUp();
      else shard.doorbell.wait(shard.idleMs());
    }
  }

  #takeMail(takeMessage: () => ToShard | null): number {
    // Cleared before the port is emptied: what is posted meanwhile sets it again. Partner: ShardThread.post.
    if (Atomics.exchange(this.#control, this.#mail, 0) === 0) return 0;
    let count = 1;
    for (let message = takeMessage(); message !== null; message = takeMessage()) {
      this.receive(message);
      count++;
    }
    return count;
  }

  #answer(id: number, request: Extract<ToShard, { kind: 'request' }>): void {
    let value: unknown;
    try {
      value = answerRequest(this.shard, request.name, request.argument);
    } catch (error) {
      const plain = toPlainError(error);
      if (plain.code === 'assertion' || plain.code === 'unexpected') throw error;
      this.#post({ kind: 'refusal', id, error: plain });
      return;
    }
    if (request.name === 'close') this.isStopped = true;
    this.#post({ kind: 'answer', id, value });
  }
}

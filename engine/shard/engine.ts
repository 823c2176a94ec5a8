/**
 * The engine as its opening thread sees it: starts the shards, hands out slots and client handles, sends control requests to
 * the shards that own the partitions, and does in the background what shards must not wait for (flushes, unlinks).
 *
 * Partition to shard is a function of name and number of shards, so a restart finds each partition's manifest entry where it
 * was; the partitions of one topic are spread evenly.
 */

import { MessageChannel } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import {
  CLIENTS_MAX,
  FLUSHES_AT_CLOSE,
  KEPT_FREE_BYTES,
  PARTITIONS_AT_ONCE,
  PARTITIONS_MAX,
  SHARDS_MAX,
  SLAB_BUDGET_BYTES,
  SLAB_GIANT_BYTES,
} from '../base/limits.ts';
import { SharedMemory } from '../base/shared-memory.ts';
import { randomUuid, uuidToBytes } from '../base/uuid.ts';
import type { FileSystem } from '../io/file-system.ts';
import { openFilesLimit, realFileSystem } from '../io/real-file-system.ts';
import { replayJournal } from '../log/journal-replay.ts';
import { defaultLogConfig, type LogConfig } from '../log/log-config.ts';
import type { ProducerSummary } from '../log/producer-state.ts';
import { Doorbell } from '../ring/doorbell.ts';
import { SlabArena } from '../ring/slab-arena.ts';
import { type ClientParts, ShardClient } from './client.ts';
import {
  deletedDirectory,
  journalPath,
  manifestPath,
  partitionDirectory,
  readBootId,
  readDataDirectory,
} from './data-directory.ts';
import type {
  DiscoveredPartition,
  Engine,
  EngineClientHandle,
  EngineOptions,
  EngineStatistics,
  PartitionRef,
  PartitionSpec,
} from './engine-api.ts';
import { Flusher } from './flusher.ts';
import { MemoryDirectory } from './memory-directory.ts';
import type { FlushFailure, OpenRequest, ShardRequestName, ShardRequests } from './messages.ts';
import { type OpenFiles, shareOpenFiles } from './open-files.ts';
import { INCARNATION_WORD, PartitionTable, SHARD_WORD, SLOT_WORDS } from './partition-table.ts';
import { PreparePool } from './prepare-pool.ts';
import { Remover } from './remover.ts';
import { InlineShard, type ShardControl, type ShardEvents, ShardThread } from './shard-control.ts';
import type { ShardSettings } from './shard-host.ts';
import {
  clientDoorbellWord,
  clientRingsBytes,
  controlBytes,
  type EngineShared,
  notesBytes,
  ShardStat,
  shardDoorbellWord,
  shardStatWord,
} from './shared-state.ts';
import { SlotAllocator } from './slot-allocator.ts';

const CLIENTS_DEFAULT = 15;
const SHARDS_DEFAULT_MAX = 8;
const MAINTAIN_INTERVAL_MS = 300_000;

/** Starts the shard threads over a data directory. Partitions are opened by `openPartitions`. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  return new ShardedEngine(options);
}

class ShardedEngine implements Engine {
  readonly client: ShardClient;
  readonly discovered: readonly DiscoveredPartition[];
  readonly dataDir: string;
  readonly shards: number;

  readonly #fs: FileSystem;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #shared: EngineShared;
  readonly #table: PartitionTable;
  readonly #slots: SlotAllocator;
  readonly #links: ShardControl[] = [];
  readonly #flusher: Flusher;
  readonly #preparePool: PreparePool;
  readonly #remover: Remover;
  readonly #memoryDirectory: MemoryDirectory | null;
  readonly #foreignManifests: readonly string[];
  /** Names of partitions whose journal could not be written back. */
  readonly #heldBack = new Set<string>();
  readonly #defaults: LogConfig;
  readonly #options: EngineOptions;
  readonly #clientsMax: number;
  readonly #openFiles: OpenFiles;
  #clientCount = 0;
  /** Directories found at the start that were not opened yet. */
  readonly #unopened = new Set<string>();
  readonly #bySlot = new Map<number, string>();
  readonly #open = new Set<string>();
  #closing: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: EngineOptions) {
    const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
    const threads = options.shards ?? Math.min(SHARDS_DEFAULT_MAX, Math.max(1, cores >> 1));
    this.#clientsMax = 1 + (options.clients ?? CLIENTS_DEFAULT);
    assert(threads >= 0 && threads <= SHARDS_MAX, 'engine: number of shards out of range');
    assert(this.#clientsMax <= CLIENTS_MAX, 'engine: number of clients out of range');
    assert(
      threads === 0 || options.fileSystem === undefined,
      'engine: a file system of one thread cannot serve shard threads',
    );
    this.#options = options;
    const openFilesMax = options.openFilesMax ?? openFilesLimit() / 2;
    this.#openFiles = shareOpenFiles(openFilesMax, Math.max(1, threads), this.#clientsMax);
    this.#fs = options.fileSystem ?? realFileSystem;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? (() => undefined);
    this.#defaults = { ...defaultLogConfig, ...options.defaults };
    const isMemory = options.dataDir === null;
    const isOnMachine = options.fileSystem === undefined;
    this.#memoryDirectory = isMemory && isOnMachine ? new MemoryDirectory(this.#fs) : null;
    this.dataDir = this.#memoryDirectory?.path ?? absolute(options.dataDir ?? '/memory');
    this.shards = Math.max(1, threads);
    this.#fs.mkdir(this.dataDir);

    this.#shared = {
      table: new SharedArrayBuffer(PartitionTable.bytes(PARTITIONS_MAX)),
      control: new SharedArrayBuffer(controlBytes(this.shards, this.#clientsMax)),
      notes: new SharedArrayBuffer(notesBytes(this.shards)),
      shards: this.shards,
    };
    this.#table = new PartitionTable(this.#shared.table);
    this.#slots = new SlotAllocator(PARTITIONS_MAX);
    this.#flusher = new Flusher(this.#fs);
    this.#preparePool = new PreparePool(this.shards);
    this.#remover = new Remover(this.#fs, this.#clock, this.#log);

    const found = readDataDirectory(this.#fs, this.dataDir, this.shards, this.#log);
    this.discovered = found.partitions;
    this.#foreignManifests = found.foreignManifests;
    for (const { directory } of found.partitions) this.#unopened.add(directory);
    for (const path of found.deleted) this.#remover.add(path, 0);
    const keptJournals = this.#replayJournals(found.journals);

    const bootId = isMemory ? null : readBootId(this.#fs);
    for (let index = 0; index < this.shards; index++) {
      const journal = journalPath(this.dataDir, index, this.shards);
      const settings: ShardSettings = {
        index,
        shared: this.#shared,
        manifestPath: isMemory ? null : manifestPath(this.dataDir, index, this.shards),
        foreignManifestPaths: this.#foreignManifests,
        journalPath: isMemory || keptJournals.has(journal) ? null : journal,
        dataDir: this.dataDir,
        openFilesMax: this.#openFiles.writing,
        keptFreeBytes: options.keptFreeBytes ?? KEPT_FREE_BYTES,
        bootId,
        maintainIntervalMs: options.retentionCheckIntervalMs ?? MAINTAIN_INTERVAL_MS,
      };
      this.#links.push(this.#startShard(settings, threads === 0));
    }
    this.client = new ShardClient(this.#makeClient(), this.#fs);
    if (threads === 0) this.#runInline(this.#links[0] as InlineShard);
  }

  get openFilesMax(): number {
    const { writing, reading, direct } = this.#openFiles;
    return writing * this.shards + (reading + direct) * this.#clientsMax;
  }

  clientHandle(): EngineClientHandle {
    const parts = this.#makeClient();
    return { ...parts, transferList: [...parts.ports] };
  }

  async openPartitions(specs: readonly PartitionSpec[]): Promise<PartitionRef[]> {
    const refs: { slot: number; directory: string }[] = [];
    const requests: OpenRequest[][] = this.#links.map(() => []);
    const placed: { shard: number; at: number }[] = [];
    for (const { topic, partition } of specs) {
      const name = `${topic}-${partition}`;
      if (this.#open.has(name)) {
        throw new MillraceError('already-open', `partition ${name} is open`, { topic, partition });
      }
    }
    for (const spec of specs) {
      const { topic, partition } = spec;
      const directory = partitionDirectory(this.dataDir, topic, partition);
      const shard = (hash(topic) + partition) % this.shards;
      const slot = this.#takeSlot(shard);
      this.#open.add(`${topic}-${partition}`);
      this.#bySlot.set(slot, `${topic}-${partition}`);
      placed.push({ shard, at: requests[shard]!.length });
      refs.push({ slot, directory });
      requests[shard]!.push({
        slot,
        topic,
        partition,
        topicId: spec.topicId === null ? null : uuidToBytes(spec.topicId),
        directory,
        config: spec.config ?? this.#defaults,
        leaderEpoch: spec.leaderEpoch,
        autoAdvance: spec.autoAdvance ?? true,
        isNew: !this.#unopened.delete(directory),
        isHeldBack: this.#heldBack.has(`${topic}-${partition}`),
      });
    }
    const answers = await Promise.all(
      this.#links.map(async (link, shard) =>
        (await inTurns(requests[shard]!, (some) => link.request('open', some))).flat(),
      ),
    );
    return specs.map(({ topic, partition }, i) => {
      const { shard, at } = placed[i]!;
      return { topic, partition, ...refs[i]!, ...answers[shard]![at]! };
    });
  }

  async deletePartitions(slots: readonly number[]): Promise<void> {
    const known = slots.filter((slot) => this.#bySlot.has(slot));
    const deletions = known.map((slot) => {
      const directory = `${this.dataDir}/${this.#bySlot.get(slot)}`;
      return { slot, renamed: deletedDirectory(directory, randomUuid(fillRandom)) };
    });
    await Promise.all(
      this.#links.map((link, shard) => {
        const list = deletions.filter(({ slot }) => this.#shardOf(slot) === shard);
        return inTurns(list, (some) => link.request('delete', some));
      }),
    );
    for (const slot of known) {
      this.#open.delete(this.#bySlot.get(slot)!);
      this.#bySlot.delete(slot);
      this.#slots.free(slot);
    }
  }

  async configure(changes: readonly { slot: number; config: LogConfig }[]): Promise<void> {
    const byShard = new Map<number, { slot: number; config: LogConfig }[]>();
    for (const change of changes) {
      const shard = this.#shardOf(change.slot);
      const list = byShard.get(shard);
      if (list === undefined) byShard.set(shard, [change]);
      else list.push(change);
    }
    await Promise.all(
      [...byShard].map(([shard, list]) => this.#links[shard]!.request('configure', list)),
    );
  }

  deleteRecords(
    slot: number,
    offset: number,
  ): Promise<{ errorCode: number; lowWatermark: number }> {
    return this.#ask(slot, 'deleteRecords', { slot, offset });
  }

  async truncate(slot: number, offset: number): Promise<void> {
    await this.#ask(slot, 'truncate', { slot, offset });
  }

  async advanceHighWatermark(slot: number, offset: number): Promise<void> {
    await this.#ask(slot, 'advanceHighWatermark', { slot, offset });
  }

  async setLeaderEpoch(slot: number, epoch: number): Promise<void> {
    await this.#ask(slot, 'setLeaderEpoch', { slot, epoch });
  }

  endOffsetForEpoch(
    slot: number,
    epoch: number,
  ): Promise<{ errorCode: number; leaderEpoch: number; endOffset: number }> {
    return this.#ask(slot, 'endOffsetForEpoch', { slot, epoch });
  }

  producers(slot: number): Promise<ProducerSummary[]> {
    return this.#ask(slot, 'producers', { slot });
  }

  async flush(slots?: readonly number[]): Promise<void> {
    if (slots !== undefined) {
      await this.#perShard('flush', slots, (list) => ({ slots: list }));
      return;
    }
    await Promise.all(this.#links.map((link) => link.request('flush', { slots: null })));
  }

  async maintain(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.request('maintain', null)));
  }

  statistics(): EngineStatistics {
    const words = new Uint32Array(this.#shared.control);
    const sum = (stat: number): number => {
      let total = 0;
      for (let shard = 0; shard < this.shards; shard++) total += words[shardStatWord(shard, stat)]!;
      return total;
    };
    const control = new Int32Array(this.#shared.control);
    const wakeUps = (count: number, wordOf: (index: number) => number): number => {
      let total = 0;
      for (let i = 0; i < count; i++) total += new Doorbell(control, wordOf(i)).wakeUps;
      return total;
    };
    return {
      drains: sum(ShardStat.DRAINS),
      batches: sum(ShardStat.BATCHES),
      groups: sum(ShardStat.GROUPS),
      direct: sum(ShardStat.DIRECT),
      shardWakeUps: wakeUps(this.shards, shardDoorbellWord),
      clientWakeUps: wakeUps(this.#clientCount, (i) => clientDoorbellWord(this.shards, i)),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // Most of the time of a close is spent in syncs, and the disk takes several at a time better than one after another.
    this.#flusher.atOnce = FLUSHES_AT_CLOSE;
    await Promise.all(this.#links.map((link) => link.request('startFlush', null)));
    await this.#flusher.idle();
    await Promise.all(this.#links.map((link) => link.stop()));
    this.#isStopped = true;
    await this.#preparePool.close();
    this.client.drain();
    this.client.close();
    await this.#flusher.idle();
    await this.#remover.finish();
    // Every manifest is on the disk now and knows all partitions that were opened.
    for (const path of this.#foreignManifests) await this.#fs.unlinkAsync(path);
    this.#memoryDirectory?.remove();
  }

  /** Before any log is opened. Returns the journals that could not be written back, and so are still there. */
  #replayJournals(journals: readonly string[]): Set<string> {
    const kept = new Set<string>();
    for (const path of journals) {
      const names = replayJournal({
        fs: this.#fs,
        path,
        directory: this.dataDir,
        log: this.#log,
      });
      if (names.length > 0) kept.add(path);
      for (const name of names) this.#heldBack.add(name);
    }
    return kept;
  }

  #startShard(settings: ShardSettings, isInline: boolean): ShardControl {
    const onFatal = this.#options.onFatal ?? endProcess;
    const events: ShardEvents = {
      onFlushWanted: ({ shard, token, paths, directory }) => {
        const onDone = (failure: FlushFailure | null): void => {
          if (!this.#isStopped) this.#links[shard]!.post({ kind: 'flushed', token, failure });
        };
        this.#flusher.add({ paths, directory, onDone });
      },
      onPrepareWanted: ({ shard, token, order }) => {
        this.#preparePool.run(order).then((results) => {
          if (results === null || this.#isStopped) return;
          const bytes = results.flatMap((result) => result.bytes?.buffer ?? []);
          this.#links[shard]!.post({ kind: 'prepared', token, results }, bytes);
        }, onFatal);
      },
      onUnlinkLater: (path, dueMs) => this.#remover.add(path, dueMs),
      onLog: this.#log,
      onFatal,
    };
    return isInline
      ? new InlineShard(settings, events, {
          fs: this.#fs,
          clock: this.#clock,
          syncPool: null,
          postpones: false,
        })
      : new ShardThread(settings, events);
  }

  #runInline(link: InlineShard): void {
    const { shard } = link.host;
    this.client.runInline = () => {
      while (!link.host.isStopped && shard.doWork() > 0);
      this.client.drain();
    };
  }

  #makeClient(): ClientParts {
    const clientIndex = this.#clientCount++;
    if (clientIndex >= this.#clientsMax) {
      const clientsMax = this.#clientsMax;
      throw new MillraceError('too-many-clients', `at most ${clientsMax} clients`, { clientsMax });
    }
    const ordinaryBytes = this.#options.slabBytes ?? SLAB_BUDGET_BYTES;
    const giantBytes = this.#options.slabGiantBytes ?? SLAB_GIANT_BYTES;
    const { memory } = SharedMemory.create(
      new SlabArena({ ordinaryBytes, giantBytes }).capacityBytes,
    );
    const rings = new SharedArrayBuffer(clientRingsBytes(this.shards));
    const ports = this.#links.map((link) => {
      const { port1, port2 } = new MessageChannel();
      link.post({ kind: 'attach', client: clientIndex, memory, rings, detailPort: port1 }, [port1]);
      return port2;
    });
    return {
      clientIndex,
      shared: this.#shared,
      memory,
      rings,
      ports,
      slabBytes: ordinaryBytes,
      slabGiantBytes: giantBytes,
      openFiles: this.#openFiles,
      // A shard without a thread never sleeps.
      hasDirectPath: this.#options.directAppends !== false && this.#options.shards !== 0,
    };
  }

  #takeSlot(shard: number): number {
    const slot = this.#slots.allocate();
    const { words } = this.#table;
    words[slot * SLOT_WORDS + SHARD_WORD] = shard;
    Atomics.add(words, slot * SLOT_WORDS + INCARNATION_WORD, 1);
    return slot;
  }

  #shardOf(slot: number): number {
    return this.#table.words[slot * SLOT_WORDS + SHARD_WORD]!;
  }

  #ask<N extends ShardRequestName>(
    slot: number,
    name: N,
    argument: ShardRequests[N]['argument'],
  ): Promise<ShardRequests[N]['answer']> {
    return this.#links[this.#shardOf(slot)]!.request(name, argument);
  }

  async #perShard<N extends ShardRequestName>(
    name: N,
    slots: readonly number[],
    argumentOf: (slots: number[]) => ShardRequests[N]['argument'],
  ): Promise<void> {
    const lists: number[][] = this.#links.map(() => []);
    for (const slot of slots) lists[this.#shardOf(slot)]!.push(slot);
    await Promise.all(
      this.#links.map((link, shard) =>
        lists[shard]!.length === 0 ? null : link.request(name, argumentOf(lists[shard]!)),
      ),
    );
  }
}

/** Asks a shard for a long list of things, some at a time: in between it serves its clients. */
async function inTurns<T, A>(list: readonly T[], ask: (some: T[]) => Promise<A>): Promise<A[]> {
  const answers: A[] = [];
  for (let from = 0; from < list.length; from += PARTITIONS_AT_ONCE) {
    answers.push(await ask(list.slice(from, from + PARTITIONS_AT_ONCE)));
  }
  return answers;
}

function endProcess(error: Error): void {
  process.stderr.write(
    `millrace: fatal: ${error.message}\n${String(error.cause ?? error.stack)}\n`,
  );
  process.exit(1);
}

/** FNV-1a over the characters: stable, since a restart relies on it. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}

function fillRandom(bytes: Uint8Array): void {
  crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
}

function absolute(path: string): string {
  return /^([/\\]|[A-Za-z]:)/.test(path) ? path : `${process.cwd()}/${path}`;
}

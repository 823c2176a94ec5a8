/**
 * One shard: owns the logs of its partitions, takes appends out of the rings of all clients, writes them, answers.
 *
 * A pass (`doWork`) holds the shard's lock and does, in this order: one bounded look into every client's ring, grouping what is
 * there by partition; one append per group; completions and advance notices; one doorbell per client; timers that are due.
 * Groups that must reach the disk before their answer (flush.messages) come last, after the others' doorbells have been rung;
 * batches that have to be unfolded or compressed come in a later pass (preparations.ts).
 *
 * Runs on a shard thread (shard-thread.ts), or on the opening thread when the engine has no shard threads. Appends allocate
 * nothing (durable ones a few small objects for each partition of a pass): pieces and groups are pooled and reused pass after
 * pass. Control requests are in shard-requests.ts.
 */

import type { MessagePort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { messageOf } from '../base/errors.ts';
import { DRAIN_BYTES_MAX, FLUSHES_PER_SECOND, PREPARED_HERE_PER_PASS } from '../base/limits.ts';
import type { WasmMemory } from '../base/webassembly.ts';
import type { PreparedBatch } from '../format/prepare.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';
import { Cursor } from '../log/cursor.ts';
import type { IndexNotes } from '../log/index-notes.ts';
import type { Journal } from '../log/journal.ts';
import { LogResources } from '../log/log-resources.ts';
import type { Manifest, ManifestEntry } from '../log/manifest.ts';
import { Doorbell } from '../ring/doorbell.ts';
import { Answers } from './answers.ts';
import { ClientLink, createPiece, Group, refuse, type ShardPiece } from './append-groups.ts';
import {
  SUBMIT_AT,
  SUBMIT_FLAGS,
  SUBMIT_GOODBYE,
  SUBMIT_NUDGE_FLAG,
  SUBMIT_SIZE,
  SUBMIT_SLOT,
  SUBMIT_TOKEN,
} from './append-records.ts';
import { AppendFlag } from './engine-api.ts';
import { FreeSpace } from './free-space.ts';
import type { FlushFailure, FromShard } from './messages.ts';
import { PartitionTable } from './partition-table.ts';
import { syncLogs } from './pass-sync.ts';
import { Preparations } from './preparations.ts';
import { ShardLock } from './shard-lock.ts';
import type { ShardPartition } from './shard-partition.ts';
import {
  type EngineShared,
  indexNotes,
  ShardStat,
  shardDoorbellWord,
  shardLockWord,
  shardStatWord,
} from './shared-state.ts';
import type { SyncPool } from './sync-pool.ts';

/** Records taken from one ring before the bytes gathered so far are looked at. */
const RECORDS_AT_ONCE = 32;

/** Pieces of one pass; beyond it the rings keep the rest. */
const PIECES_MAX = 4096;

/** How often the dirty partitions are looked at, while there are any. */
const FLUSH_TICK_MS = 250;

/** So many of them in one look. */
const LOOKS_PER_TICK_MAX = 256;

export interface ShardOptions {
  readonly index: number;
  readonly shared: EngineShared;
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** Written by this shard. */
  readonly manifest: Manifest | null;
  /** Left by an engine with another number of shards: only asked, never written. */
  readonly foreignManifests: readonly Manifest[];
  /** Null: none is kept. */
  readonly journal: Journal | null;
  readonly maintainIntervalMs: number;
  /** Syncs several files at once; null: one after another. */
  readonly syncPool: SyncPool | null;
  /** The directory of all partitions. So much of its disk is kept free. */
  readonly dataDir: string;
  readonly keptFreeBytes: number;
  /** Segment files that the logs keep open at most. */
  readonly openFilesMax: number;
  /** What takes long before a batch is stored is asked of the opening thread. */
  readonly postpones: boolean;
  /** To the opening thread. */
  readonly post: (message: FromShard) => void;
}

export class Shard {
  readonly index: number;
  readonly options: ShardOptions;
  readonly table: PartitionTable;
  readonly lock: ShardLock;
  readonly doorbell: Doorbell;
  readonly resources: LogResources;
  readonly manifest: Manifest | null;
  readonly space: FreeSpace;
  /** The own one and those of other numbers of shards, the newest first. */
  readonly #hints: readonly Manifest[];
  /** By slot; holes belong to other shards. */
  readonly partitions: (ShardPartition | null | undefined)[] = [];

  readonly #control: Int32Array;
  readonly #notes: IndexNotes;
  // By client index; holes are clients that never attached or are gone.
  readonly #clients: (ClientLink | null)[] = [];
  readonly #answers: Answers;
  #firstClient = 0;

  readonly #pieces: ShardPiece[] = [];
  #pieceCount = 0;
  #gatheredBytes = 0;
  readonly #groups: Group[] = [];
  #groupCount = 0;
  readonly #toSync: Group[] = [];
  #draining: ClientLink | null = null;

  readonly #preparations: Preparations;

  #dirty: ShardPartition[] = [];
  #flushTickAtMs = Number.POSITIVE_INFINITY;
  #maintainAtMs: number;
  #flushToken = 0;
  readonly #flushes = new Map<number, ShardPartition>();

  constructor(options: ShardOptions) {
    const { index, shared, fs, clock, post } = options;
    this.index = index;
    this.options = options;
    this.table = new PartitionTable(shared.table);
    this.#answers = new Answers(this.table, this.#clients);
    this.#control = new Int32Array(shared.control);
    this.#notes = indexNotes(shared, index);
    this.lock = new ShardLock(this.#control, shardLockWord(index));
    this.doorbell = new Doorbell(this.#control, shardDoorbellWord(index));
    this.manifest = options.manifest;
    this.space = new FreeSpace({
      fs,
      clock,
      path: options.dataDir,
      keptBytes: options.keptFreeBytes,
      shards: shared.shards,
      log: (line) => post({ kind: 'log', line }),
    });
    this.#hints = [
      ...(options.manifest === null ? [] : [options.manifest]),
      ...options.foreignManifests,
    ].sort((one, other) => other.generationBefore - one.generationBefore);
    this.resources = new LogResources({
      fs,
      clock,
      journal: options.journal,
      deletions: { add: (path, dueMs) => post({ kind: 'unlinkLater', path, dueMs }) },
      postpones: options.postpones,
      descriptorsMax: options.openFilesMax,
    });
    this.#preparations = new Preparations({
      order: (token, order) => post({ kind: 'prepareWanted', shard: index, token, order }),
      append: (partition, pieces) => this.#appendPrepared(partition, pieces),
    });
    this.#maintainAtMs = clock.monotonic() + options.maintainIntervalMs;
  }

  attach(parts: {
    client: number;
    memory: WasmMemory;
    rings: SharedArrayBuffer;
    detailPort: MessagePort;
  }): void {
    while (this.#clients.length <= parts.client) this.#clients.push(null);
    assert(this.#clients[parts.client] === null, 'shard: a client attached twice');
    this.#clients[parts.client] = new ClientLink(this.options, parts);
  }

  /** What is known of a partition's files from the last run. Handed out once. */
  takeHint(name: string): { entry: ManifestEntry; isSameBoot: boolean } | null {
    for (const manifest of this.#hints) {
      const entry = manifest.take(name);
      if (entry !== null) return { entry, isSameBoot: manifest.isSameBoot };
    }
    return null;
  }

  /** Whether there is something in a ring: the sleeper's second look. */
  hasWork(): boolean {
    for (const link of this.#clients) {
      if (link?.submissions.hasRecords()) return true;
    }
    return false;
  }

  /** With the lock just taken, before anything else: what clients left that appended in this shard's place. */
  absorbNotes(): void {
    this.#notes.drain(this.#onNote);
  }

  readonly #onNote = (
    slot: number,
    lastOffset: number,
    position: number,
    maxTimestamp: number,
    maxTimestampOffset: number,
  ): void => {
    const partition = this.partitions[slot]!;
    this.guard(partition, () =>
      partition.log!.noteDirectIndex(lastOffset, position, maxTimestamp, maxTimestampOffset),
    );
  };

  /** One pass; returns how much it found, 0: nothing. The caller holds the lock. */
  doWork(): number {
    let work = this.#drain();
    const nowMs = this.options.clock.monotonic();
    if (nowMs >= this.#flushTickAtMs) work += this.#flushTick(nowMs);
    if (nowMs >= this.#maintainAtMs) {
      this.maintain();
      work++;
    }
    return work;
  }

  /** Milliseconds until a timer is due; Infinity when nothing is planned. */
  idleMs(): number {
    const dueMs = Math.min(this.#flushTickAtMs, this.#maintainAtMs);
    return Math.max(0, dueMs - this.options.clock.monotonic());
  }

  /** Retention, rolls by time, expiry of producer ids, buffered index entries: all that only time brings. */
  maintain(): void {
    const nowMs = this.options.clock.now();
    for (const partition of this.partitions) {
      const log = partition?.log;
      if (log == null || log.isOffline) continue;
      partition!.absorb(nowMs);
      this.guard(partition!, () => {
        log.rollIfDue(nowMs);
        log.applyRetention(nowMs);
        log.maintain(nowMs);
      });
      this.advanced(partition!);
    }
    this.manifest?.write();
    this.#maintainAtMs = this.options.clock.monotonic() + this.options.maintainIntervalMs;
    this.ringClients();
  }

  /** Runs something that touches the disk; an error of the disk takes the partition offline, any other is a broken invariant. */
  guard(partition: ShardPartition, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      if (!isFileError(error)) throw error;
      this.options.post({
        kind: 'log',
        line: `${partition.directory}: ${messageOf(error)}`,
      });
      return false;
    }
  }

  /** The partition's marks or state moved outside an append: tells who waits, and notes unflushed bytes. */
  advanced(partition: ShardPartition): void {
    this.#noteDirty(partition);
    partition.offer();
    this.#answers.tellWaiters(partition);
  }

  /** Wakes every client that has something new in its ring. */
  ringClients(): void {
    this.#answers.ring();
  }

  /** Asks for flushes of all dirty partitions, due or not. */
  startFlush(): void {
    for (const partition of this.#dirty) {
      const { log } = partition;
      if (log === null || log.isOffline || partition.flushing !== null) continue;
      partition.absorb(this.options.clock.now());
      this.#requestFlush(partition);
    }
  }

  /** Answer of the opening thread to a `flushWanted`. */
  flushed(token: number, failure: FlushFailure | null): void {
    const partition = this.#flushes.get(token);
    this.#flushes.delete(token);
    if (partition === undefined) return;
    const work = partition.flushing;
    partition.flushing = null;
    if (work === null || partition.log === null) return;
    if (failure === null) {
      partition.log.noteFlushed(work, this.options.clock.now());
      // It was under way when the journal turned to its other half.
      if (partition.log.isJournalWaiting && !partition.log.isOffline) this.#requestFlush(partition);
      return;
    }
    this.options.post({ kind: 'log', line: `${partition.directory}: ${failure.message}` });
    // Files that could not even be opened are tried again with the next tick: the partition is still among the dirty ones.
    if (!failure.isInDoubt) return;
    partition.log.noteFlushFailed(failure.message);
    this.advanced(partition);
    this.ringClients();
  }

  /** Answer of the opening thread to a `prepareWanted`. */
  prepared(token: number, results: readonly PreparedBatch[]): void {
    this.#preparations.done(token, results);
    this.#endPass();
  }

  /** Before the logs are closed: appends what waits to be prepared. */
  finishPreparations(): void {
    this.resources.postpones = false;
    this.#preparations.finish();
    this.#endPass();
  }

  /** Forgets a partition that was closed or deleted. */
  forget(partition: ShardPartition): void {
    partition.log = null;
    partition.flushing = null;
    this.partitions[partition.slot] = null;
  }

  #drain(): number {
    this.resources.preparedHereLeft = PREPARED_HERE_PER_PASS;
    this.#gather();
    const count = this.#pieceCount;
    if (count === 0) return 0;
    // Before any answer is visible: who has seen one finds it counted.
    this.#count(ShardStat.DRAINS, 1);
    this.#count(ShardStat.BATCHES, count);
    this.#count(ShardStat.GROUPS, this.#groupCount);
    for (let i = 0; i < this.#groupCount; i++) this.#append(this.#groups[i]!);
    this.#endPass();
    this.#groupCount = 0;
    this.#pieceCount = 0;
    return count;
  }

  /** Answers what was appended, behind the sync where one is asked for. */
  #endPass(): void {
    this.ringClients();
    if (this.#toSync.length > 0) this.#sync();
  }

  /** Takes submissions from all rings into groups, a bounded number of bytes. A different client comes first every time. */
  #gather(): void {
    this.#gatheredBytes = 0;
    const clients = this.#clients;
    const clientCount = clients.length;
    for (let i = 0; i < clientCount; i++) {
      const link = clients[(this.#firstClient + i) % clientCount]!;
      if (link === null) continue;
      this.#draining = link;
      while (this.#gatheredBytes < DRAIN_BYTES_MAX && this.#pieceCount < PIECES_MAX) {
        if (link.submissions.read(this.#onSubmission, RECORDS_AT_ONCE) === 0) break;
      }
    }
    if (clientCount > 0) this.#firstClient = (this.#firstClient + 1) % clientCount;
  }

  readonly #onSubmission = (words: Int32Array, at: number): void => {
    const link = this.#draining!;
    const slot = words[at + SUBMIT_SLOT]!;
    if (slot === SUBMIT_GOODBYE) {
      this.#clients[link.index] = null;
      link.detailPort.close();
      return;
    }
    if (this.#pieceCount === this.#pieces.length) this.#pieces.push(createPiece(link));
    const piece = this.#pieces[this.#pieceCount++]!;
    const flags = words[at + SUBMIT_FLAGS]!;
    piece.client = link;
    piece.token = words[at + SUBMIT_TOKEN]!;
    piece.source = link.memory;
    piece.at = words[at + SUBMIT_AT]!;
    piece.size = words[at + SUBMIT_SIZE]!;
    piece.flags = flags;
    this.#gatheredBytes += piece.size;
    const partition = this.partitions[slot];
    if (partition == null || partition.log === null) {
      refuse(
        piece,
        partition == null ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.KAFKA_STORAGE_ERROR,
      );
      this.#answers.complete(piece, -1);
      return;
    }
    if ((flags & SUBMIT_NUDGE_FLAG) !== 0) {
      this.#answers.tellWaiters(partition);
      this.#answers.completeNudge(piece);
      return;
    }
    const isFollower = (flags & AppendFlag.AS_FOLLOWER) !== 0;
    let group = partition.group < 0 ? null : this.#groups[partition.group]!;
    if (group === null || group.isFollower !== isFollower) {
      if (this.#groupCount === this.#groups.length) this.#groups.push(new Group());
      partition.group = this.#groupCount;
      group = this.#groups[this.#groupCount++]!;
      group.partition = partition;
      group.isFollower = isFollower;
      group.count = 0;
    }
    group.pieces[group.count++] = piece;
  };

  #append(group: Group): void {
    const partition = group.partition!;
    partition.group = -1;
    const taken = group.isFollower || partition.postponed === null ? this.#appendTo(group) : 0;
    if (taken < group.count) this.#preparations.postpone(group, taken);
    this.#answerSafe(group, taken);
  }

  /** Appends what comes back prepared, and answers what was refused. Returns what the log does not take yet. */
  #appendPrepared(partition: ShardPartition, pieces: readonly ShardPiece[]): readonly ShardPiece[] {
    const group = new Group();
    group.partition = partition;
    for (const piece of pieces) {
      if (partition.log === null) refuse(piece, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      if (piece.errorCode === ErrorCode.NONE) group.pieces.push(piece);
      else this.#answers.complete(piece, partition.log?.cursor[Cursor.LOG_START_OFFSET] ?? -1);
    }
    group.count = group.pieces.length;
    if (group.count === 0) return [];
    const taken = this.#appendTo(group);
    this.#answerSafe(group, taken);
    return group.pieces.slice(taken);
  }

  /** Returns how many pieces the log took, from the first. */
  #appendTo(group: Group): number {
    const { partition, pieces, count, isFollower } = group;
    const log = partition!.log!;
    partition!.absorb(this.options.clock.now());
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += pieces[i]!.size;
    if (!this.space.take(bytes)) {
      for (let i = 0; i < count; i++) refuse(pieces[i]!, ErrorCode.KAFKA_STORAGE_ERROR);
      return count;
    }
    if (!isFollower) return log.appendAsLeader(pieces, count);
    log.appendAsFollower(pieces, count);
    return count;
  }

  /** Answers the first `count` pieces, now or when they are on the disk. */
  #answerSafe(group: Group, count: number): void {
    group.count = count;
    if (count === 0) return;
    if (group.partition!.log!.needsSync) this.#toSync.push(group);
    else this.#finish(group);
  }

  /** Answers a group and tells who waits for the partition. */
  #finish(group: Group): void {
    const partition = group.partition!;
    const startOffset = partition.log!.cursor[Cursor.LOG_START_OFFSET]!;
    this.#noteDirty(partition);
    partition.offer();
    for (let i = 0; i < group.count; i++) {
      const piece = group.pieces[i]!;
      if (!this.#answers.completeWithPlace(piece, partition, startOffset))
        this.#answers.complete(piece, startOffset);
    }
    this.#answers.tellWaiters(partition);
    if (partition.flushing === null && this.#isTailLong(partition)) this.#requestFlush(partition);
  }

  #isTailLong(partition: ShardPartition): boolean {
    const { cursor, config } = partition.log!;
    const tailBytes = cursor[Cursor.ACTIVE_POSITION]! - cursor[Cursor.FLUSHED_POSITION]!;
    return tailBytes >= config.flushTailBytes;
  }

  /** Each group is answered when it is safe; one sync covers all appends of this pass. */
  #sync(): void {
    const { journal } = this.resources;
    const logs = this.#toSync.map(({ partition }) => partition!.log!);
    syncLogs(logs, journal, this.options.syncPool);
    for (const group of this.#toSync) {
      const partition = group.partition!;
      const log = partition.log!;
      const isSafe =
        !log.isOffline && (!log.needsSync || this.guard(partition, () => log.syncPending()));
      if (!isSafe) {
        for (let i = 0; i < group.count; i++) {
          const piece = group.pieces[i]!;
          if (piece.errorCode === ErrorCode.NONE) refuse(piece, ErrorCode.KAFKA_STORAGE_ERROR);
        }
      }
      this.#finish(group);
    }
    this.ringClients();
    this.#toSync.length = 0;
    if (journal?.takeTurn()) this.#flushForJournal();
  }

  /** A half of the journal is full: it can be used again when what is in it is on the disk where it belongs. */
  #flushForJournal(): void {
    for (const partition of this.#dirty) {
      if (partition.log?.isJournalWaiting && partition.flushing === null) {
        this.#requestFlush(partition);
      }
    }
  }

  #noteDirty(partition: ShardPartition): void {
    if (!isUnflushed(partition)) return;
    if (!partition.isDirty) {
      partition.isDirty = true;
      this.#dirty.push(partition);
      if (this.#flushTickAtMs === Number.POSITIVE_INFINITY) {
        this.#flushTickAtMs = this.options.clock.monotonic() + FLUSH_TICK_MS;
      }
    }
  }

  /**
   * Asks for the flushes that are due, at most so many a second, and looks at no more partitions than it takes: thousands of
   * dirty ones have their turn one after the other.
   */
  #flushTick(nowMs: number): number {
    const wallMs = this.options.clock.now();
    const dirty = this.#dirty;
    let budget = Math.ceil((FLUSHES_PER_SECOND * FLUSH_TICK_MS) / 1000);
    const kept: ShardPartition[] = [];
    let looked = 0;
    while (looked < dirty.length && looked < LOOKS_PER_TICK_MAX && budget > 0) {
      const partition = dirty[looked++]!;
      const { log } = partition;
      if (log === null || log.isOffline || !isUnflushed(partition)) {
        partition.isDirty = false;
        partition.offer();
        continue;
      }
      partition.absorb(wallMs);
      kept.push(partition);
      if (partition.flushing !== null || !log.flushDue(wallMs)) continue;
      budget--;
      this.#requestFlush(partition);
    }
    this.#dirty = [...dirty.slice(looked), ...kept];
    this.manifest?.write();
    this.#flushTickAtMs = this.#dirty.length > 0 ? nowMs + FLUSH_TICK_MS : Number.POSITIVE_INFINITY;
    return 1;
  }

  #requestFlush(partition: ShardPartition): void {
    this.guard(partition, () => {
      const work = partition.log!.flushWork();
      if (work === null) return;
      partition.flushing = work;
      const token = ++this.#flushToken;
      this.#flushes.set(token, partition);
      this.options.post({
        kind: 'flushWanted',
        shard: this.index,
        token,
        paths: work.paths,
        directory: work.directory,
      });
    });
  }

  #count(stat: number, by: number): void {
    const word = shardStatWord(this.index, stat);
    // Written under the shard's lock only; others merely look.
    this.#control[word] = this.#control[word]! + by;
  }
}

function isUnflushed(partition: ShardPartition): boolean {
  const cursor = partition.log?.cursor;
  return cursor !== undefined && cursor[Cursor.RECOVERY_POINT]! < cursor[Cursor.LOG_END_OFFSET]!;
}

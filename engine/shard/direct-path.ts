/**
 * The short way for appends as long as one thread keeps up: while a shard sleeps, a client thread does the shard's work itself, under the
 * shard's lock, and nobody is woken. engine/log/direct-append.ts says which appends qualify and why the log stays right.
 *
 * Order of one client's appends to one partition: the caller tries this only when it has nothing under way in that shard.
 * Fairness: a shard that is awake wants its lock, so only the lock of a sleeping one is tried; a client can never keep a shard
 * out. Waiters: after the marks are published the waiter bits are looked at, exactly as the shard does; this client's own
 * notice stays on this thread, those of others are left to the shard.
 *
 * A partition's place (its directory) is told by the shard with the second append that it completes for this client.
 *
 * On the client's thread.
 */

import { systemClock } from '../base/clock.ts';
import type { SharedMemory } from '../base/shared-memory.ts';
import type { DescriptorCache } from '../io/descriptor-cache.ts';
import { Cursor } from '../log/cursor.ts';
import { DirectAppender, type DirectTarget } from '../log/direct-append.ts';
import type { IndexNotes } from '../log/index-notes.ts';
import type { Doorbell } from '../ring/doorbell.ts';
import {
  INCARNATION_WORD,
  LEADER_EPOCH_WORD,
  PartitionState,
  type PartitionTable,
  SHARD_WORD,
  SLOT_WORDS,
  STATE_WORD,
  TRUNCATIONS_WORD,
} from './partition-table.ts';
import type { ShardLock } from './shard-lock.ts';
import { type EngineShared, indexNotes } from './shared-state.ts';

/** What a shard tells a client of a partition that may be appended to directly. */
export interface PartitionPlace {
  readonly slot: number;
  readonly incarnation: number;
  readonly directory: string;
}

class Target implements DirectTarget {
  readonly directory: string;
  readonly cursor: Float64Array;
  readonly publish: DirectTarget['publish'];
  readonly notes: IndexNotes;
  readonly incarnation: number;

  constructor(table: PartitionTable, notes: IndexNotes, place: PartitionPlace) {
    const { slot } = place;
    this.directory = place.directory;
    this.incarnation = place.incarnation;
    this.notes = notes;
    this.cursor = table.cursor(slot);
    this.publish = { begin: () => table.begin(slot), end: () => table.end(slot) };
  }
}

export class DirectPath {
  /** Of the last append that was taken. */
  baseOffset = -1;
  logStartOffset = -1;
  readonly #table: PartitionTable;
  // By shard.
  readonly #notes: readonly IndexNotes[];
  readonly #memory: SharedMemory;
  readonly #descriptors: DescriptorCache;
  readonly #appender: DirectAppender;
  // By slot; sparse.
  readonly #targets: (Target | undefined)[] = [];
  readonly #batch: { source: SharedMemory; at: number; size: number };
  readonly #marks = { leaderEpoch: -1, truncations: 0 };

  constructor(
    shared: EngineShared,
    table: PartitionTable,
    memory: SharedMemory,
    descriptors: DescriptorCache,
  ) {
    this.#table = table;
    this.#notes = Array.from({ length: shared.shards }, (_, shard) => indexNotes(shared, shard));
    this.#memory = memory;
    this.#descriptors = descriptors;
    this.#appender = new DirectAppender(descriptors);
    this.#batch = { source: memory, at: 0, size: 0 };
  }

  /** A shard told where a partition lies. */
  learn(place: PartitionPlace): void {
    this.#appender.forget(place.slot);
    const shard = this.#table.words[place.slot * SLOT_WORDS + SHARD_WORD]!;
    this.#targets[place.slot] = new Target(this.#table, this.#notes[shard]!, place);
  }

  close(): void {
    this.#descriptors.closeAll();
  }

  /** Appends one batch to its partition, if the partition's shard sleeps and the batch qualifies. False: nothing happened. */
  append(
    shard: { doorbell: Doorbell; lock: ShardLock },
    slot: number,
    at: number,
    size: number,
  ): boolean {
    const target = this.#targets[slot];
    if (target === undefined || !shard.doorbell.isAsleep) return false;
    if (!this.#appender.isFit(target.cursor, this.#memory, at, size, systemClock.now()))
      return false;
    // Everything that the shard, or whoever had the lock before, wrote is visible from here on. Partner: ShardLock.release.
    if (!shard.lock.tryAcquire()) return false;
    try {
      return this.#appendLocked(target, slot, at, size);
    } finally {
      shard.lock.release();
    }
  }

  #appendLocked(target: Target, slot: number, at: number, size: number): boolean {
    const { words } = this.#table;
    const base = slot * SLOT_WORDS;
    if (words[base + STATE_WORD] !== PartitionState.ONLINE) return false;
    if (words[base + INCARNATION_WORD] !== target.incarnation) {
      this.#appender.forget(slot);
      this.#targets[slot] = undefined;
      return false;
    }
    const batch = this.#batch;
    batch.at = at;
    batch.size = size;
    this.#marks.leaderEpoch = words[base + LEADER_EPOCH_WORD]!;
    this.#marks.truncations = words[base + TRUNCATIONS_WORD]!;
    if (!this.#appender.append(slot, target, batch, this.#marks)) return false;
    this.baseOffset = this.#appender.baseOffset;
    this.logStartOffset = target.cursor[Cursor.LOG_START_OFFSET]!;
    return true;
  }
}

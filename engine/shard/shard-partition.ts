/**
 * One partition as its shard sees it: the log, and what the shard notes beside it from pass to pass. It is also the hooks by
 * which the log tells other threads of changes: the sequence lock around the cursor, and the words beside it in the slot.
 *
 * On the shard's thread, under the shard's lock.
 */

import { Cursor } from '../log/cursor.ts';
import type { FlushWork, PartitionLog, PublishHooks } from '../log/partition-log.ts';
import type { ShardPiece } from './append-groups.ts';
import type { FreeSpace } from './free-space.ts';
import {
  GENERATION_WORD,
  INCARNATION_WORD,
  LEADER_EPOCH_WORD,
  type PartitionState,
  type PartitionTable,
  SLOT_WORDS,
  STATE_WORD,
  TRUNCATIONS_WORD,
} from './partition-table.ts';

export class ShardPartition implements PublishHooks {
  readonly table: PartitionTable;
  readonly slot: number;
  readonly directory: string;
  /** Null when it could not be opened. */
  log: PartitionLog | null = null;
  /** Index of the partition's latest group in the current pass, -1 without one. */
  group = -1;
  /** In the shard's list of partitions with bytes that are not on the disk. */
  isDirty = false;
  /** A background flush is under way. */
  flushing: FlushWork | null = null;
  /** Appends that wait until they are prepared (preparations.ts), but for those under way; null: none. */
  postponed: ShardPiece[] | null = null;
  /** One bit for each client that has made an append which it could have done by itself. */
  metClients = 0;
  /** One bit for each client that was told where the partition lies. */
  toldClients = 0;
  // What of the bytes that clients appended themselves the log has taken into account.
  #directBytes = 0;

  readonly #space: FreeSpace;

  constructor(table: PartitionTable, slot: number, directory: string, space: FreeSpace) {
    this.table = table;
    this.#space = space;
    this.slot = slot;
    this.directory = directory;
  }

  /** Before the shard does something with the log: what clients appended meanwhile becomes known to it. */
  absorb(nowMs: number): void {
    const { log } = this;
    if (log === null) return;
    const bytes = log.cursor[Cursor.DIRECT_BYTES]!;
    if (bytes === this.#directBytes) return;
    log.noteDirect(bytes - this.#directBytes, nowMs);
    this.#space.take(bytes - this.#directBytes);
    this.#directBytes = bytes;
  }

  /** After the shard did something with the log: what clients may append until the next time. */
  offer(): void {
    // Without the flush tick armed nobody would bring to the disk what clients append.
    this.log?.offerDirect(this.isDirty && !this.#space.isShort);
  }

  get isOffered(): boolean {
    return this.log !== null && this.log.cursor[Cursor.DIRECT_START_MAX]! >= 0;
  }

  get incarnation(): number {
    return this.table.words[this.slot * SLOT_WORDS + INCARNATION_WORD]!;
  }

  begin(): void {
    this.table.begin(this.slot);
  }

  end(): void {
    this.table.end(this.slot);
  }

  readonly onGenerationChange = (): void => {
    Atomics.add(this.table.words, this.slot * SLOT_WORDS + GENERATION_WORD, 1);
  };

  readonly onTruncate = (): void => {
    Atomics.add(this.table.words, this.slot * SLOT_WORDS + TRUNCATIONS_WORD, 1);
  };

  setState(state: PartitionState): void {
    Atomics.store(this.table.words, this.slot * SLOT_WORDS + STATE_WORD, state);
  }

  setLeaderEpoch(epoch: number): void {
    Atomics.store(this.table.words, this.slot * SLOT_WORDS + LEADER_EPOCH_WORD, epoch);
  }
}

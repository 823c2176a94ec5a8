/**
 * One partition as its shard sees it: the log, and what the shard notes beside it from pass to pass. It is also the hooks by
 * which the log tells other threads of changes: the sequence lock around the cursor, and the words beside it in the slot.
 *
 * On the shard's thread, under the shard's lock.
 */

import type { FlushWork, PartitionLog, PublishHooks } from '../log/partition-log.ts';
import {
  GENERATION_WORD,
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

  constructor(table: PartitionTable, slot: number, directory: string) {
    this.table = table;
    this.slot = slot;
    this.directory = directory;
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

/**
 * What a shard says to its clients: completions of their appends, and advance notices to those who wait. They are put into the
 * clients' rings; `ring` makes them visible and wakes who sleeps, once for all that was said since the last time.
 *
 * On the shard's thread, under its lock.
 */

import { assert } from '../base/assert.ts';
import { ErrorCode } from '../base/error-codes.ts';
import {
  COMPLETION_RING_RECORDS,
  DIRECT_TURN_BYTES_MAX,
  SUBMIT_RING_RECORDS,
} from '../base/limits.ts';
import { RING_FULL } from '../ring/ring-writer.ts';
import { type ClientLink, refuse, type ShardPiece } from './append-groups.ts';
import {
  COMPLETION_APPEND_TIME,
  COMPLETION_BASE_OFFSET,
  COMPLETION_KIND,
  COMPLETION_START_OFFSET,
  COMPLETION_TOKEN,
  KIND_ADVANCED,
  KIND_COMPLETED,
  KIND_COMPLETED_WITH_DETAIL,
  KIND_COMPLETED_WITH_PLACE,
  KIND_NUDGED,
  putInt53,
} from './append-records.ts';
import { type PartitionTable, SLOT_WORDS, WAITERS_WORD } from './partition-table.ts';
import type { ShardPartition } from './shard-partition.ts';

export class Answers {
  readonly #table: PartitionTable;
  /** By client index; the shard's own list. */
  readonly #clients: readonly (ClientLink | null)[];

  constructor(table: PartitionTable, clients: readonly (ClientLink | null)[]) {
    this.#table = table;
    this.#clients = clients;
  }

  /** Wakes every client that has something new in its ring. */
  ring(): void {
    for (const link of this.#clients) {
      if (link === null || !link.hasNews) continue;
      link.hasNews = false;
      link.completions.commit();
      link.doorbell.ring();
    }
  }

  complete(piece: ShardPiece, startOffset: number): void {
    let kind = KIND_COMPLETED;
    if (piece.errorMessage !== null || piece.recordErrors !== null) {
      kind = KIND_COMPLETED_WITH_DETAIL;
      const { errorMessage: message, recordErrors } = piece;
      piece.client.detailPort.postMessage({ message, recordErrors });
    }
    this.#answer(piece, kind, startOffset);
  }

  /**
   * The second time a client could have appended by itself, it is told where; false: no need. Not the first time: the message
   * takes both threads longer than a small append, and of thousands of new partitions each may get one record and no more.
   */
  completeWithPlace(piece: ShardPiece, partition: ShardPartition, startOffset: number): boolean {
    const link = piece.client;
    const bit = 1 << link.index;
    if ((partition.toldClients & bit) !== 0 || piece.errorCode !== ErrorCode.NONE) return false;
    if (piece.size > DIRECT_TURN_BYTES_MAX || !partition.isOffered) return false;
    if ((partition.metClients & bit) === 0) {
      partition.metClients |= bit;
      return false;
    }
    partition.toldClients |= bit;
    const { slot, incarnation, directory } = partition;
    link.detailPort.postMessage({ slot, incarnation, directory });
    this.#answer(piece, KIND_COMPLETED_WITH_PLACE, startOffset);
    return true;
  }

  completeNudge(piece: ShardPiece): void {
    refuse(piece, ErrorCode.NONE);
    this.#answer(piece, KIND_NUDGED, -1);
  }

  #answer(piece: ShardPiece, kind: number, startOffset: number): void {
    const link = piece.client;
    const at = link.completions.tryClaim();
    // Half of the ring is kept for completions, and a client has no more appends under way than that.
    assert(at !== RING_FULL, 'shard: completion ring full in spite of credits');
    const words = link.rings;
    words[at + COMPLETION_TOKEN] = piece.token;
    words[at + COMPLETION_KIND] = (kind << 16) | (piece.errorCode & 0xffff);
    putInt53(words, at + COMPLETION_BASE_OFFSET, piece.baseOffset);
    putInt53(words, at + COMPLETION_APPEND_TIME, piece.logAppendTimeMs);
    putInt53(words, at + COMPLETION_START_OFFSET, startOffset);
    link.hasNews = true;
  }

  tellWaiters(partition: ShardPartition): void {
    const word = partition.slot * SLOT_WORDS + WAITERS_WORD;
    // Ordered after the store of SEQUENCE that published the marks. Partner: ShardClient.watch sets its bit, then reads marks.
    if (Atomics.load(this.#table.words, word) === 0) return;
    const waiters = Atomics.exchange(this.#table.words, word, 0);
    for (const link of this.#clients) {
      if (link === null || (waiters & (1 << link.index)) === 0) continue;
      link.hasNews = true;
      // Only one half of the ring is for notices. The other half is promised to completions.
      if (link.completions.used() >= COMPLETION_RING_RECORDS - SUBMIT_RING_RECORDS) {
        Atomics.store(link.rings, link.rescan, 1);
        continue;
      }
      const at = link.completions.tryClaim();
      link.rings[at] = partition.slot;
      link.rings[at + COMPLETION_KIND] = KIND_ADVANCED << 16;
    }
  }
}

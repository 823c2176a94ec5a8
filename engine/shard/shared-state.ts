/**
 * Where the small shared words of an engine lie, beside the partition table: one block per shard, one per client, and for
 * each client one region with its rings. All are zeroed memory at first, and zero means empty, awake, free.
 *
 *   control     shard s: words s x 64     0 SLEEP  1 WAKE_UPS  (doorbell)   2 MAIL  a message waits on the shard's port
 *                                        32 LOCK (a line of its own)        40.. statistics, written by the lock's holder
 *               client c: behind them, 32 words each:  0 SLEEP  1 WAKE_UPS (doorbell)
 *   notes       shard s: a region of engine/log/index-notes.ts, touched under the shard's lock
 *   rings       of one client, for each shard: submission ring, completion ring, a line with word 0 RESCAN
 */

import {
  COMPLETION_RING_RECORDS,
  DIRECT_INDEX_NOTES_MAX,
  SUBMIT_RING_RECORDS,
} from '../base/limits.ts';
import { IndexNotes } from '../log/index-notes.ts';
import { type RingPlace, ringBytes } from '../ring/ring-layout.ts';

const SHARD_WORDS = 64;
const CLIENT_WORDS = 32;
const MAIL_WORD = 2;
const LOCK_WORD = 32;
const LINE_WORDS = 32;

/** Statistics of a shard, as word numbers inside its block. They wrap. */
export const ShardStat = {
  /** Passes that found something. */
  DRAINS: 40,
  /** Batches taken in. */
  BATCHES: 41,
  /** Partition groups written, one call of the log each. */
  GROUPS: 42,
  /** Batches that a client thread appended itself. */
  DIRECT: 43,
} as const;

export interface EngineShared {
  readonly table: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly notes: SharedArrayBuffer;
  readonly shards: number;
}

const NOTES_BYTES = IndexNotes.length(DIRECT_INDEX_NOTES_MAX) * 8;

export function notesBytes(shards: number): number {
  return shards * NOTES_BYTES;
}

export function indexNotes(shared: EngineShared, shard: number): IndexNotes {
  return new IndexNotes(new Float64Array(shared.notes, shard * NOTES_BYTES, NOTES_BYTES / 8));
}

export function controlBytes(shards: number, clients: number): number {
  return (shards * SHARD_WORDS + clients * CLIENT_WORDS) * 4;
}

export function shardDoorbellWord(shard: number): number {
  return shard * SHARD_WORDS;
}

export function shardMailWord(shard: number): number {
  return shard * SHARD_WORDS + MAIL_WORD;
}

export function shardLockWord(shard: number): number {
  return shard * SHARD_WORDS + LOCK_WORD;
}

export function shardStatWord(shard: number, stat: number): number {
  return shard * SHARD_WORDS + stat;
}

export function clientDoorbellWord(shards: number, client: number): number {
  return shards * SHARD_WORDS + client * CLIENT_WORDS;
}

const SUBMIT_WORDS = ringBytes(SUBMIT_RING_RECORDS) / 4;
const COMPLETION_WORDS = ringBytes(COMPLETION_RING_RECORDS) / 4;
const PAIR_WORDS = SUBMIT_WORDS + COMPLETION_WORDS + LINE_WORDS;

/** Size of the region with one client's rings to all shards. */
export function clientRingsBytes(shards: number): number {
  return shards * PAIR_WORDS * 4;
}

export function submissionRing(words: Int32Array, shard: number): RingPlace {
  return { words, base: shard * PAIR_WORDS, capacity: SUBMIT_RING_RECORDS };
}

export function completionRing(words: Int32Array, shard: number): RingPlace {
  return { words, base: shard * PAIR_WORDS + SUBMIT_WORDS, capacity: COMPLETION_RING_RECORDS };
}

/** Set by the shard when an advance notice found no room: the client asks all its watched partitions. */
export function rescanWord(shard: number): number {
  return shard * PAIR_WORDS + SUBMIT_WORDS + COMPLETION_WORDS;
}

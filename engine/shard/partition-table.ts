/**
 * The partition table: one 256-byte slot per partition in memory that all threads share. The hot numbers of a partition's log
 * live only here, so any thread reads them without asking the thread that appends.
 *
 *   byte   0  SEQUENCE      sequence lock: odd while the writer is inside
 *          4  STATE         PartitionState
 *          8  LEADER_EPOCH
 *         12  GENERATION    + 1 when the set of segment files changed
 *         16  WAITERS       one bit per client thread that wants to hear of the next advance
 *         20  TRUNCATIONS   + 1 before bytes below the log end are cut off or files are unlinked
 *         24  SHARD         who owns the partition
 *         28  INCARNATION   + 1 when the slot is given to another partition
 *   byte  48  the cursor: 26 float64 (engine/log/cursor.ts names them)
 *
 * Writers: the slot's shard alone writes the cursor, GENERATION, TRUNCATIONS, LEADER_EPOCH, inside the sequence lock. The
 * opening thread hands out slots (SHARD, INCARNATION) while nobody else knows them. WAITERS is atomic and outside the lock.
 */

import { assert } from '../base/assert.ts';
import { Cursor, type MarksSnapshot, type MarksSource } from '../log/cursor.ts';

export const SLOT_BYTES = 256;
export const SLOT_WORDS = SLOT_BYTES / 4;
export const SEQUENCE_WORD = 0;
export const STATE_WORD = 1;
export const LEADER_EPOCH_WORD = 2;
export const GENERATION_WORD = 3;
export const WAITERS_WORD = 4;
export const TRUNCATIONS_WORD = 5;
export const SHARD_WORD = 6;
export const INCARNATION_WORD = 7;
export const CURSOR_AT = 48;
export const CURSOR_LENGTH = (SLOT_BYTES - CURSOR_AT) / 8;

/** Looks at a slot that is being written before the reader gives its core away, and for how long at least. */
const SPINS_MAX = 1000;
const YIELD_MS = 0.02;

export const PartitionState = { FREE: 0, ONLINE: 1, OFFLINE: 2, DELETED: 3 } as const;
export type PartitionState = (typeof PartitionState)[keyof typeof PartitionState];

/** A consistent snapshot of one slot. Make one per reading place and reuse it. */
export class Marks implements MarksSnapshot {
  state: number = PartitionState.FREE;
  leaderEpoch = -1;
  generation = 0;
  truncations = 0;
  incarnation = 0;
  /** The whole cursor, indexed by `Cursor`. */
  readonly cursor = new Float64Array(CURSOR_LENGTH);

  get logStartOffset(): number {
    return this.cursor[Cursor.LOG_START_OFFSET]!;
  }
  get recoveryPoint(): number {
    return this.cursor[Cursor.RECOVERY_POINT]!;
  }
  get highWatermark(): number {
    return this.cursor[Cursor.HIGH_WATERMARK]!;
  }
  get lastStableOffset(): number {
    return this.cursor[Cursor.LAST_STABLE_OFFSET]!;
  }
  get logEndOffset(): number {
    return this.cursor[Cursor.LOG_END_OFFSET]!;
  }
  get sizeBytes(): number {
    return this.cursor[Cursor.LOG_BYTES]!;
  }
}

/** The marks of one slot, for a PartitionReader. */
class SlotMarks implements MarksSource {
  readonly #table: PartitionTable;
  readonly #slot: number;

  constructor(table: PartitionTable, slot: number) {
    this.#table = table;
    this.#slot = slot;
  }

  snapshot(out: MarksSnapshot): boolean {
    return this.#table.read(this.#slot, out);
  }

  isCurrent(truncations: number, incarnation: number): boolean {
    const { words } = this.#table;
    const base = this.#slot * SLOT_WORDS;
    // The log moves TRUNCATIONS before it cuts or unlinks. Bytes read before an unmoved number is seen were whole.
    return (
      Atomics.load(words, base + TRUNCATIONS_WORD) === truncations &&
      Atomics.load(words, base + INCARNATION_WORD) === incarnation &&
      Atomics.load(words, base + STATE_WORD) === PartitionState.ONLINE
    );
  }
}

export class PartitionTable {
  readonly shared: SharedArrayBuffer;
  readonly capacity: number;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  // Only this thread stores into it: a store followed by a load of SEQUENCE keeps the cursor's plain loads before that load.
  readonly #fence = new Int32Array(new SharedArrayBuffer(4));

  constructor(shared: SharedArrayBuffer) {
    assert(shared.byteLength % SLOT_BYTES === 0, 'partition table of whole slots');
    this.shared = shared;
    this.capacity = shared.byteLength / SLOT_BYTES;
    this.words = new Int32Array(shared);
    this.floats = new Float64Array(shared);
  }

  static bytes(capacity: number): number {
    return capacity * SLOT_BYTES;
  }

  source(slot: number): MarksSource {
    return new SlotMarks(this, slot);
  }

  cursor(slot: number): Float64Array {
    return new Float64Array(this.shared, slot * SLOT_BYTES + CURSOR_AT, CURSOR_LENGTH);
  }

  /** Enters the sequence lock. The writer is alone: the slot's shard, or who holds that shard's lock word. */
  begin(slot: number): void {
    const word = slot * SLOT_WORDS + SEQUENCE_WORD;
    // Store odd, then load: the load may not move before the store, the cursor's plain stores not before the load. A reader
    // that sees any of them therefore sees the odd number, or a later one, in its second look. Partner: read().
    Atomics.store(this.words, word, Atomics.load(this.words, word) | 1);
    Atomics.load(this.words, word);
  }

  end(slot: number): void {
    const word = slot * SLOT_WORDS + SEQUENCE_WORD;
    // Release: all plain stores since begin() are visible to whoever loads this even number. Partner: first load of read().
    Atomics.store(this.words, word, (Atomics.load(this.words, word) + 1) | 0);
  }

  /** A consistent snapshot; spins while a writer is inside (some ten stores long). False when the slot is not online. */
  read(slot: number, out: MarksSnapshot): boolean {
    const base = slot * SLOT_WORDS;
    const from = (slot * SLOT_BYTES + CURSOR_AT) / 8;
    const { words, floats } = this;
    const cursor = out.cursor;
    for (let attempt = 0; ; attempt++) {
      // The writer is some ten stores from the end, unless it lost its core in between: then let it have this one.
      if (attempt >= SPINS_MAX) Atomics.wait(this.#fence, 0, 0, YIELD_MS);
      // Acquire: what follows is read after it. Partner: end().
      const before = Atomics.load(words, base + SEQUENCE_WORD);
      if ((before & 1) !== 0) continue;
      for (let i = 0; i < CURSOR_LENGTH; i++) cursor[i] = floats[from + i]!;
      out.state = words[base + STATE_WORD]!;
      out.leaderEpoch = words[base + LEADER_EPOCH_WORD]!;
      out.generation = words[base + GENERATION_WORD]!;
      out.truncations = words[base + TRUNCATIONS_WORD]!;
      out.incarnation = words[base + INCARNATION_WORD]!;
      // A load alone would let the plain loads above slip behind it on a weakly ordered CPU; the store in front of it holds
      // them back, because an atomic store waits for earlier loads and the atomic load waits for that store.
      Atomics.store(this.#fence, 0, 0);
      if (Atomics.load(words, base + SEQUENCE_WORD) === before) break;
    }
    return out.state === PartitionState.ONLINE;
  }
}

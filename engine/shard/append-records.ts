/**
 * What the rings between a client thread and a shard carry: layouts of the 8-word records (engine/ring/ring-layout.ts).
 *
 *   submission   0 slot   1 address   2 size   3 token   4 flags   5-7 unused
 *   completion   0 token  1 kind << 16 | error code   2-3 base offset   4-5 log append time   6-7 log start offset
 *   advance      0 slot   1 kind << 16
 *
 * 64-bit numbers are two's complement, low word first; -1 is all ones.
 */

export const SUBMIT_SLOT = 0;
export const SUBMIT_AT = 1;
export const SUBMIT_SIZE = 2;
export const SUBMIT_TOKEN = 3;
export const SUBMIT_FLAGS = 4;

/** Among the flags, beside those of AppendFlag: nothing to append, only waiters of the partition to tell. */
export const SUBMIT_NUDGE_FLAG = 1 << 16;

/** In the place of a slot: the client is gone, nothing follows. */
export const SUBMIT_GOODBYE = -1;

export const COMPLETION_TOKEN = 0;
export const COMPLETION_KIND = 1;
export const COMPLETION_BASE_OFFSET = 2;
export const COMPLETION_APPEND_TIME = 4;
export const COMPLETION_START_OFFSET = 6;

/** An append is done or refused. */
export const KIND_COMPLETED = 1;
/** The same, and an AppendDetail waits on the detail port. */
export const KIND_COMPLETED_WITH_DETAIL = 2;
/** A watched partition advanced. */
export const KIND_ADVANCED = 3;
/** An append is done, and a PartitionPlace waits on the detail port. */
export const KIND_COMPLETED_WITH_PLACE = 4;
/** A nudge is done. */
export const KIND_NUDGED = 5;

const TWO_32 = 4294967296;

/** Stores an integer of ±2^53 into two words. */
export function putInt53(words: Int32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = Math.floor(value / TWO_32);
}

export function getInt53(words: Int32Array, at: number): number {
  return words[at + 1]! * TWO_32 + (words[at]! >>> 0);
}

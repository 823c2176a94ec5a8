/**
 * Layout of a ring: fixed-size records between exactly one producing and one consuming thread, in shared memory.
 *
 *   byte 0      HEAD    progress of the consumer: records taken out since the beginning, an int32 that wraps
 *        128    TAIL    progress of the producer: records committed since the beginning, an int32 that wraps
 *        256    capacity x RECORD_BYTES: the record with progress p lies at index p & (capacity - 1)
 *
 * HEAD and TAIL lie two cache lines apart (CPUs fetch lines in pairs), so neither side's stores take the other's line away
 * until it asks for it. Progress is compared by difference, never by equality or size: `(tail - head) | 0` stays right when
 * both have wrapped, as long as the capacity is below 2^30. A record is 8 words: half a line, and no record is split.
 */

import { assert } from '../base/assert.ts';

export const RECORD_WORDS = 8;
export const RECORD_BYTES = RECORD_WORDS * 4;

export const HEAD_WORD = 0;
export const TAIL_WORD = 32;
export const RECORDS_WORD = 64;

export const RING_CAPACITY_MAX = 1 << 24;

/** Where one ring lies: `words` may be a larger region that holds other things as well. */
export interface RingPlace {
  readonly words: Int32Array;
  /** Index of the ring's first word; a multiple of 32, so that lines are not shared with a neighbour. */
  readonly base: number;
  /** Records; a power of two. */
  readonly capacity: number;
}

/** Bytes that a ring of `capacity` records takes. Zeroed memory is an empty ring. */
export function ringBytes(capacity: number): number {
  return RECORDS_WORD * 4 + capacity * RECORD_BYTES;
}

export function assertRingPlace(place: RingPlace): void {
  const { words, base, capacity } = place;
  assert(capacity >= 2 && capacity <= RING_CAPACITY_MAX, 'ring: capacity out of range');
  assert((capacity & (capacity - 1)) === 0, 'ring: capacity must be a power of two');
  assert(base >= 0 && base % 32 === 0, 'ring: misaligned base');
  assert(base + ringBytes(capacity) / 4 <= words.length, 'ring: out of its region');
}

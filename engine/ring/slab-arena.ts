/**
 * The slab arena: hands out regions of a client thread's shared memory. It belongs to that thread alone; only the bytes are
 * shared, the book-keeping is not.
 *
 *   [0, ordinaryBytes)              blocks of whole granules (64 KiB), first fit, lowest address first
 *   [ordinaryBytes, capacityBytes)  one giant region at a time, for what would tear holes into the ordinary part
 *
 * Lowest address first keeps the memory that was ever touched near the peak of what was in use at once, and that is what the
 * process keeps resident. Blocks carry their length at both ends (boundary tags), so a release joins its free neighbours in
 * constant time and a search walks from block to block, beginning at the lowest free one.
 */

import { assert } from '../base/assert.ts';
import { SLAB_GRANULE_BYTES } from '../base/limits.ts';

/** What `allocate` returns when nothing fits now. */
export const SLAB_FULL = -1;

export class SlabArena {
  readonly ordinaryBytes: number;
  readonly giantBytes: number;
  /** Called once, by the next release, after an allocation that failed; the owner forwards it to who waits. */
  onRoom: (() => void) | null = null;

  readonly #granules: number;
  /** Above this an allocation goes to the giant region: an eighth of the ordinary part, so that eight always fit there. */
  readonly #blockGranulesMax: number;
  // At the first granule of a block: its length, negative when free. At the last granule: its length. Else stale.
  readonly #length: Int32Array;
  readonly #lengthAtEnd: Int32Array;
  // No block below this granule is free.
  #lowestFree = 0;
  #giantSize = 0;
  #used = 0;
  #refused = false;

  constructor(options: { ordinaryBytes: number; giantBytes: number }) {
    const granules = Math.max(1, Math.ceil(options.ordinaryBytes / SLAB_GRANULE_BYTES));
    this.ordinaryBytes = granules * SLAB_GRANULE_BYTES;
    this.giantBytes = Math.ceil(options.giantBytes / SLAB_GRANULE_BYTES) * SLAB_GRANULE_BYTES;
    this.#granules = granules;
    this.#blockGranulesMax = Math.max(1, granules >> 3);
    this.#length = new Int32Array(granules);
    this.#lengthAtEnd = new Int32Array(granules);
    this.#setFree(0, granules);
  }

  /** Address of a region of at least `size` bytes (whole granules), or SLAB_FULL. A size above `allocateMaxBytes` never fits. */
  allocate(size: number): number {
    const granules = Math.max(1, Math.ceil(size / SLAB_GRANULE_BYTES));
    const address =
      granules > this.#blockGranulesMax ? this.#allocateGiant(size) : this.#allocateBlock(granules);
    if (address === SLAB_FULL) this.#refused = true;
    return address;
  }

  /** Gives a region back, by the address that `allocate` returned. */
  release(address: number): void {
    if (address === this.ordinaryBytes) {
      assert(this.#giantSize > 0, 'slab: the giant region is not in use');
      this.#used -= this.#giantSize;
      this.#giantSize = 0;
    } else {
      this.#releaseBlock(address);
    }
    if (this.#refused) {
      this.#refused = false;
      this.onRoom?.();
    }
  }

  /** Bytes of the region at `address`, whole granules. */
  sizeOf(address: number): number {
    if (address === this.ordinaryBytes) return this.#giantSize;
    return this.#length[address / SLAB_GRANULE_BYTES]! * SLAB_GRANULE_BYTES;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Of the ordinary part, in pieces or not. */
  get freeBytes(): number {
    return this.ordinaryBytes - (this.#used - this.#giantSize);
  }

  get capacityBytes(): number {
    return this.ordinaryBytes + this.giantBytes;
  }

  get allocateMaxBytes(): number {
    return Math.max(this.giantBytes, this.#blockGranulesMax * SLAB_GRANULE_BYTES);
  }

  #allocateGiant(size: number): number {
    if (this.#giantSize > 0 || size > this.giantBytes) return SLAB_FULL;
    this.#giantSize = Math.ceil(size / SLAB_GRANULE_BYTES) * SLAB_GRANULE_BYTES;
    this.#used += this.#giantSize;
    return this.ordinaryBytes;
  }

  #allocateBlock(granules: number): number {
    const length = this.#length;
    let at = this.#lowestFree;
    let isLowest = true;
    while (at < this.#granules) {
      const here = length[at]!;
      if (here > 0) {
        at += here;
        continue;
      }
      if (-here >= granules) break;
      isLowest = false;
      at -= here;
    }
    if (at >= this.#granules) return SLAB_FULL;
    const rest = -length[at]! - granules;
    this.#setUsed(at, granules);
    if (rest > 0) this.#setFree(at + granules, rest);
    if (isLowest) this.#lowestFree = at + granules;
    this.#used += granules * SLAB_GRANULE_BYTES;
    return at * SLAB_GRANULE_BYTES;
  }

  #releaseBlock(address: number): void {
    let at = address / SLAB_GRANULE_BYTES;
    let granules = this.#length[at] ?? 0;
    assert(granules > 0, 'slab: released what was not allocated');
    this.#used -= granules * SLAB_GRANULE_BYTES;
    // Inner granules may hold lengths of earlier blocks: a wrong release there must not look right.
    this.#length[at] = 0;
    const next = at + granules;
    if (next < this.#granules && this.#length[next]! < 0) {
      granules -= this.#length[next]!;
      this.#length[next] = 0;
    }
    if (at > 0) {
      const before = at - this.#lengthAtEnd[at - 1]!;
      if (this.#length[before]! < 0) {
        granules += at - before;
        at = before;
      }
    }
    this.#setFree(at, granules);
    if (at < this.#lowestFree) this.#lowestFree = at;
  }

  #setFree(at: number, granules: number): void {
    this.#length[at] = -granules;
    this.#lengthAtEnd[at + granules - 1] = granules;
  }

  #setUsed(at: number, granules: number): void {
    this.#length[at] = granules;
    this.#lengthAtEnd[at + granules - 1] = granules;
  }
}

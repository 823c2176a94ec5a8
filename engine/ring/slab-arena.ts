// The slab arena: hands out regions of a client thread's shared memory, in granules of 64 KiB, lowest free address first, so
// that the memory really touched stays near the peak of what was in use. One thread owns the arena; nothing here is shared.

export interface SlabArena {
  /** Address of a free region of at least `size` bytes (a multiple of the granule), or -1: full, try after a release. */
  allocate(size: number): number;
  /** Gives a whole region back, by the address that `allocate` returned. */
  release(address: number): void;
  readonly usedBytes: number;
  readonly capacityBytes: number;
  readonly allocateMaxBytes: number;
}

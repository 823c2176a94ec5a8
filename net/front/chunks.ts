/**
 * Counted pieces of a front's slab. A chunk is held by whoever still needs bytes in it: the connection that receives into
 * it, and each request whose frame lies there. The last one to let go gives the region back to the slab.
 *
 * Frames that came by the shared landing region and must outlive the read are packed one behind the other into a common
 * chunk, so a thousand connections with small produce requests need one chunk, not a thousand.
 *
 * Thread of the front. Addresses are byte positions in the slab's memory.
 */
import { assert } from '../../engine/base/assert.ts';
import { KIB } from '../../engine/base/limits.ts';
import type { SlabArena } from '../../engine/index.ts';

/** Size of the chunk that small frames are packed into; a larger frame gets a chunk of its own. */
const PACKING_CHUNK_BYTES = 128 * KIB;
/** The slab serves a region larger than this part of its ordinary bytes from the giant one. */
const ORDINARY_SHARE = 8;

export class Chunk {
  address = 0;
  /** First address behind the chunk. */
  end = 0;
  holders = 0;
}

export class ChunkPool {
  /** Where `pack` put the last frame. */
  packedAt = 0;
  readonly #slab: SlabArena;
  readonly #free: Chunk[] = [];
  #packing: Chunk | null = null;
  #packingAt = 0;

  constructor(slab: SlabArena) {
    this.#slab = slab;
  }

  /** The largest chunk there can ever be. */
  get chunkBytesMax(): number {
    return this.#slab.allocateMaxBytes;
  }

  get freeBytes(): number {
    return this.#slab.freeBytes;
  }

  /** A chunk of at least `size` bytes with one holder, or null: the slab is full, wait for its space. */
  take(size: number): Chunk | null {
    return this.#chunkAt(this.#slab.allocate(size), size);
  }

  /** The same from the region that exists once, for who must go on where ordinary room is all taken. */
  takeGiant(size: number): Chunk | null {
    const least = Math.max(size, this.#slab.ordinaryBytes / ORDINARY_SHARE + 1);
    return this.#chunkAt(this.#slab.allocate(least), size);
  }

  #chunkAt(address: number, size: number): Chunk | null {
    if (address < 0) return null;
    const chunk = this.#free.pop() ?? new Chunk();
    chunk.address = address;
    chunk.end = address + size;
    chunk.holders = 1;
    return chunk;
  }

  hold(chunk: Chunk): void {
    chunk.holders++;
  }

  release(chunk: Chunk): void {
    assert(chunk.holders > 0, 'chunk released more often than held');
    chunk.holders--;
    if (chunk.holders > 0) return;
    this.#slab.release(chunk.address);
    this.#free.push(chunk);
  }

  /**
   * Room for `size` bytes at `packedAt`, in a chunk that the caller now holds; null when the slab is full. The caller
   * copies its bytes there.
   */
  pack(size: number): Chunk | null {
    if (size > PACKING_CHUNK_BYTES / 2) {
      const own = this.take(size);
      if (own !== null) this.packedAt = own.address;
      return own;
    }
    let packing = this.#packing;
    if (packing !== null && packing.holders === 1) this.#packingAt = packing.address;
    if (packing === null || this.#packingAt + size > packing.end) {
      const fresh = this.take(PACKING_CHUNK_BYTES);
      if (fresh === null) return null;
      if (packing !== null) this.release(packing);
      this.#packing = packing = fresh;
      this.#packingAt = fresh.address;
    }
    this.packedAt = this.#packingAt;
    // Batches are read as 64-bit fields by the shard: the next frame starts on a word boundary.
    this.#packingAt = (this.#packingAt + size + 7) & ~7;
    packing.holders++;
    return packing;
  }

  /** Gives the packing chunk back. */
  close(): void {
    if (this.#packing !== null) this.release(this.#packing);
    this.#packing = null;
  }
}

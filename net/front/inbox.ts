/**
 * Cuts the bytes of one connection into frames, and decides where they land:
 *
 * - An idle connection, or one of small frames, reads into the landing region that all connections of the thread share.
 *   That is safe because a read is worked off before the next one: whole frames are handed on in place, a torn one moves on.
 * - A connection in the middle of a frame, or one that streams large frames, owns a chunk of the slab and reads straight
 *   into it, several frames a read. The chunk is exchanged when the next frame would not fit behind the last.
 * - A frame larger than such a chunk gets one of its own size, nothing behind the frame is read into it, and it is given
 *   up with the frame.
 *
 * When the slab has no room the inbox is starved: it keeps what it has (at most one landing region's worth on the heap),
 * and the owner stops reading until `resume`. So memory stays bounded whatever clients send. Nobody holds memory while he
 * waits for more of it, or all could wait for each other, with two exceptions that end by themselves: the room behind
 * frames that are being appended is free again when they are, and who needs a larger chunk in the middle of a frame may
 * have the giant region, one after the other.
 *
 * Node asks for the region of the next read right after each read. A region named while the inbox is stopped or starved is
 * always the landing region: what it owned then may have moved when the next bytes come, the landing region never does.
 *
 * Thread of the front.
 */
import { assert } from '../../engine/base/assert.ts';
import {
  LANDING_BYTES,
  RECEIVE_CHUNK_BYTES,
  STREAMING_FRAME_BYTES,
} from '../../engine/base/limits.ts';
import type { SharedMemory } from '../../engine/base/shared-memory.ts';
import type { Chunk, ChunkPool } from './chunks.ts';

/** What the sink did with a frame. */
export const Taken = {
  /** Handed on; go on with the next. */
  YES: 0,
  /** Handed on; keep the following ones until `resume`. */
  YES_AND_STOP: 1,
  /** Not handed on, for want of slab memory: offer it again on `resume`. */
  NO: 2,
} as const;
export type Taken = (typeof Taken)[keyof typeof Taken];

export interface FrameSink {
  /**
   * One frame without its size field lies at [at, end). `chunk` holds it; null: it lies in the landing region and is good
   * until the call returns.
   */
  onFrame(at: number, end: number, chunk: Chunk | null): Taken;
  /** The size field says what cannot be served. Nothing is handed on after it. */
  onBadFrameSize(size: number): void;
}

/** The landing region of one thread. */
export interface Landing {
  readonly address: number;
  readonly view: Uint8Array;
}

const SIZE_BYTES = 4;

export class Inbox {
  /** The sink asked to stop; `resume` ends it. */
  isStopped = false;
  /** The slab had no room; `resume` tries again. */
  isStarved = false;
  readonly #memory: SharedMemory;
  readonly #chunks: ChunkPool;
  readonly #landing: Landing;
  readonly #sink: FrameSink;
  readonly #frameBytesMax: number;
  #chunk: Chunk | null = null;
  /** First byte not handed on, and first byte not received. */
  #at = 0;
  #fill = 0;
  /** Whether the next read lands at #fill of the own chunk. */
  #isDirect = false;
  #isStreaming = false;
  /** Size, size field included, of the frame that begins at #at, as far as it is known; else of the last one. */
  #frameBytes = 0;
  /** Received bytes for which the slab had no room. */
  #spill: Uint8Array | null = null;
  #isClosed = false;

  constructor(options: {
    memory: SharedMemory;
    chunks: ChunkPool;
    landing: Landing;
    sink: FrameSink;
    frameBytesMax: number;
  }) {
    this.#memory = options.memory;
    this.#chunks = options.chunks;
    this.#landing = options.landing;
    this.#sink = options.sink;
    this.#frameBytesMax = options.frameBytesMax;
  }

  get canRead(): boolean {
    return !this.isStopped && !this.isStarved && !this.#isClosed;
  }

  /** Whether a frame has begun to arrive and is not whole. */
  get isMidFrame(): boolean {
    return this.#chunk !== null && this.#fill > this.#at;
  }

  /** Memory for the next read. */
  region(): Uint8Array {
    const chunk = this.#chunk;
    this.#isDirect = chunk !== null && this.canRead;
    if (!this.#isDirect) return this.#landing.view;
    const end = isOversize(chunk!) ? this.#at + this.#frameBytes : chunk!.end;
    assert(this.#fill < end, 'a region for the next read is never empty');
    return this.#memory.bytes.subarray(this.#fill, end);
  }

  /** `size` bytes lie at the start of the last region. */
  received(size: number): void {
    if (this.#isClosed) return;
    if (this.#isDirect) {
      this.#fill += size;
    } else if (this.#chunk === null) {
      this.#at = this.#landing.address;
      this.#fill = this.#at + size;
    } else if (!this.#append(size)) {
      return;
    }
    this.#cut();
  }

  /** After a stop or a starvation: goes on with what has been received. Look at `canRead` afterwards. */
  resume(): void {
    if (this.#isDirect || this.#isClosed) return;
    this.isStopped = false;
    this.isStarved = false;
    if (this.#spill !== null && !this.#unspill(this.#spill)) {
      this.isStarved = true;
      return;
    }
    if (this.#chunk !== null) this.#cut();
  }

  /** Gives up the chunk of a connection that is between frames. True: the region must be asked for again. */
  yieldIdleChunk(): boolean {
    const chunk = this.#chunk;
    if (chunk === null || this.#fill > this.#at || !this.#isDirect) return false;
    this.#chunks.release(chunk);
    this.#chunk = null;
    this.#isStreaming = false;
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#spill = null;
    if (this.#chunk !== null) this.#chunks.release(this.#chunk);
    this.#chunk = null;
  }

  #cut(): void {
    const view = this.#memory.view;
    while (this.#fill - this.#at >= SIZE_BYTES && !this.#isClosed) {
      const size = view.getInt32(this.#at);
      if (
        size < 0 ||
        size > this.#frameBytesMax ||
        size > this.#chunks.chunkBytesMax - SIZE_BYTES - LANDING_BYTES
      ) {
        this.#sink.onBadFrameSize(size);
        this.close();
        return;
      }
      const end = this.#at + SIZE_BYTES + size;
      this.#frameBytes = SIZE_BYTES + size;
      if (end > this.#fill) break;
      const taken = this.#sink.onFrame(this.#at + SIZE_BYTES, end, this.#chunk);
      if (taken === Taken.NO) {
        this.isStarved = true;
        break;
      }
      this.#at = end;
      this.#isStreaming = size >= STREAMING_FRAME_BYTES && size < RECEIVE_CHUNK_BYTES;
      if (taken === Taken.YES_AND_STOP) {
        this.isStopped = true;
        break;
      }
    }
    if (!this.#isClosed) this.#settle();
  }

  /** Sees to it that what is left lies where the next bytes can follow it. */
  #settle(): void {
    const left = this.#fill - this.#at;
    if (left === 0) {
      this.#rest();
      return;
    }
    const chunk = this.#chunk;
    // While it is stopped nothing follows, and the size of the frame that comes first is not looked at yet.
    const needed = left >= SIZE_BYTES && !this.isStopped ? this.#frameBytes : SIZE_BYTES;
    const wanted = Math.max(left + 1, needed);
    if (chunk !== null) {
      if (this.isStopped) return;
      const isDone = isOversize(chunk) && wanted <= RECEIVE_CHUNK_BYTES;
      if (this.#at + wanted <= chunk.end && !isDone) return;
    }
    const isMoved = chunk === null ? this.#leaveLanding(wanted, left) : this.#move(wanted);
    if (!isMoved) this.isStarved = true;
  }

  /** Nothing is left: decides where the next frame begins to arrive. */
  #rest(): void {
    const chunk = this.#chunk;
    if (chunk === null) {
      if (this.#isStreaming && !this.isStopped) this.#own(this.#chunks.take(RECEIVE_CHUNK_BYTES));
    } else if (!this.#isStreaming || isOversize(chunk)) {
      this.#disown(chunk);
    } else if (chunk.holders === 1) {
      // Nobody else needs it: start over, in memory that is still in the cache.
      this.#at = this.#fill = chunk.address;
    } else if (chunk.end - this.#fill < this.#frameBytes) {
      this.#disown(chunk);
      this.#own(this.#chunks.take(RECEIVE_CHUNK_BYTES));
    }
  }

  #leaveLanding(wanted: number, left: number): boolean {
    const from = this.#at;
    if (!this.#own(this.#chunks.take(chunkSizeFor(wanted)))) {
      this.#spillLeft();
      return false;
    }
    this.#memory.copy(this.#at, from, left);
    this.#fill = this.#at + left;
    return true;
  }

  /** Copies bytes that came to the landing region behind those in the own chunk. False: starved. */
  #append(size: number): boolean {
    const left = this.#fill - this.#at;
    if (this.#fill + size > this.#chunk!.end && !this.#move(left + size)) {
      const from = this.#landing.address;
      const landed = this.#memory.bytes.slice(from, from + size);
      this.#spill = this.#spill === null ? landed : joined(this.#spill, landed);
      this.isStarved = true;
      return false;
    }
    this.#memory.copy(this.#fill, this.#landing.address, size);
    this.#fill += size;
    return true;
  }

  #unspill(spill: Uint8Array): boolean {
    const left = this.#fill - this.#at;
    if (this.#chunk === null) {
      const frameBytes = spill.length >= SIZE_BYTES ? SIZE_BYTES + sizeAt(spill) : SIZE_BYTES;
      const known = frameBytes > SIZE_BYTES && frameBytes <= this.#frameBytesMax ? frameBytes : 0;
      const wanted = Math.max(spill.length + 1, known);
      if (!this.#own(this.#chunks.take(chunkSizeFor(wanted)))) return false;
    } else if (this.#fill + spill.length > this.#chunk.end && !this.#move(left + spill.length)) {
      return false;
    }
    this.#memory.bytes.set(spill, this.#fill);
    this.#fill += spill.length;
    this.#spill = null;
    return true;
  }

  /** Moves what is left to a place where `wanted` bytes fit from its first one on. False: no room, nothing has changed. */
  #move(wanted: number): boolean {
    const chunk = this.#chunk!;
    const left = this.#fill - this.#at;
    const from = this.#at;
    const size = chunkSizeFor(wanted);
    if (chunk.holders === 1 && size === chunk.end - chunk.address) {
      this.#at = chunk.address;
    } else {
      let next = this.#chunks.take(size);
      if (next === null && left > LANDING_BYTES && size > RECEIVE_CHUNK_BYTES) {
        next = this.#chunks.takeGiant(size);
      }
      if (next === null) {
        if (left <= LANDING_BYTES) this.#spillLeft();
        return false;
      }
      this.#at = next.address;
      this.#chunk = next;
    }
    this.#memory.copy(this.#at, from, left);
    this.#fill = this.#at + left;
    if (this.#chunk !== chunk) this.#chunks.release(chunk);
    return true;
  }

  /** Keeps the few bytes that are left on the heap, and no slab memory. */
  #spillLeft(): void {
    this.#spill = this.#memory.bytes.slice(this.#at, this.#fill);
    this.#at = this.#fill = 0;
    if (this.#chunk !== null) this.#disown(this.#chunk);
  }

  #own(chunk: Chunk | null): boolean {
    if (chunk === null) return false;
    this.#chunk = chunk;
    this.#at = this.#fill = chunk.address;
    return true;
  }

  #disown(chunk: Chunk): void {
    this.#chunks.release(chunk);
    this.#chunk = null;
  }
}

/** Behind an oversize frame there is room for what may have come to the landing region with its end. */
function chunkSizeFor(wanted: number): number {
  if (wanted <= LANDING_BYTES) return LANDING_BYTES;
  return wanted <= RECEIVE_CHUNK_BYTES ? RECEIVE_CHUNK_BYTES : wanted + LANDING_BYTES;
}

/** Whether a chunk was made for one large frame. */
function isOversize(chunk: Chunk): boolean {
  return chunk.end - chunk.address > RECEIVE_CHUNK_BYTES;
}

function sizeAt(bytes: Uint8Array): number {
  return (bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

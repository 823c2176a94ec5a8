/** Frames out of any cut of a byte stream, whatever the slab, the sink and the sockets do in between. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KIB, LANDING_BYTES, MIB, SLAB_GRANULE_BYTES } from '../../engine/base/limits.ts';
import { SharedMemory } from '../../engine/base/shared-memory.ts';
import { SlabArena } from '../../engine/ring/slab-arena.ts';
import { type Chunk, ChunkPool } from './chunks.ts';
import { type FrameSink, Inbox, type Landing, Taken } from './inbox.ts';

const FRAME_BYTES_MAX = MIB;

/** A frame that is held: its bytes must stay as they are until it is let go. */
interface Held {
  readonly chunk: Chunk;
  readonly at: number;
  readonly expected: Buffer;
}

/** The memory that the connections of one thread share. */
class Slab {
  readonly memory: SharedMemory;
  readonly slab: SlabArena;
  readonly chunks: ChunkPool;
  readonly landing: Landing;

  constructor(granules: number) {
    const giantBytes = 2 * MIB;
    this.slab = new SlabArena({ ordinaryBytes: granules * SLAB_GRANULE_BYTES, giantBytes });
    this.memory = SharedMemory.create(this.slab.capacityBytes);
    this.chunks = new ChunkPool(this.slab);
    const address = this.slab.allocate(LANDING_BYTES);
    const view = this.memory.bytes.subarray(address, address + LANDING_BYTES);
    this.landing = { address, view };
  }
}

class Bench implements FrameSink {
  readonly memory: SharedMemory;
  readonly slab: SlabArena;
  readonly chunks: ChunkPool;
  readonly inbox: Inbox;
  readonly frames: Buffer[] = [];
  readonly held: Held[] = [];
  readonly badSizes: number[] = [];
  /** What the sink says next; the last one stays. */
  script: ('take' | 'hold' | 'stop')[] = ['take'];

  constructor(shared: Slab | number) {
    const slab = typeof shared === 'number' ? new Slab(shared) : shared;
    this.memory = slab.memory;
    this.slab = slab.slab;
    this.chunks = slab.chunks;
    this.inbox = new Inbox({
      memory: slab.memory,
      chunks: slab.chunks,
      landing: slab.landing,
      sink: this,
      frameBytesMax: FRAME_BYTES_MAX,
    });
  }

  onFrame(at: number, end: number, chunk: Chunk | null): Taken {
    const verdict = this.script.length > 1 ? this.script.shift()! : this.script[0]!;
    const bytes = Buffer.from(this.memory.bytes.slice(at, end));
    if (verdict !== 'take') {
      const place = this.#hold(at, end, chunk);
      if (place === null) return Taken.NO;
      this.held.push({ ...place, expected: bytes });
    }
    this.frames.push(bytes);
    return verdict === 'stop' ? Taken.YES_AND_STOP : Taken.YES;
  }

  #hold(at: number, end: number, chunk: Chunk | null) {
    if (chunk !== null) {
      this.chunks.hold(chunk);
      return { chunk, at };
    }
    const packed = this.chunks.pack(end - at);
    if (packed === null) return null;
    this.memory.copy(this.chunks.packedAt, at, end - at);
    return { chunk: packed, at: this.chunks.packedAt };
  }

  onBadFrameSize(size: number): void {
    this.badSizes.push(size);
  }

  /** Lets the oldest held frame go, after a look at its bytes. */
  letGo(): void {
    const held = this.held.shift();
    if (held === undefined) return;
    const { at, expected } = held;
    expect(Buffer.from(this.memory.bytes.slice(at, at + expected.length)).equals(expected)).toBe(
      true,
    );
    this.chunks.release(held.chunk);
  }

  /** Receives all of `bytes`, at most so many at once, in turn. */
  feed(bytes: Buffer, pieces: readonly number[]): void {
    let region = this.inbox.region();
    let at = 0;
    for (let turn = 0; at < bytes.length; turn++) {
      this.goOn();
      const wanted = pieces[turn % pieces.length]!;
      const size = Math.min(wanted, region.length, bytes.length - at);
      region.set(bytes.subarray(at, at + size));
      at += size;
      this.inbox.received(size);
      region = this.inbox.region();
    }
    this.goOn();
  }

  /** Lets frames go until the inbox can read again. With none held it must be able to. */
  goOn(): void {
    for (let turn = 0; !this.inbox.canRead; turn++) {
      if (turn > 200) expect.unreachable('the inbox waits for what nobody holds');
      this.letGo();
      this.inbox.resume();
    }
  }

  end(): void {
    while (this.held.length > 0) this.letGo();
    this.inbox.close();
    this.chunks.close();
  }
}

function frameOf(size: number, seed: number): Buffer {
  const frame = Buffer.alloc(4 + size);
  frame.writeInt32BE(size);
  for (let at = 4; at < frame.length; at++) frame[at] = (at * 31 + seed) & 0xff;
  return frame;
}

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 90 * KIB }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 700 * KIB }) },
);
const pieces = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 400 * KIB })),
  { minLength: 1, maxLength: 12 },
);
const verdicts = fc.array(fc.constantFrom('take' as const, 'hold' as const, 'stop' as const), {
  minLength: 1,
  maxLength: 40,
});

describe('inbox', () => {
  test('frames arrive whole and in order, however they are cut and however short memory is', () => {
    fc.assert(
      fc.property(
        fc.array(sizes, { minLength: 1, maxLength: 25 }),
        pieces,
        verdicts,
        fc.integer({ min: 40, max: 60 }),
        (frameSizes, cuts, script, granules) => {
          const bench = new Bench(granules);
          bench.script = [...script, 'take'];
          const frames = frameSizes.map(frameOf);
          bench.feed(Buffer.concat(frames), cuts);
          expect(bench.frames.length).toBe(frames.length);
          for (const [index, frame] of frames.entries()) {
            expect(bench.frames[index]!.equals(frame.subarray(4))).toBe(true);
          }
          bench.end();
          // The landing region alone is left.
          expect(bench.slab.usedBytes).toBe(LANDING_BYTES);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('connections that share too little memory never wait for each other for good', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(sizes, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 8 }),
        pieces,
        (streams, cuts) => {
          const shared = new Slab(40);
          const connections = streams.map((frameSizes) => {
            const bench = new Bench(shared);
            bench.script = ['hold'];
            const bytes = Buffer.concat(frameSizes.map(frameOf));
            return { bench, bytes, at: 0, region: bench.inbox.region() };
          });
          for (let turn = 0; ; turn++) {
            let hasMoved = false;
            for (const connection of connections) {
              const { bench, bytes } = connection;
              if (bench.inbox.isStarved) bench.inbox.resume();
              if (!bench.inbox.canRead || connection.at === bytes.length) continue;
              const { region } = connection;
              const left = bytes.length - connection.at;
              const size = Math.min(cuts[turn % cuts.length]!, region.length, left);
              region.set(bytes.subarray(connection.at, connection.at + size));
              connection.at += size;
              bench.inbox.received(size);
              connection.region = bench.inbox.region();
              hasMoved = true;
            }
            if (hasMoved) continue;
            const holder = connections.find(({ bench }) => bench.held.length > 0);
            if (holder === undefined) break;
            holder.bench.letGo();
          }
          for (const { bench, bytes, at } of connections) {
            expect(at).toBe(bytes.length);
            expect(bench.inbox.isStarved).toBe(false);
            bench.inbox.close();
          }
          shared.chunks.close();
          expect(shared.slab.usedBytes).toBe(LANDING_BYTES);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('small frames that come whole need no slab memory', () => {
    const bench = new Bench(40);
    bench.feed(Buffer.concat([frameOf(100, 1), frameOf(200, 2)]), [1000]);
    expect(bench.frames.length).toBe(2);
    expect(bench.slab.usedBytes).toBe(LANDING_BYTES);
  });

  test('a connection of large frames reads several of them into its own chunk, without the landing region', () => {
    const bench = new Bench(40);
    const frames = Array.from({ length: 9 }, (_, index) => frameOf(64 * KIB, index));
    bench.feed(Buffer.concat(frames), [MIB]);
    expect(bench.frames.length).toBe(9);
    expect(bench.inbox.region().buffer).toBe(bench.memory.bytes.buffer);
    expect(bench.inbox.region().length).toBeGreaterThan(64 * KIB);
    expect(bench.inbox.yieldIdleChunk()).toBe(true);
    expect(bench.slab.usedBytes).toBe(LANDING_BYTES);
  });

  test('a size that is negative or too large is refused, and nothing after it is handed on', () => {
    for (const size of [-1, -2147483648, FRAME_BYTES_MAX + 1, 0x7fffffff]) {
      const bench = new Bench(40);
      const bad = Buffer.alloc(4);
      bad.writeInt32BE(size);
      const region = bench.inbox.region();
      const bytes = Buffer.concat([frameOf(10, 1), bad, frameOf(10, 2)]);
      region.set(bytes);
      bench.inbox.received(bytes.length);
      expect(bench.badSizes).toEqual([size]);
      expect(bench.frames.length).toBe(1);
      expect(bench.inbox.canRead).toBe(false);
      expect(bench.slab.usedBytes).toBe(LANDING_BYTES);
    }
  });

  test('what arrives in pieces of one byte is kept together', () => {
    const bench = new Bench(40);
    bench.feed(Buffer.concat([frameOf(3, 1), frameOf(0, 2), frameOf(70, 3)]), [1]);
    expect(bench.frames.map((frame) => frame.length)).toEqual([3, 0, 70]);
    expect(bench.inbox.isMidFrame).toBe(false);
  });
});

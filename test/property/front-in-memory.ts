/**
 * What tests of answers on their way out share: a connection whose socket is a model of the kernel's, which takes as many
 * bytes as it has room for and the rest when its reader has made more, and a front that turns when it is told to.
 */

import type net from 'node:net';
import { Duplex } from 'node:stream';
import { KIB, LANDING_BYTES, MIB, SLAB_GRANULE_BYTES } from '../../engine/base/limits.ts';
import { SharedMemory } from '../../engine/base/shared-memory.ts';
import { SlabArena } from '../../engine/ring/slab-arena.ts';
import { ChunkPool } from '../../net/front/chunks.ts';
import { Connection, type ConnectionHost } from '../../net/front/connection.ts';
import type { Landing } from '../../net/front/inbox.ts';
import { OutputPool } from '../../net/front/output.ts';
import type { Request } from '../../net/front/request.ts';
import { Turns } from '../../net/front/turns.ts';

interface Written {
  readonly chunk: Buffer;
  taken: number;
}

export class ModelSocket extends Duplex {
  /** Size of every write, and the memory it came from. */
  readonly writes: { readonly size: number; readonly memory: ArrayBufferLike }[] = [];
  readonly #taken: Buffer[] = [];
  #room: number;
  #waiting: Written[] = [];
  #done: (() => void) | null = null;

  constructor(room: number) {
    super({ autoDestroy: true });
    this.#room = room;
  }

  /** The reader takes what the kernel holds, which makes room for `size` bytes more. */
  drain(size: number): void {
    this.#room += size;
    this.#take();
    if (this.#waiting.length > 0 || this.#done === null) return;
    const done = this.#done;
    this.#done = null;
    done();
  }

  /** All that the kernel has taken since the last call. */
  received(): Buffer {
    return Buffer.concat(this.#taken.splice(0));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#put([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    const all = chunks.map(({ chunk }) => chunk);
    this.#put(all, done);
  }

  #put(chunks: readonly Buffer[], done: () => void): void {
    this.writes.push({
      size: chunks.reduce((sum, { length }) => sum + length, 0),
      memory: chunks.at(-1)!.buffer,
    });
    this.#waiting = chunks.map((chunk) => ({ chunk, taken: 0 }));
    this.#take();
    if (this.#waiting.length === 0) done();
    else this.#done = done;
  }

  /** Copies only now: until then the memory must stay as it was. */
  #take(): void {
    while (this.#waiting.length > 0 && this.#room > 0) {
      const first = this.#waiting[0]!;
      const size = Math.min(this.#room, first.chunk.length - first.taken);
      this.#taken.push(Buffer.from(first.chunk.subarray(first.taken, first.taken + size)));
      this.#room -= size;
      first.taken += size;
      if (first.taken === first.chunk.length) this.#waiting.shift();
    }
  }
}

export class ModelFront implements ConnectionHost {
  readonly memory: SharedMemory;
  readonly chunks: ChunkPool;
  readonly outputs: OutputPool;
  readonly landing: Landing;
  readonly frameBytesMax = MIB;
  readonly pipelineMax = 64;
  freeAppends = 64;
  readonly started: Request[] = [];
  #isTurnWanted = false;
  readonly #turns = new Turns<Connection>(() => {
    this.#isTurnWanted = true;
  });

  constructor(outputs = new OutputPool()) {
    const slab = new SlabArena({ ordinaryBytes: 32 * SLAB_GRANULE_BYTES, giantBytes: 2 * MIB });
    this.memory = SharedMemory.create(slab.capacityBytes);
    this.chunks = new ChunkPool(slab);
    this.outputs = outputs;
    const address = slab.allocate(LANDING_BYTES);
    const view = this.memory.bytes.subarray(address, address + LANDING_BYTES);
    this.landing = { address, view };
  }

  /** A connection whose kernel has room for so many bytes at first. */
  connect(room: number = 256 * KIB): { connection: Connection; socket: ModelSocket } {
    const socket = new ModelSocket(room);
    const connection = new Connection(socket as unknown as net.Socket, 'PLAINTEXT', this);
    return { connection, socket };
  }

  /** The connection receives this frame; returns its request, if it was started. */
  receive(connection: Connection, frame: Uint8Array): Request | undefined {
    this.started.length = 0;
    connection.region().set(frame);
    connection.received(frame.length);
    return this.started[0];
  }

  /** Advances whoever was touched, once, and who has large answers until nobody can send more. */
  async turn(): Promise<void> {
    // Callbacks of writes, and reads on the thread pool, come between turns.
    await new Promise((resolve) => setImmediate(resolve));
    this.#turns.advanceTouched();
    do {
      this.#isTurnWanted = false;
      this.#turns.advanceDeferred();
    } while (this.#isTurnWanted);
    await new Promise((resolve) => setImmediate(resolve));
  }

  now(): number {
    return 0;
  }

  start(request: Request): void {
    this.started.push(request);
  }

  touch(connection: Connection): void {
    this.#turns.touch(connection);
  }

  defer(connection: Connection): void {
    this.#turns.defer(connection);
  }

  starve(): void {}
  gone(): void {}
  warn(): void {}
}

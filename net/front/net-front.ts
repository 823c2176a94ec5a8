/**
 * A front: the connections of one thread, and what they share. It works in turns. In a turn sockets are read and requests
 * started; at its end the engine is woken once for all that was submitted, and every connection with something to say
 * writes once, large answers last (turns.ts). Completions and advances from the shards make a turn of their own.
 *
 * Runs on a net thread or on the main thread; everything in it belongs to that one thread.
 */
import type net from 'node:net';
import type { ImageDelta, MetadataImage } from '../../cluster/metadata-image.ts';
import { systemClock } from '../../engine/base/clock.ts';
import { LANDING_BYTES } from '../../engine/base/limits.ts';
import type { SharedMemory } from '../../engine/base/shared-memory.ts';
import type { EngineClient } from '../../engine/index.ts';
import type { ControlChannel, Log } from '../control-channel.ts';
import { DataPlane } from '../handlers/data-plane.ts';
import { WireError } from '../wire/wire-error.ts';
import { ChunkPool } from './chunks.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import type { FrontSettings } from './front-settings.ts';
import type { Landing } from './inbox.ts';
import { LimitedLog } from './limited-log.ts';
import { OutputPool } from './output.ts';
import type { Request } from './request.ts';
import type { FrontServices } from './services.ts';
import { Turns } from './turns.ts';

export interface NetFrontOptions {
  readonly engine: EngineClient;
  readonly image: MetadataImage;
  readonly control: ControlChannel;
  readonly settings: FrontSettings;
  readonly log: Log;
  /** Told when a connection has ended, with the peer's address. */
  readonly onGone: (address: string) => void;
}

/** How often at most idle connections are looked for. */
const IDLE_CHECK_MS_MIN = 10;
const IDLE_CHECK_MS_MAX = 60_000;
/** While the slab is full, a connection that stalls in the middle of a frame for so long is ended: others need its chunk. */
const STALLED_FRAME_MS = 10_000;

export class NetFront implements ConnectionHost, FrontServices {
  readonly engine: EngineClient;
  readonly image: MetadataImage;
  readonly control: ControlChannel;
  settings: FrontSettings;
  readonly memory: SharedMemory;
  readonly chunks: ChunkPool;
  readonly outputs = new OutputPool();
  readonly landing: Landing;
  readonly #data: DataPlane;
  readonly #log: LimitedLog;
  readonly #onGone: (address: string) => void;
  readonly #connections = new Set<Connection>();
  /** Connections that the slab had no room for, in the order in which they are served. */
  readonly #starved = new Set<Connection>();
  readonly #turns = new Turns<Connection>(() => this.#scheduleTurn());
  #hasSubmitted = false;
  #isTurnScheduled = false;
  #idleTimer: NodeJS.Timeout | null = null;
  #stallTimer: NodeJS.Timeout | null = null;
  #onEmpty: (() => void) | null = null;
  readonly #endTurn = () => {
    this.#isTurnScheduled = false;
    this.#finishTurn();
  };

  constructor(options: NetFrontOptions) {
    this.engine = options.engine;
    this.image = options.image;
    this.control = options.control;
    this.settings = options.settings;
    this.#log = new LimitedLog(options.log);
    this.#onGone = options.onGone;
    this.memory = this.engine.memory;
    this.chunks = new ChunkPool(this.engine.slab);
    const landing = this.engine.slab.allocate(LANDING_BYTES);
    this.landing = {
      address: landing,
      view: this.memory.bytes.subarray(landing, landing + LANDING_BYTES),
    };
    this.#data = new DataPlane(this, this.outputs);
    this.engine.onCompletion = this.#data.onCompletion;
    this.engine.onAdvance = this.#data.onAdvance;
    this.engine.onSpace = () => this.#onSpace();
    this.engine.onDrained = () => this.#finishTurn();
  }

  get frameBytesMax(): number {
    return this.settings.socketRequestMaxBytes;
  }

  get pipelineMax(): number {
    return this.settings.pipelineMax;
  }

  get freeAppends(): number {
    return this.engine.freeAppends;
  }

  now(): number {
    return systemClock.monotonic();
  }

  /** Takes an accepted, paused socket over. */
  adopt(socket: net.Socket, listener: string): void {
    const connection = new Connection(socket, listener, this);
    this.#connections.add(connection);
    if (this.#starved.size > 0) {
      connection.pause();
      this.#starved.add(connection);
    }
    this.#watchIdle();
  }

  /** The image has just changed by this delta. After it returns every request sees it. */
  onImage(delta: ImageDelta): void {
    this.#data.onImage(delta);
  }

  /** Waits until what was asked before is answered, at most `graceMs`, then ends all connections. */
  async close(graceMs: number): Promise<void> {
    for (const connection of this.#connections) connection.pause();
    this.#data.expireWaits();
    await this.#untilQuiet(graceMs);
    if (this.#connections.size > 0) {
      const empty = new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
      for (const connection of this.#connections) connection.destroy();
      await empty;
    }
    this.#data.close();
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    if (this.#stallTimer !== null) clearTimeout(this.#stallTimer);
    this.chunks.close();
  }

  async #untilQuiet(graceMs: number): Promise<void> {
    const until = this.now() + graceMs;
    while (this.now() < until) {
      let isQuiet = this.engine.outstanding === 0;
      for (const connection of this.#connections) {
        if (connection.requests > 0 || connection.socket.writableLength > 0) isQuiet = false;
      }
      if (isQuiet) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  // ConnectionHost and FrontServices

  start(request: Request): void {
    const connection = request.connection!;
    try {
      this.#data.start(request);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.warn(connection, `malformed request, API ${request.apiKey}: ${error.message}`);
      connection.destroy();
      connection.complete(request, null);
    }
  }

  touch(connection: Connection): void {
    this.#turns.touch(connection);
  }

  defer(connection: Connection): void {
    this.#turns.defer(connection);
  }

  submitted(): void {
    this.#hasSubmitted = true;
    this.#scheduleTurn();
  }

  warn(connection: Connection, reason: string): void {
    this.#log.warn(`${connection.peer}: ${reason}; the connection is closed`);
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection);
    this.#turns.forget(connection);
    this.#starved.delete(connection);
    this.#onGone(connection.address);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  /**
   * Nobody reads while somebody is starved: what the others would read could have to be kept on the heap. First, idle
   * connections give up the chunks that they keep for their next large frame.
   */
  starve(connection: Connection): void {
    if (this.#starved.size === 0) {
      for (const other of this.#connections) {
        if (other === connection) continue;
        other.yieldIdleChunk();
        // In the middle of a frame it has a place for the rest; to wait for it is the way to get the chunk back.
        if (other.isMidFrame) continue;
        other.pause();
        this.#starved.add(other);
      }
      this.#stallTimer ??= setTimeout(() => this.#endStalled(), STALLED_FRAME_MS);
    }
    this.#starved.delete(connection);
    // The one that has bytes waiting goes first.
    const others = [...this.#starved];
    this.#starved.clear();
    this.#starved.add(connection);
    for (const other of others) this.#starved.add(other);
    // It may be that what was just given up is enough.
    this.#scheduleTurn();
  }

  // Turns

  #scheduleTurn(): void {
    if (this.#isTurnScheduled) return;
    this.#isTurnScheduled = true;
    setImmediate(this.#endTurn);
  }

  #finishTurn(): void {
    this.#ring();
    this.#turns.advanceTouched();
    this.#ring();
    this.#turns.advanceDeferred();
    if (this.#starved.size > 0) this.#serveStarved();
  }

  #ring(): void {
    if (!this.#hasSubmitted) return;
    this.#hasSubmitted = false;
    this.engine.ring();
  }

  #onSpace(): void {
    this.#data.onSpace();
    if (this.#starved.size > 0) this.#serveStarved();
  }

  #serveStarved(): void {
    for (const connection of this.#starved) {
      this.#starved.delete(connection);
      if (!connection.resume()) {
        const rest = [...this.#starved];
        this.#starved.clear();
        this.#starved.add(connection);
        for (const other of rest) this.#starved.add(other);
        return;
      }
    }
    if (this.#stallTimer !== null) clearTimeout(this.#stallTimer);
    this.#stallTimer = null;
  }

  #endStalled(): void {
    this.#stallTimer = null;
    if (this.#starved.size === 0) return;
    const now = this.now();
    for (const connection of this.#connections) {
      if (!connection.isMidFrame || this.#starved.has(connection)) continue;
      if (now - connection.lastActiveMs < STALLED_FRAME_MS) continue;
      this.warn(connection, 'it stalls in the middle of a request while memory is short');
      connection.destroy();
    }
    this.#stallTimer = setTimeout(() => this.#endStalled(), STALLED_FRAME_MS);
  }

  // Idle connections

  #watchIdle(): void {
    const idleMs = this.settings.connectionsMaxIdleMs;
    if (this.#idleTimer !== null || !Number.isFinite(idleMs)) return;
    const everyMs = Math.min(IDLE_CHECK_MS_MAX, Math.max(IDLE_CHECK_MS_MIN, idleMs / 10));
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = null;
      this.#endIdle(idleMs);
      if (this.#connections.size > 0) this.#watchIdle();
    }, everyMs);
    this.#idleTimer.unref();
  }

  #endIdle(idleMs: number): void {
    const before = this.now() - idleMs;
    for (const connection of this.#connections) {
      if (connection.lastActiveMs < before && connection.requests === 0) connection.destroy();
    }
  }
}

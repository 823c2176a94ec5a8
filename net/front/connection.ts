/**
 * One client connection: frames in, answers out, in the order of the requests.
 *
 * A request starts when all earlier ones of its connection have finished, except that a Produce may start while only
 * Produces are outstanding: their order per partition is kept by the engine, and a client may have any number in flight.
 * Answers that are ready at the end of a turn leave together in one write. Large ones leave piece by piece, at most one a
 * turn, and the next only when the kernel has taken all that was sent before: so the pieces share one buffer, and a slow
 * reader holds one. The connection stops reading while too many requests wait, while a large answer waits or too many bytes
 * of small ones are unsent, or while the slab has no room: memory stays bounded and nothing is dropped. Too many are also
 * those that take more of the slab, or of the places for appends, than is left for everybody else: however many clients send
 * to where it goes slowly, there is room for one more who does not.
 *
 * When the peer goes away, Produces that were read are still carried out (with acks=0 the client has no other word than
 * the sending), everything else is given up.
 *
 * Thread of the front.
 */
import type net from 'node:net';
import { assert } from '../../engine/base/assert.ts';
import { KIB, UNSENT_BYTES_MAX } from '../../engine/base/limits.ts';
import type { SharedMemory } from '../../engine/base/shared-memory.ts';
import { readRequestHead } from '../wire/hot/request-head.ts';
import { ApiKey, isServed } from '../wire/versions.ts';
import { WireError } from '../wire/wire-error.ts';
import type { Chunk, ChunkPool } from './chunks.ts';
import { type FrameSink, Inbox, type Landing, Taken } from './inbox.ts';
import { type Intake, openIntake, type Receiver } from './intake.ts';
import {
  Fill,
  type OutputBuffer,
  type OutputPool,
  type Response,
  SMALL_BUFFER_BYTES,
} from './output.ts';
import { Request, RequestState } from './request.ts';

/** What a connection needs of the front it lives in. */
export interface ConnectionHost {
  readonly memory: SharedMemory;
  readonly chunks: ChunkPool;
  readonly outputs: OutputPool;
  readonly landing: Landing;
  readonly frameBytesMax: number;
  readonly pipelineMax: number;
  /** Appends that there is still a place for. */
  readonly freeAppends: number;
  now(): number;
  /** Carries out a request; `Connection.complete` is called for it, now or later. */
  start(request: Request): void;
  /** `advance` is to be called before the turn ends. */
  touch(connection: Connection): void;
  /** `advance` is to be called when it may send a piece of a large answer. */
  defer(connection: Connection): void;
  /** The slab had no room: `resume` is to be called when it has. */
  starve(connection: Connection): void;
  /** The socket is closed. */
  gone(connection: Connection): void;
  warn(connection: Connection, reason: string): void;
}

/** Answers up to this size share a buffer with the ones before them rather than take another. */
const SHARED_BUFFER_ROOM = 2 * KIB;

/** A connection that stopped reading goes on when it has come down to this part of its bounds. */
const RESUME_SHARE = 0.5;

const freeRequests: Request[] = [];

export class Connection implements FrameSink, Receiver {
  readonly socket: net.Socket;
  readonly listener: string;
  /** The peer's address, and with its port. */
  readonly address: string;
  readonly peer: string;
  isClosed = false;
  /** In the front's list of connections to advance. */
  isTouched = false;
  lastActiveMs: number;
  /** For handlers that keep something per connection. */
  fetchState: object | null = null;
  readonly #host: ConnectionHost;
  readonly #intake: Intake;
  readonly #inbox: Inbox;
  // The requests, oldest first: those up to #nextToStart are running or answered, the others wait.
  #head: Request | null = null;
  #tail: Request | null = null;
  #nextToStart: Request | null = null;
  #requests = 0;
  /** Bytes of the frames that lie in chunks. */
  #heldBytes = 0;
  #running = 0;
  #runningOthers = 0;
  #isOutputFull = false;
  /** `resume` left it as it was. */
  #isParked = false;
  #writesDone = 0;
  readonly #inFlight: OutputBuffer[] = [];
  readonly #onWritten = (error?: Error | null) => this.#written(error);

  constructor(accepted: net.Socket, listener: string, host: ConnectionHost) {
    this.#host = host;
    this.listener = listener;
    this.address = (accepted.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.peer = `${this.address}:${accepted.remotePort}`;
    this.lastActiveMs = host.now();
    this.#inbox = new Inbox({
      memory: host.memory,
      chunks: host.chunks,
      landing: host.landing,
      sink: this,
      frameBytesMax: host.frameBytesMax,
    });
    this.#intake = openIntake(accepted, this);
    this.socket = this.#intake.socket;
    // A reset by the peer is how clients often say goodbye; 'close' follows and is all that matters.
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#closed());
  }

  /** Requests read and not yet answered to the last byte. */
  get requests(): number {
    return this.#requests;
  }

  /** Whether the client is on this machine: it comes from the address that it went to. */
  get isLocal(): boolean {
    const { remoteAddress, localAddress } = this.socket;
    return remoteAddress !== undefined && remoteAddress === localAddress;
  }

  /** Ends the connection; what it asked for before and cannot be told any more is given up. */
  destroy(): void {
    this.socket.destroy();
  }

  // Receiving

  region(): Uint8Array {
    return this.#inbox.region();
  }

  received(size: number): boolean {
    this.lastActiveMs = this.#host.now();
    this.#inbox.received(size);
    if (this.#inbox.isStarved) this.#host.starve(this);
    return this.mayRead;
  }

  /**
   * Goes on reading, if nothing stands against it. False: the slab still has no room. What has its share already waits for
   * answers of its own, not for room.
   */
  resume(): boolean {
    if (this.isClosed) return true;
    this.#isParked = !this.#mayTake(1);
    if (this.#isParked) return true;
    this.#inbox.resume();
    if (this.mayRead) this.#intake.resume();
    return !this.#inbox.isStarved;
  }

  /** Stops reading until `resume`; for the front, when the slab is full. */
  pause(): void {
    if (!this.isClosed) this.#intake.pause();
  }

  /** Gives up slab memory that an idle connection keeps for its next large frame. */
  yieldIdleChunk(): void {
    if (this.#inbox.yieldIdleChunk()) this.#intake.retarget();
  }

  get isMidFrame(): boolean {
    return this.#inbox.isMidFrame;
  }

  /** Nothing stands against reading more. */
  get mayRead(): boolean {
    return this.#inbox.canRead && !this.#isOutputFull && !this.isClosed;
  }

  onBadFrameSize(size: number): void {
    this.#host.warn(this, `frame of ${size} bytes, at most ${this.#host.frameBytesMax} are taken`);
    this.destroy();
  }

  onFrame(at: number, end: number, chunk: Chunk | null): Taken {
    if (this.isClosed) return Taken.YES_AND_STOP;
    const request = freeRequests.pop() ?? new Request();
    if (!readHeader(request, this.#host.memory, at, end)) {
      freeRequests.push(request);
      this.#host.warn(this, 'malformed request header');
      this.destroy();
      return Taken.YES_AND_STOP;
    }
    const { apiKey, apiVersion } = request;
    if (!isServed(apiKey, apiVersion) && apiKey !== ApiKey.ApiVersions) {
      freeRequests.push(request);
      this.#host.warn(this, `request of unknown API ${apiKey} version ${apiVersion}`);
      this.destroy();
      return Taken.YES_AND_STOP;
    }
    const isProduce = apiKey === ApiKey.Produce;
    const canStart =
      this.#nextToStart === null && (isProduce ? this.#runningOthers === 0 : this.#running === 0);
    if (chunk !== null) {
      this.#host.chunks.hold(chunk);
    } else if (isProduce || !canStart) {
      chunk = this.#keep(request);
      if (chunk === null) {
        freeRequests.push(request);
        return Taken.NO;
      }
    }
    request.chunk = chunk;
    if (chunk !== null) this.#heldBytes += request.end - request.at;
    request.connection = this;
    request.state = RequestState.WAITING;
    this.#append(request);
    if (canStart) this.#start(request);
    else this.#nextToStart ??= request;
    return this.#mayTake(1) && !this.isClosed ? Taken.YES : Taken.YES_AND_STOP;
  }

  /** Whether one more request may be read, while no more than `share` of what may wait does. */
  #mayTake(share: number): boolean {
    const { pipelineMax, freeAppends, chunks } = this.#host;
    const requestsMax = Math.max(1, Math.min(pipelineMax, freeAppends));
    return this.#requests < requestsMax * share && this.#heldBytes <= chunks.freeBytes * share;
  }

  /** Copies a frame out of the landing region. Null: no room. */
  #keep(request: Request): Chunk | null {
    const { chunks, memory } = this.#host;
    const size = request.end - request.at;
    const chunk = chunks.pack(size);
    if (chunk === null) return null;
    const to = chunks.packedAt;
    memory.copy(to, request.at, size);
    request.bodyAt += to - request.at;
    request.clientIdAt += to - request.at;
    request.at = to;
    request.end = to + size;
    return chunk;
  }

  // The queue

  #append(request: Request): void {
    request.next = null;
    if (this.#tail === null) this.#head = request;
    else this.#tail.next = request;
    this.#tail = request;
    this.#requests++;
  }

  #start(request: Request): void {
    request.state = RequestState.RUNNING;
    this.#running++;
    if (request.apiKey !== ApiKey.Produce) this.#runningOthers++;
    this.#host.start(request);
  }

  #startMore(): void {
    for (;;) {
      const request = this.#nextToStart;
      if (request === null || this.#isOutputFull) return;
      if (request.apiKey === ApiKey.Produce ? this.#runningOthers > 0 : this.#running > 0) return;
      this.#nextToStart = request.next;
      if (this.isClosed && request.apiKey !== ApiKey.Produce) this.#answered(request, null);
      else this.#start(request);
    }
  }

  /** The bytes of a request's frame are not needed any more. */
  letGo(request: Request): void {
    if (request.chunk === null) return;
    this.#host.chunks.release(request.chunk);
    request.chunk = null;
    this.#heldBytes -= request.end - request.at;
  }

  /** A running request has its answer; null when none is sent. It leaves when its turn comes. */
  complete(request: Request, response: Response | null): void {
    assert(request.state === RequestState.RUNNING, 'a request is answered once');
    this.#running--;
    if (request.apiKey !== ApiKey.Produce) this.#runningOthers--;
    this.#answered(request, response);
    this.#host.touch(this);
  }

  #answered(request: Request, response: Response | null): void {
    request.state = RequestState.ANSWERED;
    request.response = response;
    request.work = null;
  }

  /** A response that waited for its bytes has them, or `complete` was called: goes on at the end of the turn. */
  wake(): void {
    this.#host.touch(this);
  }

  /**
   * Starts what may start, sends what is ready. Called once a turn for connections that were touched, and with `mayBeLarge`
   * when it has its turn with a large answer.
   */
  advance(mayBeLarge: boolean): void {
    this.#startMore();
    if (this.isClosed) this.#discard();
    else this.#flush(mayBeLarge);
    const isWaiting = this.#inbox.isStopped || this.#isParked;
    if (isWaiting && this.#mayTake(RESUME_SHARE) && !this.resume()) this.#host.starve(this);
  }

  #dropHead(): void {
    const request = this.#head!;
    this.#head = request.next;
    if (this.#head === null) this.#tail = null;
    this.#requests--;
    this.letGo(request);
    request.response?.dispose();
    request.response = null;
    request.connection = null;
    request.next = null;
    request.state = RequestState.FREE;
    freeRequests.push(request);
  }

  // Sending

  #flush(mayBeLarge: boolean): void {
    const { outputs } = this.#host;
    let isTurnOver = !mayBeLarge;
    let out: OutputBuffer | null = null;
    for (let head = this.#head; head !== null; head = this.#head) {
      if (head.state !== RequestState.ANSWERED) break;
      const response = head.response;
      if (response === null) {
        this.#dropHead();
        continue;
      }
      if (this.#mustWait(response)) {
        this.#isOutputFull = true;
        break;
      }
      if (response.sizeHint > SMALL_BUFFER_BYTES) {
        if (isTurnOver) {
          this.#host.defer(this);
          break;
        }
        isTurnOver = true;
      }
      if (out !== null && out.room < SHARED_BUFFER_ROOM) {
        this.#send(out);
        out = null;
      }
      const staged = response.takeStaged?.() ?? null;
      if (staged !== null) {
        if (out !== null) this.#send(out);
        out = staged;
      }
      out ??= outputs.take(response.sizeHint);
      const filled = response.fill(out);
      if (filled === Fill.DONE) {
        this.#dropHead();
      } else if (filled === Fill.MORE) {
        if (out.size > 0) this.#send(out);
        else outputs.release(out);
        out = null;
      } else if (filled === Fill.WAIT) {
        break;
      } else {
        outputs.release(out);
        this.destroy();
        return;
      }
    }
    if (out !== null) {
      if (out.size > 0) this.#send(out);
      else outputs.release(out);
    }
  }

  /** Whether the kernel is to take more before anything of this answer is made. */
  #mustWait(response: Response): boolean {
    const unsent = this.socket.writableLength;
    if (unsent === 0) return false;
    return unsent >= UNSENT_BYTES_MAX || response.sizeHint > SMALL_BUFFER_BYTES;
  }

  #send(out: OutputBuffer): void {
    const { socket } = this;
    socket.write(filledPart(out), this.#onWritten);
    // Taken by the kernel at once, as nearly always: the buffer is free again, and its callback finds a mark instead.
    if (socket.writableLength === 0) {
      this.#writesDone++;
      this.#host.outputs.release(out);
    } else {
      this.#inFlight.push(out);
    }
  }

  #written(error?: Error | null): void {
    if (this.#writesDone > 0) {
      this.#writesDone--;
      return;
    }
    if (error) return;
    const out = this.#inFlight.shift();
    if (out !== undefined) this.#host.outputs.release(out);
    if (this.isClosed || this.socket.writableLength >= UNSENT_BYTES_MAX) return;
    if (this.#isOutputFull) {
      this.#isOutputFull = false;
      this.#host.touch(this);
      if (this.mayRead) this.#intake.resume();
    } else if (this.#head !== null) {
      this.#host.touch(this);
    }
  }

  // The end

  #closed(): void {
    this.isClosed = true;
    this.#inbox.close();
    // The handle is closed: the kernel will not read from these any more.
    for (const out of this.#inFlight) this.#host.outputs.release(out);
    this.#inFlight.length = 0;
    for (let request = this.#head; request !== null; request = request.next) {
      if (request.state === RequestState.RUNNING) request.work?.abort();
    }
    this.#isOutputFull = false;
    this.#host.touch(this);
    this.#host.gone(this);
  }

  /** After the end: nothing is sent, finished requests are dropped wherever they stand behind the oldest. */
  #discard(): void {
    while (this.#head !== null && this.#head.state === RequestState.ANSWERED) this.#dropHead();
  }
}

function filledPart(out: OutputBuffer): Buffer {
  return out.size === out.bytes.length ? out.bytes : out.bytes.subarray(0, out.size);
}

/** Fills in what the header says. False: malformed. */
function readHeader(request: Request, memory: SharedMemory, at: number, end: number): boolean {
  request.at = at;
  request.end = end;
  try {
    readRequestHead(memory, at, end, request);
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

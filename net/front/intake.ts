/**
 * Where a socket's bytes land: straight in memory of the owner's choice, region by region, without a copy or a garbage
 * buffer per read. Node offers this (`onread`) for outgoing sockets only; for an accepted one its handle is moved into a
 * socket built with `onread`. That touches one private field, `_handle`, and nothing else in this program does. Where the
 * handle does not look as expected, bytes come by 'data' events and are copied into the regions: slower, otherwise the same.
 *
 * Thread of the front that owns the connection.
 */
import net from 'node:net';

/** The owner's side. Called in turn: region, received, region, received, ... */
export interface Receiver {
  /** Memory for the next read, never empty. Asked right after each read, long before the next one. */
  region(): Uint8Array;
  /** `size` bytes lie at the start of the last region. False: stop reading until `resume`. */
  received(size: number): boolean;
}

/** A connected socket whose bytes go to a receiver. Reading starts at once. */
export interface Intake {
  /** For writing, ending and events; never read from it. */
  readonly socket: net.Socket;
  /** No `received` runs until `resume`. */
  pause(): void;
  /** Goes on; the region asked for last is used still, unless `retarget` named another. */
  resume(): void;
  /** The next read lands in the receiver's `region()` as it is now. Dear: only where a region must be given up. */
  retarget(): void;
}

/** The few members of a TCP handle that are used here. */
interface Handle {
  reading: boolean;
  readStart(): number;
  readStop(): number;
  useUserBuffer(region: Uint8Array): void;
}

/** Takes an accepted, paused socket over. The passed object is dead afterwards. */
export function openIntake(accepted: net.Socket, receiver: Receiver): Intake {
  const handle = detachHandle(accepted);
  return handle === null
    ? new CopyingIntake(accepted, receiver)
    : new DirectIntake(handle, receiver);
}

function isHandle(handle: unknown): handle is Handle {
  const candidate = handle as Partial<Record<keyof Handle, unknown>> | null | undefined;
  return (
    typeof candidate?.useUserBuffer === 'function' &&
    typeof candidate.readStart === 'function' &&
    typeof candidate.readStop === 'function'
  );
}

function detachHandle(accepted: net.Socket): Handle | null {
  const owner = accepted as unknown as { _handle: unknown };
  const handle = owner._handle;
  if (!isHandle(handle)) return null;
  owner._handle = null;
  // Without its handle the wrapper only gives back its place in the server's count of connections.
  accepted.destroy();
  return handle;
}

class DirectIntake implements Intake {
  readonly socket: net.Socket;
  readonly #handle: Handle;
  readonly #receiver: Receiver;

  constructor(handle: Handle, receiver: Receiver) {
    this.#handle = handle;
    this.#receiver = receiver;
    const options = {
      handle,
      onread: {
        // Declared as one buffer or a function giving the first; Node asks it again after every read.
        buffer: () => receiver.region(),
        callback: (size: number) => receiver.received(size),
      },
    };
    this.socket = new net.Socket(options as unknown as net.SocketConstructorOpts);
    this.resume();
  }

  pause(): void {
    this.#handle.reading = false;
    if (!this.socket.destroyed) this.#handle.readStop();
  }

  resume(): void {
    if (this.#handle.reading || this.socket.destroyed) return;
    this.#handle.reading = true;
    this.#handle.readStart();
  }

  retarget(): void {
    if (!this.socket.destroyed) this.#handle.useUserBuffer(this.#receiver.region());
  }
}

class CopyingIntake implements Intake {
  readonly socket: net.Socket;
  readonly #receiver: Receiver;
  #region: Uint8Array;
  #rest: Uint8Array | null = null;
  #isPaused = false;

  constructor(socket: net.Socket, receiver: Receiver) {
    this.socket = socket;
    this.#receiver = receiver;
    this.#region = receiver.region();
    socket.on('data', (bytes: Buffer) => this.#deliver(bytes));
    socket.resume();
  }

  #deliver(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#isPaused) {
        this.#rest = bytes.subarray(at);
        return;
      }
      const size = Math.min(bytes.length - at, this.#region.length);
      this.#region.set(bytes.subarray(at, at + size));
      at += size;
      if (!this.#receiver.received(size)) this.pause();
      if (this.socket.destroyed) return;
      this.#region = this.#receiver.region();
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.socket.destroyed) return;
    this.#isPaused = false;
    const rest = this.#rest;
    this.#rest = null;
    if (rest !== null) this.#deliver(rest);
    if (!this.#isPaused && !this.socket.destroyed) this.socket.resume();
  }

  retarget(): void {
    this.#region = this.#receiver.region();
  }
}

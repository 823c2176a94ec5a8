/**
 * Appends that somebody awaits: copies each batch into the slab, waits for room where there is none, turns completions into
 * promises. The convenient face of a client for embedding; a network front submits from its own slab regions instead.
 *
 * Tokens are negative here, so that the caller's own, which are not, never meet them. On the client's thread.
 */

import { assert } from '../base/assert.ts';
import { MillraceError } from '../base/errors.ts';
import { SLAB_FULL } from '../ring/slab-arena.ts';
import type { AppendOutcome, EngineClient } from './engine-api.ts';

interface Pending {
  readonly address: number;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: Error) => void;
}

interface Waiting {
  readonly slot: number;
  readonly batch: Uint8Array;
  readonly flags: number;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: Error) => void;
}

const TOKEN_MIN = -0x7fffffff;
const KEEP_ALIVE_MS = 0x7fffffff;

export class AwaitedAppends {
  readonly #client: EngineClient;
  readonly #pending = new Map<number, Pending>();
  #waiting: Waiting[] = [];
  #nextToken = -1;
  #isClosed = false;
  #keepAlive: NodeJS.Timeout | null = null;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  append(slot: number, batch: Uint8Array, flags: number): Promise<AppendOutcome> {
    return new Promise((resolve, reject) => {
      const size = batch.length;
      const sizeMax = this.#client.slab.allocateMaxBytes;
      if (this.#isClosed) {
        reject(closedError());
      } else if (size > sizeMax) {
        const message = `batch of ${size} bytes, at most ${sizeMax}`;
        reject(new MillraceError('batch-too-large', message, { size, sizeMax }));
      } else {
        const append = { slot, batch, flags, resolve, reject };
        // Behind those that wait: appends to one partition keep their order.
        if (this.#waiting.length > 0 || !this.#submit(append)) this.#waiting.push(append);
        this.#setAlive();
      }
    });
  }

  /** There is room again in slab or ring. */
  retry(): void {
    let done = 0;
    while (done < this.#waiting.length && this.#submit(this.#waiting[done]!)) done++;
    if (done > 0) this.#waiting = this.#waiting.slice(done);
  }

  settle(token: number, outcome: AppendOutcome): void {
    const pending = this.#pending.get(token);
    assert(pending !== undefined, 'client: completion of an unknown append');
    this.#pending.delete(token);
    this.#client.slab.release(pending.address);
    this.#setAlive();
    pending.resolve(outcome);
  }

  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#pending.values()) reject(closedError());
    for (const { reject } of this.#waiting) reject(closedError());
    this.#pending.clear();
    this.#waiting = [];
    this.#setAlive();
  }

  /** False: no room now. */
  #submit({ slot, batch, flags, resolve, reject }: Waiting): boolean {
    const { slab, memory } = this.#client;
    const address = slab.allocate(batch.length);
    if (address === SLAB_FULL) return false;
    memory.bytes.set(batch, address);
    const token = this.#nextToken;
    if (!this.#client.submit(slot, address, batch.length, token, flags)) {
      slab.release(address);
      return false;
    }
    this.#nextToken = token === TOKEN_MIN ? -1 : token - 1;
    this.#pending.set(token, { address, resolve, reject });
    this.#client.ring();
    return true;
  }

  /** A waiting doorbell does not keep the process alive, as a socket would; what somebody awaits must. */
  #setAlive(): void {
    const isWanted = this.#pending.size > 0 || this.#waiting.length > 0;
    if (isWanted && this.#keepAlive === null) {
      this.#keepAlive = setInterval(() => undefined, KEEP_ALIVE_MS);
    } else if (!isWanted && this.#keepAlive !== null) {
      clearInterval(this.#keepAlive);
      this.#keepAlive = null;
    }
  }
}

function closedError(): MillraceError {
  return new MillraceError('closed', 'the engine client was closed', null);
}

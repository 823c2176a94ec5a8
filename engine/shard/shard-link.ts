/**
 * One shard as a client sees it: the two rings, the doorbell, the lock, and the credits that keep a shard from ever waiting
 * for a client. At most SUBMIT_RING_RECORDS - 1 appends of a client are under way in one shard (one record is kept for the
 * goodbye), so their completions always fit the completion ring, which is twice as large; advance notices use only the other
 * half, and when that is full a flag tells the client to look at every partition it watches.
 *
 * On the client's thread.
 */

import type { MessagePort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import {
  DIRECT_SMALL_BATCH_BYTES,
  DIRECT_SMALL_BATCHES_MAX,
  DIRECT_TURN_BYTES_MAX,
  SUBMIT_RING_RECORDS,
} from '../base/limits.ts';
import { Doorbell } from '../ring/doorbell.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { RING_FULL, RingWriter } from '../ring/ring-writer.ts';
import {
  SUBMIT_AT,
  SUBMIT_FLAGS,
  SUBMIT_GOODBYE,
  SUBMIT_SIZE,
  SUBMIT_SLOT,
  SUBMIT_TOKEN,
} from './append-records.ts';
import { ShardLock } from './shard-lock.ts';
import {
  completionRing,
  rescanWord,
  ShardStat,
  shardDoorbellWord,
  shardLockWord,
  shardStatWord,
  submissionRing,
} from './shared-state.ts';

/** An append of this turn of the event loop that the client may do itself. */
export interface HeldAppend {
  slot: number;
  at: number;
  size: number;
  token: number;
}

export class ShardLink {
  readonly shard: number;
  readonly completions: RingReader;
  readonly doorbell: Doorbell;
  readonly lock: ShardLock;
  /** Carries what does not fit a completion, in the order of the completions that speak of it. */
  readonly port: MessagePort;
  /** Submitted to the ring, and the completion's place in the other ring not yet given back. */
  outstanding = 0;
  /** Something was submitted since the doorbell was last rung. */
  hasNews = false;
  readonly held: HeldAppend[] = [];
  heldCount = 0;
  #heldBytes = 0;
  #heldSmall = 0;
  readonly #submissions: RingWriter;
  readonly #rings: Int32Array;
  readonly #control: Int32Array;
  readonly #rescan: number;

  constructor(shard: number, parts: { rings: Int32Array; control: Int32Array; port: MessagePort }) {
    const { rings, control, port } = parts;
    this.shard = shard;
    this.#submissions = new RingWriter(submissionRing(rings, shard));
    this.completions = new RingReader(completionRing(rings, shard));
    this.doorbell = new Doorbell(control, shardDoorbellWord(shard));
    this.lock = new ShardLock(control, shardLockWord(shard));
    this.port = port;
    this.#rings = rings;
    this.#control = control;
    this.#rescan = rescanWord(shard);
  }

  /** Puts an append into the ring; false: no credit left. */
  submit(slot: number, at: number, size: number, token: number, flags: number): boolean {
    if (this.outstanding >= SUBMIT_RING_RECORDS - 1) return false;
    const record = this.#submissions.tryClaim();
    // With credits left the shard has taken out all but `outstanding` records.
    assert(record !== RING_FULL, 'client: submission ring full in spite of credits');
    const words = this.#rings;
    words[record + SUBMIT_SLOT] = slot;
    words[record + SUBMIT_AT] = at;
    words[record + SUBMIT_SIZE] = size;
    words[record + SUBMIT_TOKEN] = token;
    words[record + SUBMIT_FLAGS] = flags;
    this.#submissions.commit();
    this.outstanding++;
    this.hasNews = true;
    return true;
  }

  /** Whether this thread may do one more append of this size in this turn. */
  mayHold(size: number): boolean {
    return (
      this.outstanding === 0 &&
      this.#heldBytes + size <= DIRECT_TURN_BYTES_MAX &&
      (size >= DIRECT_SMALL_BATCH_BYTES || this.#heldSmall < DIRECT_SMALL_BATCHES_MAX)
    );
  }

  hold(slot: number, at: number, size: number, token: number): void {
    if (this.heldCount === this.held.length) this.held.push({ slot: 0, at: 0, size: 0, token: 0 });
    const held = this.held[this.heldCount++]!;
    held.slot = slot;
    held.at = at;
    held.size = size;
    held.token = token;
    this.#heldBytes += size;
    if (size < DIRECT_SMALL_BATCH_BYTES) this.#heldSmall++;
    this.hasNews = true;
  }

  /** Puts the held appends from `first` on into the ring. There is room: nothing else was under way. */
  submitHeld(first: number): void {
    const { held, heldCount } = this;
    this.heldCount = 0;
    this.#heldBytes = 0;
    this.#heldSmall = 0;
    for (let i = first; i < heldCount; i++) {
      const { slot, at, size, token } = held[i]!;
      this.submit(slot, at, size, token, 0);
    }
  }

  /** Whether the shard has said something: the sleeper's second look. */
  hasRecords(): boolean {
    return this.completions.hasRecords() || Atomics.load(this.#rings, this.#rescan) !== 0;
  }

  /** Whether advance notices were lost since the last call. */
  takeRescan(): boolean {
    // Cleared before the partitions are looked at: an overflow in between sets it again. Partner: Shard's store.
    if (Atomics.load(this.#rings, this.#rescan) === 0) return false;
    Atomics.store(this.#rings, this.#rescan, 0);
    return true;
  }

  countDirect(count: number): void {
    Atomics.add(this.#control, shardStatWord(this.shard, ShardStat.DIRECT), count);
  }

  /** The last record: the shard forgets this client behind it. */
  close(): void {
    const record = this.#submissions.tryClaim();
    assert(record !== RING_FULL, 'client: no room for the goodbye');
    this.#rings[record + SUBMIT_SLOT] = SUBMIT_GOODBYE;
    this.#submissions.commit();
    this.doorbell.ring();
    this.port.close();
  }
}

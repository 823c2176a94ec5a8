/**
 * The record batches of one partition on their way to its leader: one open, some sealed, some in flight. It
 * decides what may be sent next, keeps their order, and gives an idempotent producer's batches their sequences.
 *
 * Order is kept by one rule: after a batch failed in a way that a retry may cure, nothing more is sent until
 * all others in flight have been answered; then the failed ones go out again first, in their old order and
 * with their old sequences. A batch that failed for good leaves a gap in the sequences, so the partition goes
 * on under a newer producer epoch, which starts at sequence 0 (a broker tracks epochs per partition).
 *
 * A leader takes any first sequence from a producer that it does not know. If two batches were on their way and
 * the first got lost, it would take the second, and the first could never be put before it. So under a new
 * identity there is one batch in flight until the leader has answered it. And it remembers the last five batches:
 * none is sent that would make it forget one whose fate is not known.
 *
 * One thread; no clock, no socket.
 */

import { assert } from '../engine/base/assert.ts';
import { NO_SEQUENCE } from '../engine/format/batch.ts';
import { compareBatches, type PendingBatch, type ProducerIdentity } from './pending-batch.ts';

const SEQUENCE_MASK = 0x7fffffff;

/** So many batches of a producer does a leader remember, to recognize a repeated one (KIP-98). */
const REMEMBERED_BATCHES = 5;

export class BatchQueue {
  readonly topic: string;
  readonly partition: number;
  /** Records are appended to this one; null until there is something to append. */
  open: PendingBatch | null = null;
  /** Nothing is sent before this moment (monotonic ms). */
  resumeAtMs = 0;
  /** Rounds of failures since a batch was last appended. */
  failedRounds = 0;
  /** The broker that the batches in flight went to. */
  sentTo = -1;
  /** A gap in the sequences: nothing is sent until `renew`. */
  needsRenewal = false;
  readonly #sealed: PendingBatch[] = [];
  readonly #inFlight: PendingBatch[] = [];
  readonly #retries: PendingBatch[] = [];
  #isRecovering = false;
  #identity: ProducerIdentity | null = null;
  #nextSequence = 0;
  /** Counts the batches that were given a sequence. */
  #nextIndex = 0;
  /** Whether the leader has taken a batch under this identity. */
  #isIntroduced = false;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Null while the producer is not idempotent. */
  get identity(): ProducerIdentity | null {
    return this.#identity;
  }

  /** Whether there is nothing to send now or later. Batches in flight may still come back. */
  get isEmpty(): boolean {
    return this.open === null && !this.hasSealed;
  }

  /** Whether a closed batch waits to be sent. */
  get hasSealed(): boolean {
    return this.#sealed.length > 0 || this.#retries.length > 0;
  }

  get inFlightCount(): number {
    return this.#inFlight.length;
  }

  /** Whether `take` could give a batch once `resumeAtMs` is past. */
  get isReady(): boolean {
    if (this.#isRecovering || this.needsRenewal || !this.hasSealed) return false;
    if (this.#identity === null || this.#inFlight.length === 0) return true;
    return this.#isIntroduced && this.#isInWindow();
  }

  /** Whether the leader would still remember the oldest batch without an answer after taking the next one. */
  #isInWindow(): boolean {
    const next = this.#retries[0];
    const index = next === undefined ? this.#nextIndex : next.sequenceIndex;
    let oldest = index;
    for (const batch of this.#inFlight) oldest = Math.min(oldest, batch.sequenceIndex);
    return index - oldest < REMEMBERED_BATCHES;
  }

  /** Closes the open batch, if there is one, so that it can be sent. */
  seal(): void {
    if (this.open === null) return;
    this.#sealed.push(this.open);
    this.open = null;
  }

  /** The next batch to send, from now on in flight, with its sequence set; null when none may be sent. */
  take(nowMs: number): PendingBatch | null {
    if (nowMs < this.resumeAtMs || !this.isReady) return null;
    const batch = this.#retries.shift() ?? this.#sealed.shift()!;
    if (this.#identity !== null && batch.baseSequence === NO_SEQUENCE) {
      const { recordCount } = batch;
      batch.baseSequence = this.#nextSequence;
      batch.sequenceIndex = this.#nextIndex++;
      const count = recordCount > 0 ? recordCount : batch.builder.recordCount;
      this.#nextSequence = (this.#nextSequence + count) & SEQUENCE_MASK;
    }
    batch.attempts++;
    this.#inFlight.push(batch);
    return batch;
  }

  /** Whether every earlier batch is done, so that an answer "out of order" is not explained by one of them. */
  isHead(batch: PendingBatch): boolean {
    const isEarlier = (other: PendingBatch): boolean => compareBatches(other, batch) < 0;
    return !this.#inFlight.some(isEarlier) && !this.#retries.some(isEarlier);
  }

  /** The batch in flight was appended. */
  succeeded(batch: PendingBatch): void {
    this.#land(batch);
    this.#isIntroduced = true;
    this.failedRounds = 0;
  }

  /** The batch in flight failed for good. */
  failed(batch: PendingBatch): void {
    this.#land(batch);
    this.#leaveGap(batch);
  }

  /** The batch in flight goes out again, not before `resumeAtMs`. */
  postpone(batch: PendingBatch, resumeAtMs: number): void {
    if (!this.#isRecovering) this.failedRounds++;
    this.#isRecovering = true;
    this.#retry([batch]);
    this.#land(batch);
    this.resumeAtMs = Math.max(this.resumeAtMs, resumeAtMs);
  }

  /** The batch in flight goes out again in parts, which start with new sequences. */
  replace(batch: PendingBatch, parts: readonly PendingBatch[]): void {
    this.#isRecovering = true;
    this.#retry(parts);
    this.#land(batch);
    this.#leaveGap(batch);
  }

  /** Goes on under another identity; possible when nothing is in flight. Waiting batches get new sequences. */
  renew(identity: ProducerIdentity | null): void {
    assert(this.#inFlight.length === 0, 'batch queue: batches in flight keep their identity');
    this.#identity = identity;
    this.needsRenewal = false;
    this.#nextSequence = 0;
    this.#isIntroduced = false;
    for (const batch of this.#retries) batch.baseSequence = NO_SEQUENCE;
  }

  /** Takes out the batches created before `createdBeforeMs` that are not in flight. */
  expire(createdBeforeMs: number): PendingBatch[] {
    const isOld = (batch: PendingBatch): boolean => batch.createdMs < createdBeforeMs;
    const expired = [...this.#retries, ...this.#sealed].filter(isOld);
    if (this.open !== null && isOld(this.open)) {
      expired.push(this.open);
      this.open = null;
    }
    for (const batch of expired) {
      drop(this.#retries, batch);
      drop(this.#sealed, batch);
      // An attempt may have been appended unseen: what follows must not be taken for it.
      this.#leaveGap(batch);
    }
    return expired;
  }

  #land(batch: PendingBatch): void {
    assert(drop(this.#inFlight, batch), 'batch queue: the batch is not in flight');
    if (this.#inFlight.length === 0) this.#isRecovering = false;
  }

  #retry(batches: readonly PendingBatch[]): void {
    this.#retries.push(...batches);
    this.#retries.sort(compareBatches);
  }

  #leaveGap(batch: PendingBatch): void {
    if (batch.baseSequence !== NO_SEQUENCE) this.needsRenewal = true;
  }
}

function drop(list: PendingBatch[], batch: PendingBatch): boolean {
  const index = list.indexOf(batch);
  if (index >= 0) list.splice(index, 1);
  return index >= 0;
}

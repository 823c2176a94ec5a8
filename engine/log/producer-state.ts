/**
 * What a partition remembers of idempotent producers: epoch and the last five batches of each, so that a batch
 * sent again is answered with the offsets it got the first time, and a gap or a stale epoch is refused
 * (Kafka's ProducerStateManager, ProducerStateEntry, ProducerAppendInfo).
 *
 * Five, because a producer may have five requests in flight. An append that has not been written yet is kept
 * apart (`begin`, then `commit` piece by piece): when the write fails nothing has to be undone.
 *
 * The log's thread. Snapshots are Kafka's `.snapshot` files; behind Kafka's part ours carry the four earlier
 * batches of each producer, which Kafka skips (docs/format.md, section "Producer snapshot").
 */

import { ErrorCode } from '../base/error-codes.ts';
import { INT32_MAX } from '../base/limits.ts';
import {
  batchAttributes,
  batchBaseOffset,
  batchBaseSequence,
  batchLastOffsetDelta,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  isControl,
  isTransactional,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
} from '../format/batch.ts';
import type { AppendPiece } from './append.ts';

/** Batches remembered per producer: the most requests that an idempotent producer may have in flight. */
export const BATCHES_REMEMBERED = 5;

export interface ProducerSummary {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  /** -1: no open transaction. */
  readonly currentTxnStartOffset: number;
}

/** One remembered batch: four numbers in `ProducerEntry.batches`. */
export const BATCH_NUMBERS = 4;
const LAST_SEQUENCE = 0;
const LAST_OFFSET = 1;
const OFFSET_DELTA = 2;
const TIMESTAMP = 3;

export class ProducerEntry {
  readonly producerId: number;
  producerEpoch = NO_PRODUCER_EPOCH;
  coordinatorEpoch = -1;
  currentTxnFirstOffset = -1;
  lastTimestamp = -1;
  /** When the producer was last heard of, by the broker's clock: event times may lie years off. */
  lastHeardMs: number;
  /** Oldest first, four numbers each, five at most. */
  batches: number[] = [];
  /** The append under way that has pieces of this producer, and the last such piece. */
  append = -1;
  lastPiece = -1;

  constructor(producerId: number, nowMs: number) {
    this.producerId = producerId;
    this.lastHeardMs = nowMs;
  }

  get lastSequence(): number {
    const { batches } = this;
    return batches.length === 0 ? NO_SEQUENCE : batches[batches.length - BATCH_NUMBERS]!;
  }

  remember(lastSequence: number, lastOffset: number, offsetDelta: number, timestamp: number): void {
    const { batches } = this;
    if (batches.length === BATCHES_REMEMBERED * BATCH_NUMBERS) {
      batches.copyWithin(0, BATCH_NUMBERS);
      batches.length -= BATCH_NUMBERS;
    }
    batches.push(lastSequence, lastOffset, offsetDelta, timestamp);
  }
}

/** The sequence `delta` after `sequence`: int32 that wraps to 0. */
export function sequenceAfter(sequence: number, delta: number): number {
  const sum = sequence + delta;
  return sum > INT32_MAX ? sum - INT32_MAX - 1 : sum;
}

/** What `ProducerState.check` says of a duplicate, overwritten by each. */
export const duplicate = {
  /** Piece of the same append that it repeats, or -1: an earlier append. */
  piece: -1,
  baseOffset: -1,
  timestamp: -1,
};

export type ProducerVerdict = 'new' | 'duplicate' | 'refused';

export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>();
  /** First offsets of open transactions; absent as long as nobody uses transactions. */
  #openTransactions: Map<number, number> | null = null;
  #append = 0;
  /** Why, when `check` says 'refused'. */
  errorCode: number = ErrorCode.NONE;

  get size(): number {
    return this.#entries.size;
  }

  /** Starts an append: pieces checked from now on see each other, and earlier ones that were not committed are forgotten. */
  begin(): void {
    this.#append++;
  }

  /**
   * Whether piece `index` of the append may follow what is known of its producer. The piece's batch fields
   * (`producerId` and so on) are filled in; for 'new' it counts as appended for the pieces after it.
   */
  check(pieces: readonly AppendPiece[], index: number, nowMs: number): ProducerVerdict {
    const piece = pieces[index]!;
    const entry = this.#entryFor(piece.producerId, nowMs);
    const isInAppend = entry.append === this.#append;
    const previous = isInAppend ? entry.lastPiece : -1;
    if (!isControl(piece.attributes)) {
      const epoch = previous >= 0 ? pieces[previous]!.producerEpoch : entry.producerEpoch;
      if (epoch === piece.producerEpoch && this.#isDuplicate(entry, pieces, previous, piece)) {
        return 'duplicate';
      }
      if (piece.producerEpoch < epoch) return this.#refuseEpoch();
      const last = previous >= 0 ? pieces[previous]!.lastSequence : entry.lastSequence;
      if (!this.#isInSequence(piece, epoch, last)) return 'refused';
    } else if (piece.producerEpoch < entry.producerEpoch) {
      return this.#refuseEpoch();
    }
    piece.previousOfProducer = previous;
    entry.append = this.#append;
    entry.lastPiece = index;
    return 'new';
  }

  /** Counts the batch at `at` in, whose offsets are assigned: it was written, or read in recovery. */
  apply(view: DataView, at: number, nowMs: number): void {
    const producerId = batchProducerId(view, at);
    if (producerId === NO_PRODUCER_ID) return;
    const entry = this.#entryFor(producerId, nowMs);
    const epoch = batchProducerEpoch(view, at);
    const attributes = batchAttributes(view, at);
    const timestamp = batchMaxTimestamp(view, at);
    const baseOffset = batchBaseOffset(view, at);
    if (epoch > entry.producerEpoch) {
      entry.producerEpoch = epoch;
      entry.batches.length = 0;
    }
    entry.lastTimestamp = timestamp;
    entry.lastHeardMs = nowMs;
    if (isControl(attributes)) {
      this.#endTransaction(entry);
      return;
    }
    const delta = batchLastOffsetDelta(view, at);
    const lastSequence = sequenceAfter(batchBaseSequence(view, at), delta);
    entry.remember(lastSequence, baseOffset + delta, delta, timestamp);
    if (isTransactional(attributes) && entry.currentTxnFirstOffset < 0) {
      entry.currentTxnFirstOffset = baseOffset;
      this.#openTransactions ??= new Map();
      this.#openTransactions.set(producerId, baseOffset);
    }
  }

  /** First offset of the earliest open transaction; Infinity without one. */
  get firstUndecidedOffset(): number {
    if (this.#openTransactions === null) return Number.POSITIVE_INFINITY;
    let first = Number.POSITIVE_INFINITY;
    for (const offset of this.#openTransactions.values()) if (offset < first) first = offset;
    return first;
  }

  /** Forgets producers that were not heard of for `expirationMs` and have no open transaction. */
  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, entry] of this.#entries) {
      if (entry.currentTxnFirstOffset < 0 && nowMs - entry.lastHeardMs >= expirationMs) {
        this.#entries.delete(producerId);
      }
    }
  }

  /** Forgets a tenth, those unheard of longest, when there are more than `max`. */
  bound(max: number): void {
    if (this.#entries.size <= max) return;
    const idle = [...this.#entries.values()].filter((entry) => entry.currentTxnFirstOffset < 0);
    idle.sort((a, b) => a.lastHeardMs - b.lastHeardMs);
    const surplus = this.#entries.size - Math.floor(max * 0.9);
    for (const entry of idle.slice(0, surplus)) this.#entries.delete(entry.producerId);
  }

  /** Everything known, for a snapshot. */
  entries(): ProducerEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.producerEpoch !== NO_PRODUCER_EPOCH);
  }

  /** Takes an entry of a snapshot. */
  load(entry: ProducerEntry): void {
    this.#entries.set(entry.producerId, entry);
    if (entry.currentTxnFirstOffset >= 0) {
      this.#openTransactions ??= new Map();
      this.#openTransactions.set(entry.producerId, entry.currentTxnFirstOffset);
    }
  }

  summaries(): ProducerSummary[] {
    return this.entries().map((entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: entry.lastSequence,
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.currentTxnFirstOffset,
    }));
  }

  #entryFor(producerId: number, nowMs: number): ProducerEntry {
    let entry = this.#entries.get(producerId);
    if (entry === undefined) {
      entry = new ProducerEntry(producerId, nowMs);
      this.#entries.set(producerId, entry);
    }
    return entry;
  }

  /** Looks for the same sequences, first in this append, then among the remembered batches. */
  #isDuplicate(
    entry: ProducerEntry,
    pieces: readonly AppendPiece[],
    previous: number,
    piece: AppendPiece,
  ): boolean {
    const { lastSequence, baseSequence } = piece;
    let isSameEpoch = true;
    for (let at = previous; at >= 0; at = pieces[at]!.previousOfProducer) {
      const other = pieces[at]!;
      isSameEpoch = other.producerEpoch === piece.producerEpoch;
      if (!isSameEpoch) break;
      if (other.lastSequence === lastSequence && other.baseSequence === baseSequence) {
        duplicate.piece = at;
        duplicate.baseOffset = other.baseOffset;
        duplicate.timestamp = other.maxTimestamp;
        return true;
      }
    }
    if (!isSameEpoch || entry.producerEpoch !== piece.producerEpoch) return false;
    const { batches } = entry;
    for (let at = 0; at < batches.length; at += BATCH_NUMBERS) {
      const offsetDelta = batches[at + OFFSET_DELTA]!;
      if (batches[at + LAST_SEQUENCE] !== lastSequence) continue;
      if (sequenceAfter(baseSequence, offsetDelta) !== lastSequence) continue;
      duplicate.piece = -1;
      duplicate.baseOffset = batches[at + LAST_OFFSET]! - offsetDelta;
      duplicate.timestamp = batches[at + TIMESTAMP]!;
      return true;
    }
    return false;
  }

  #isInSequence(piece: AppendPiece, epoch: number, lastSequence: number): boolean {
    const { baseSequence, producerEpoch } = piece;
    // Nothing known, or only a marker of a transaction: any sequence is as good as another.
    if (epoch === NO_PRODUCER_EPOCH) return true;
    if (producerEpoch !== epoch) {
      if (baseSequence === 0) return true;
      this.errorCode = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
      return false;
    }
    if (lastSequence === NO_SEQUENCE) {
      if (baseSequence === 0) return true;
    } else if (baseSequence === sequenceAfter(lastSequence, 1)) return true;
    this.errorCode = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
    return false;
  }

  #refuseEpoch(): 'refused' {
    this.errorCode = ErrorCode.INVALID_PRODUCER_EPOCH;
    return 'refused';
  }

  #endTransaction(entry: ProducerEntry): void {
    entry.currentTxnFirstOffset = -1;
    this.#openTransactions?.delete(entry.producerId);
    if (this.#openTransactions?.size === 0) this.#openTransactions = null;
  }
}

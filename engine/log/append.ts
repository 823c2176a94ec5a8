/**
 * One piece of an append: a record batch that lies in memory somewhere, and what became of it. Pieces are made
 * once and reused: an append allocates nothing.
 *
 * The bytes belong to the log from the call until it returns; base offset and leader epoch are patched into them.
 */

import { ErrorCode } from '../base/error-codes.ts';
import type { ByteSource, RecordError } from '../format/validate.ts';

/** Bits of `AppendPiece.flags`. */
export const AppendFlags = {
  /** The broker itself writes this batch: control batches are allowed. */
  INTERNAL: 2,
  /** `prepareBatch` was done on it. */
  PREPARED: 8,
} as const;

/** How far a piece has come within an append. */
export const PieceState = {
  /** Answered: it will not be written. */
  REFUSED: 0,
  /** Has its offset and waits for the write. */
  GATHERED: 1,
  /** Repeats an earlier piece of the same append, whose fate it shares. */
  REPEATS: 2,
  WRITTEN: 3,
  /** Not begun: it has to be prepared first, or one before it has. */
  POSTPONED: 4,
} as const;
export type PieceState = (typeof PieceState)[keyof typeof PieceState];

export interface AppendPiece {
  // In.
  source: ByteSource;
  /** Byte position of the batch in `source`, and its size. */
  at: number;
  size: number;
  /** Bits of `AppendFlags`. */
  flags: number;

  // Out, overwritten by every append.
  errorCode: number;
  errorMessage: string | null;
  recordErrors: RecordError[] | null;
  /** Offset of the first record; -1 when the piece failed. */
  baseOffset: number;
  /** The time stamped on the records by LogAppendTime; -1 otherwise. */
  logAppendTimeMs: number;
  /** The batch had been appended before: `baseOffset` is the one it got then. */
  duplicate: boolean;

  // Between the steps of one append; nobody else's business.
  /** Where the bytes to store lie: `source`, or a rewritten batch. */
  stored: ByteSource;
  storedAt: number;
  storedSize: number;
  lastOffsetDelta: number;
  maxTimestamp: number;
  attributes: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  lastSequence: number;
  /** The piece before this one in the same append by the same producer, or -1. */
  previousOfProducer: number;
  state: PieceState;
}

/** A piece to be filled in: set `source`, `at`, `size` and `flags` before each append. */
export function createAppendPiece(source: ByteSource): AppendPiece {
  return {
    source,
    at: 0,
    size: 0,
    flags: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    recordErrors: null,
    baseOffset: -1,
    logAppendTimeMs: -1,
    duplicate: false,
    stored: source,
    storedAt: 0,
    storedSize: 0,
    lastOffsetDelta: 0,
    maxTimestamp: -1,
    attributes: 0,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    lastSequence: -1,
    previousOfProducer: -1,
    state: PieceState.REFUSED,
  };
}

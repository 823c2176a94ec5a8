/**
 * The control messages between the opening thread and a shard thread: everything that is not an append. They travel by
 * MessagePort; the shard, which blocks in Atomics.wait and has no event loop turn to spend, takes them with
 * `receiveMessageOnPort` when its MAIL word is set. All are structured-cloneable; errors cross as plain `{ code, message, data }`.
 */

import type { MessagePort } from 'node:worker_threads';
import { MillraceError, messageOf } from '../base/errors.ts';
import type { WasmMemory } from '../base/webassembly.ts';
import type { PreparedBatch } from '../format/prepare.ts';
import type { LogConfig } from '../log/log-config.ts';
import type { ProducerSummary } from '../log/producer-state.ts';
import type { PreparationOrder } from './prepare-task.ts';

export interface OpenRequest {
  readonly slot: number;
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uint8Array | null;
  readonly directory: string;
  readonly config: LogConfig;
  readonly leaderEpoch: number;
  readonly autoAdvance: boolean;
  /** There was no such directory when the engine opened: what a manifest says of the name is about an earlier one. */
  readonly isNew: boolean;
  /** A journal has bytes of it that could not be written back: it stays offline until a start that can. */
  readonly isHeldBack: boolean;
}

export interface OpenResult {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** Every request a shard answers: its argument and its answer. */
export interface ShardRequests {
  open: { argument: readonly OpenRequest[]; answer: OpenResult[] };
  delete: { argument: readonly { slot: number; renamed: string }[]; answer: null };
  configure: { argument: readonly { slot: number; config: LogConfig }[]; answer: null };
  deleteRecords: {
    argument: { slot: number; offset: number };
    answer: { errorCode: number; lowWatermark: number };
  };
  truncate: { argument: { slot: number; offset: number }; answer: null };
  advanceHighWatermark: { argument: { slot: number; offset: number }; answer: null };
  setLeaderEpoch: { argument: { slot: number; epoch: number }; answer: null };
  endOffsetForEpoch: {
    argument: { slot: number; epoch: number };
    answer: { errorCode: number; leaderEpoch: number; endOffset: number };
  };
  producers: { argument: { slot: number }; answer: ProducerSummary[] };
  flush: { argument: { slots: readonly number[] | null }; answer: null };
  /** Asks for background flushes of all that is not on the disk: the answer comes before them. */
  startFlush: { argument: null; answer: null };
  maintain: { argument: null; answer: null };
  close: { argument: null; answer: null };
}
export type ShardRequestName = keyof ShardRequests;

export type ToShard =
  | {
      readonly kind: 'attach';
      readonly client: number;
      readonly memory: WasmMemory;
      readonly rings: SharedArrayBuffer;
      readonly detailPort: MessagePort;
    }
  | {
      readonly kind: 'request';
      readonly id: number;
      readonly name: ShardRequestName;
      readonly argument: unknown;
    }
  /** The files asked for by a `flushWanted` are on the disk; or why not. */
  | { readonly kind: 'flushed'; readonly token: number; readonly failure: FlushFailure | null }
  /** What became of the batches of a `prepareWanted`. */
  | { readonly kind: 'prepared'; readonly token: number; readonly results: PreparedBatch[] };

export type FromShard =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: PlainError }
  | {
      readonly kind: 'flushWanted';
      readonly shard: number;
      readonly token: number;
      readonly paths: readonly string[];
      /** To be synced as well, when a file is new in it. */
      readonly directory: string | null;
    }
  /** Batches to be prepared, as copies that go with the message. */
  | {
      readonly kind: 'prepareWanted';
      readonly shard: number;
      readonly token: number;
      readonly order: PreparationOrder;
    }
  /** A file, or a directory with its files, out of use: to be removed when the clock shows `dueMs`. */
  | { readonly kind: 'unlinkLater'; readonly path: string; readonly dueMs: number }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'fatal'; readonly error: PlainError };

export interface FlushFailure {
  readonly message: string;
  /** A sync failed: nobody knows what of the files is on the disk, and a second try would not tell. */
  readonly isInDoubt: boolean;
}

export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly data: unknown;
  readonly stack: string | null;
}

export function toPlainError(error: unknown): PlainError {
  const isTyped = error instanceof MillraceError;
  return {
    code: isTyped ? error.code : 'unexpected',
    message: messageOf(error),
    data: isTyped ? error.data : null,
    stack: error instanceof Error ? (error.stack ?? null) : null,
  };
}

/** The error as it was on the other thread, with that thread's stack as the cause. */
export function fromPlainError(plain: PlainError): MillraceError {
  return new MillraceError(plain.code, plain.message, plain.data, plain.stack ?? undefined);
}

/**
 * Appends that a log postponed because their batches have to be prepared first (engine/format/prepare.ts): unfolding and
 * compressing take long, and everybody else's appends go on meanwhile.
 *
 *   shard                                opening thread             pool
 *   log takes no more of a partition  ->
 *   its pieces queue up
 *   an order: copies of their batches -> prepareWanted           -> prepare-task
 *   prepared: the batches append      <- prepared                <- results
 *
 * Order. A partition with a queue appends nothing else of its clients: later pieces go behind it. One order of a partition is
 * under way at a time, and holds the first pieces of its queue. So what one client submitted stays in its order.
 *
 * Memory. The pieces stay in their clients' slabs; what is under way is a copy, bounded for the whole shard. Who waits for
 * room waits in turn.
 *
 * The end. What waits for a partition that is gone is refused when its turn comes. A shard that closes does what is left
 * itself.
 *
 * On the shard's thread, under its lock.
 */

import { copyBytes } from '../base/copy-bytes.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { PREPARED_AT_ONCE_BYTES, PREPARED_TOGETHER_BYTES } from '../base/limits.ts';
import type { Preparation, PreparedBatch } from '../format/prepare.ts';
import { AppendFlags } from '../log/append.ts';
import { type Group, refuse, type ShardPiece } from './append-groups.ts';
import type { PreparationOrder } from './prepare-task.ts';
import type { ShardPartition } from './shard-partition.ts';

interface UnderWay {
  readonly partition: ShardPartition;
  readonly pieces: readonly ShardPiece[];
  readonly bytes: number;
}

export interface PreparationsHost {
  /** Hands an order to whoever prepares; `done` is to be called with the results. */
  order(token: number, order: PreparationOrder): void;
  /** Appends and answers pieces of one partition. Returns those that its log postpones. */
  append(partition: ShardPartition, pieces: readonly ShardPiece[]): readonly ShardPiece[];
}

export class Preparations {
  readonly #host: PreparationsHost;
  readonly #underWay = new Map<number, UnderWay>();
  #bytes = 0;
  #lastToken = 0;
  /** Partitions with a queue and no order under way, in turn. */
  #waiting: ShardPartition[] = [];

  constructor(host: PreparationsHost) {
    this.#host = host;
  }

  /** Puts the pieces of a group from `first` on behind what waits of their partition. They are copied: a group's are pooled. */
  postpone(group: Group, first: number): void {
    const partition = group.partition!;
    if (partition.postponed === null) {
      partition.postponed = [];
      this.#waiting.push(partition);
    }
    for (let i = first; i < group.count; i++) {
      const piece = { ...group.pieces[i]! };
      refuse(piece, ErrorCode.NONE);
      partition.postponed.push(piece);
    }
    this.#next();
  }

  /** The results of an order, in the order of its batches. */
  done(token: number, results: readonly PreparedBatch[]): void {
    const underWay = this.#underWay.get(token);
    // The shard has done it itself meanwhile.
    if (underWay === undefined) return;
    this.#underWay.delete(token);
    this.#bytes -= underWay.bytes;
    const { partition, pieces } = underWay;
    for (let i = 0; i < pieces.length; i++) takeOver(pieces[i]!, results[i]!);
    this.#append(partition, pieces);
    this.#next();
  }

  /** Appends all that is left. The logs do everything themselves from now on. */
  finish(): void {
    for (const { partition, pieces } of this.#underWay.values()) {
      partition.postponed!.unshift(...pieces);
      this.#waiting.push(partition);
    }
    this.#underWay.clear();
    for (const partition of this.#waiting.splice(0)) {
      this.#append(partition, partition.postponed!.splice(0));
    }
  }

  #append(partition: ShardPartition, pieces: readonly ShardPiece[]): void {
    const queue = partition.postponed!;
    queue.unshift(...this.#host.append(partition, pieces));
    if (queue.length === 0) partition.postponed = null;
    else this.#waiting.push(partition);
  }

  /** Sends orders as long as there is room. */
  #next(): void {
    while (this.#waiting.length > 0 && this.#bytes < PREPARED_AT_ONCE_BYTES) {
      const partition = this.#waiting.shift()!;
      if (partition.log !== null) this.#order(partition, partition.log.preparation());
      else this.#append(partition, partition.postponed!.splice(0));
    }
  }

  #order(partition: ShardPartition, preparation: Preparation): void {
    const queue = partition.postponed!;
    const sizes: number[] = [];
    let bytes = 0;
    while (sizes.length < queue.length && bytes < PREPARED_TOGETHER_BYTES) {
      const size = sizeToPrepare(queue[sizes.length]!);
      sizes.push(size);
      bytes += size;
    }
    const pieces = queue.splice(0, sizes.length);
    const batches = Buffer.allocUnsafeSlow(bytes);
    let to = 0;
    for (let i = 0; i < pieces.length; i++) {
      const { source, at } = pieces[i]!;
      to += copyBytes.call(source.bytes, batches, to, at, at + sizes[i]!);
    }
    const token = ++this.#lastToken;
    this.#underWay.set(token, { partition, pieces, bytes });
    this.#bytes += bytes;
    this.#host.order(token, { batches: batches.buffer, sizes, preparation });
  }
}

/** What the broker itself writes is appended as it is. */
function sizeToPrepare(piece: ShardPiece): number {
  return (piece.flags & AppendFlags.INTERNAL) === 0 ? piece.size : 0;
}

function takeOver(piece: ShardPiece, result: PreparedBatch): void {
  piece.flags |= AppendFlags.PREPARED;
  piece.errorCode = result.errorCode;
  piece.errorMessage = result.errorMessage;
  piece.recordErrors = result.recordErrors;
  const { bytes } = result;
  if (bytes === null) return;
  piece.source = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
  piece.at = 0;
  piece.size = bytes.length;
}

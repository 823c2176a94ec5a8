/**
 * Records that several consumers fetch at about the same place are read once: the last pieces that were read for a
 * partition with more than one reader are kept for a moment, and all who want exactly that piece send the same memory.
 * Consumers that began together, or that follow the end of a log, meet here without knowing of each other, and who falls
 * behind catches up the faster for it.
 *
 * Thread of the front. The buffers are counted: this cache holds each once, every sending connection once more.
 */
import { MIB } from '../../engine/base/limits.ts';
import type { PartitionReader, ReadPlan } from '../../engine/index.ts';
import type { OutputBuffer, OutputPool } from '../front/output.ts';

/** Pieces kept, in bytes: about a quarter of the buffers for pieces that there are. */
const KEPT_BYTES_MAX = 8 * MIB;
/** A piece that nobody wanted again for so long is given up. */
const KEPT_MS = 1000;
/** A partition counts as shared for so long after two connections took turns in it. */
const SHARED_MS = 2000;

interface Piece {
  readonly reader: PartitionReader;
  readonly baseOffset: number;
  readonly position: number;
  readonly truncations: number;
  readonly incarnation: number;
  readonly buffer: OutputBuffer;
  usedMs: number;
}

interface Use {
  /** Who fetched last, and since when it is another than before. */
  by: object;
  changedMs: number;
  sharedMs: number;
}

export class SharedRecords {
  readonly #outputs: OutputPool;
  readonly #now: () => number;
  readonly #piecesMax: number;
  /** In the order in which they were read. */
  readonly #pieces: Piece[] = [];
  readonly #uses = new WeakMap<PartitionReader, Use>();
  #timer: NodeJS.Timeout | null = null;

  constructor(outputs: OutputPool, now: () => number) {
    this.#outputs = outputs;
    this.#now = now;
    this.#piecesMax = Math.max(1, Math.floor(KEPT_BYTES_MAX / outputs.pieceBytes));
  }

  /** Notes that `by` fetches from the partition. True: others do so as well. */
  isShared(reader: PartitionReader, by: object): boolean {
    const nowMs = this.#now();
    const use = this.#uses.get(reader);
    if (use === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      this.#uses.set(reader, { by, changedMs: never, sharedMs: never });
      return false;
    }
    if (use.by !== by) {
      // A single change may be a consumer that comes back on a new connection: alone it does better without sharing.
      if (nowMs - use.changedMs < SHARED_MS) use.sharedMs = nowMs;
      use.by = by;
      use.changedMs = nowMs;
    }
    return nowMs - use.sharedMs < SHARED_MS;
  }

  /** The `size` planned bytes from `from` on, when just they were read before; the caller holds the buffer. */
  find(reader: PartitionReader, plan: ReadPlan, from: number, size: number): OutputBuffer | null {
    const pieces = this.#pieces;
    const position = plan.position + from;
    for (let index = pieces.length - 1; index >= 0; index--) {
      const piece = pieces[index]!;
      if (
        piece.position !== position ||
        piece.reader !== reader ||
        piece.buffer.size !== size ||
        piece.baseOffset !== plan.baseOffset ||
        piece.truncations !== plan.truncations ||
        piece.incarnation !== plan.incarnation
      ) {
        continue;
      }
      piece.usedMs = this.#now();
      this.#outputs.hold(piece.buffer);
      return piece.buffer;
    }
    return null;
  }

  /** Keeps a buffer of planned bytes that were just read, from `from` on; the caller's own hold stays. */
  keep(reader: PartitionReader, plan: ReadPlan, from: number, buffer: OutputBuffer): void {
    this.#outputs.hold(buffer);
    const { baseOffset, truncations, incarnation } = plan;
    const position = plan.position + from;
    const usedMs = this.#now();
    this.#pieces.push({ reader, baseOffset, position, truncations, incarnation, buffer, usedMs });
    if (this.#pieces.length > this.#piecesMax) this.#outputs.release(this.#pieces.shift()!.buffer);
    if (this.#timer === null) this.#expireLater();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const { buffer } of this.#pieces) this.#outputs.release(buffer);
    this.#pieces.length = 0;
  }

  #expireLater(): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const before = this.#now() - KEPT_MS;
      for (let index = this.#pieces.length - 1; index >= 0; index--) {
        if (this.#pieces[index]!.usedMs > before) continue;
        const [piece] = this.#pieces.splice(index, 1);
        this.#outputs.release(piece!.buffer);
      }
      if (this.#pieces.length > 0) this.#expireLater();
    }, KEPT_MS);
    this.#timer.unref();
  }
}

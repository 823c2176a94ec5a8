/**
 * Records that several consumers fetch at about the same place are read once: the last ranges that were read for a
 * partition with more than one reader are kept for a moment, and all who want exactly that range send the same memory.
 * Consumers that began together, or that follow the end of a log, meet here without knowing of each other, and who falls
 * behind catches up the faster for it.
 *
 * Thread of the front. The buffers are counted: this cache holds each once, every sending connection once more.
 */
import type { PartitionReader, ReadPlan } from '../../engine/index.ts';
import type { OutputBuffer, OutputPool } from '../front/output.ts';

/** Ranges kept: a quarter of the large buffers there are. */
const RANGES_MAX = 8;
/** A range that nobody wanted again for so long is given up. */
const KEPT_MS = 1000;
/** A partition counts as shared for so long after two connections took turns in it. */
const SHARED_MS = 2000;

interface Range {
  readonly reader: PartitionReader;
  readonly baseOffset: number;
  readonly position: number;
  readonly truncations: number;
  readonly incarnation: number;
  readonly buffer: OutputBuffer;
  usedMs: number;
}

interface Use {
  /** Who fetched last. */
  by: object;
  sharedMs: number;
}

export class SharedRecords {
  readonly #outputs: OutputPool;
  readonly #now: () => number;
  /** The one used last at the end. */
  readonly #ranges: Range[] = [];
  readonly #uses = new WeakMap<PartitionReader, Use>();
  #timer: NodeJS.Timeout | null = null;

  constructor(outputs: OutputPool, now: () => number) {
    this.#outputs = outputs;
    this.#now = now;
  }

  /** Notes that `by` fetches from the partition. True: others do so as well. */
  isShared(reader: PartitionReader, by: object): boolean {
    const nowMs = this.#now();
    const use = this.#uses.get(reader);
    if (use === undefined) {
      this.#uses.set(reader, { by, sharedMs: Number.NEGATIVE_INFINITY });
      return false;
    }
    if (use.by !== by) {
      use.by = by;
      use.sharedMs = nowMs;
    }
    return nowMs - use.sharedMs < SHARED_MS;
  }

  /** The planned bytes, all of them, when they were read before; the caller holds the buffer. */
  find(reader: PartitionReader, plan: ReadPlan): OutputBuffer | null {
    const ranges = this.#ranges;
    for (let index = ranges.length - 1; index >= 0; index--) {
      const range = ranges[index]!;
      if (
        range.reader !== reader ||
        range.position !== plan.position ||
        range.buffer.size !== plan.size ||
        range.baseOffset !== plan.baseOffset ||
        range.truncations !== plan.truncations ||
        range.incarnation !== plan.incarnation
      ) {
        continue;
      }
      range.usedMs = this.#now();
      this.#outputs.hold(range.buffer);
      return range.buffer;
    }
    return null;
  }

  /** Keeps what was just read by the plan; the caller's own hold stays. */
  keep(reader: PartitionReader, plan: ReadPlan, buffer: OutputBuffer): void {
    this.#outputs.hold(buffer);
    const { baseOffset, position, truncations, incarnation } = plan;
    const usedMs = this.#now();
    this.#ranges.push({ reader, baseOffset, position, truncations, incarnation, buffer, usedMs });
    if (this.#ranges.length > RANGES_MAX) this.#outputs.release(this.#ranges.shift()!.buffer);
    if (this.#timer === null) this.#expireLater();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const { buffer } of this.#ranges) this.#outputs.release(buffer);
    this.#ranges.length = 0;
  }

  #expireLater(): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const before = this.#now() - KEPT_MS;
      for (let index = this.#ranges.length - 1; index >= 0; index--) {
        if (this.#ranges[index]!.usedMs > before) continue;
        const [range] = this.#ranges.splice(index, 1);
        this.#outputs.release(range!.buffer);
      }
      if (this.#ranges.length > 0) this.#expireLater();
    }, KEPT_MS);
    this.#timer.unref();
  }
}

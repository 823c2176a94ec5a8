/**
 * At which offset each leader epoch of a partition began (Kafka's LeaderEpochFileCache): what a follower asks
 * to find where its log parts from the leader's. Epochs and offsets both rise.
 *
 * The log's thread. The batches themselves carry their epoch, so the checkpoint file is a cache that saves
 * reading them; it is written when the history has become longer than the one epoch of most partitions.
 */

import { MillraceError } from '../base/errors.ts';
import {
  formatLeaderEpochs,
  LEADER_EPOCH_FILE,
  parseLeaderEpochs,
} from '../format/leader-epoch-checkpoint.ts';
import type { FileSystem } from '../io/file-system.ts';

const UNDEFINED_EPOCH = -1;

export class LeaderEpochs {
  /** Pairs: epoch, start offset. */
  #pairs: number[] = [];
  /** The checkpoint file says something else. */
  isDirty = false;
  /** The manifest says the same. */
  isNoted = false;

  get latest(): number {
    return this.#pairs.length === 0 ? UNDEFINED_EPOCH : this.#pairs[this.#pairs.length - 2]!;
  }

  get count(): number {
    return this.#pairs.length / 2;
  }

  /** Pairs of epoch and start offset, a copy. */
  pairs(): number[] {
    return this.#pairs.slice();
  }

  load(pairs: readonly number[]): void {
    this.#pairs = pairs.slice();
    this.isDirty = false;
  }

  /** Notes that a batch of `epoch` lies at `startOffset`. Older epochs than the latest say nothing new. */
  assign(epoch: number, startOffset: number): void {
    if (epoch <= this.latest) return;
    // An epoch without a batch is superseded by the one that begins at the same offset.
    while (this.#pairs.length > 0 && this.#pairs[this.#pairs.length - 1]! >= startOffset) {
      this.#pairs.length -= 2;
    }
    this.#pairs.push(epoch, startOffset);
    this.#changed();
  }

  /** Forgets epochs that begin at `endOffset` or later. */
  truncateFromEnd(endOffset: number): void {
    while (this.#pairs.length > 0 && this.#pairs[this.#pairs.length - 1]! >= endOffset) {
      this.#pairs.length -= 2;
      this.#changed();
    }
  }

  /** The log begins at `startOffset` now: the epoch it lies in begins there, earlier ones are forgotten. */
  truncateFromStart(startOffset: number): void {
    let keep = 0;
    while (keep + 2 < this.#pairs.length && this.#pairs[keep + 3]! <= startOffset) keep += 2;
    if (keep > 0) {
      this.#pairs.splice(0, keep);
      this.#changed();
    }
    if (this.#pairs.length > 0 && this.#pairs[1]! < startOffset) {
      this.#pairs[1] = startOffset;
      this.#changed();
    }
  }

  clear(): void {
    if (this.#pairs.length > 0) this.#changed();
    this.#pairs.length = 0;
  }

  /**
   * The largest epoch not above `epoch` and where it ended; -1, -1 when nothing is known of it
   * (LeaderEpochFileCache.endOffsetFor).
   */
  endOffsetFor(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    const undefinedEnd = { epoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH };
    if (epoch === UNDEFINED_EPOCH) return undefinedEnd;
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset };
    const pairs = this.#pairs;
    let next = 0;
    while (next < pairs.length && pairs[next]! <= epoch) next += 2;
    if (next >= pairs.length) return undefinedEnd;
    const endOffset = pairs[next + 1]!;
    return next === 0 ? { epoch, endOffset } : { epoch: pairs[next - 2]!, endOffset };
  }

  /** Writes the checkpoint file if it says something else. Not synced: the batches know it too. */
  write(fs: FileSystem, directory: string): void {
    if (!this.isDirty) return;
    const entries = [];
    for (let i = 0; i < this.#pairs.length; i += 2) {
      entries.push({ epoch: this.#pairs[i]!, startOffset: this.#pairs[i + 1]! });
    }
    const text = formatLeaderEpochs(entries);
    fs.writeFileAtomic(`${directory}/${LEADER_EPOCH_FILE}`, Buffer.from(text, 'latin1'), false);
    this.isDirty = false;
  }

  /** Reads the checkpoint file; false when it is damaged, and then nothing is known. */
  read(fs: FileSystem, directory: string): boolean {
    const text = fs.readFile(`${directory}/${LEADER_EPOCH_FILE}`).toString('latin1');
    try {
      const entries = parseLeaderEpochs(text);
      this.#pairs = entries.flatMap(({ epoch, startOffset }) => [epoch, startOffset]);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      this.#pairs = [];
      this.isDirty = true;
      return false;
    }
    this.isDirty = false;
    return true;
  }

  #changed(): void {
    this.isDirty = true;
    this.isNoted = false;
  }
}

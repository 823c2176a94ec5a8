/**
 * Hands out the slots of the partition table. A freed slot goes to the end of a queue and is reused only after many others
 * were freed behind it, so a thread that still holds the number of a deleted partition meets an empty slot, not another's.
 * On the opening thread.
 */

import { MillraceError } from '../base/errors.ts';
import { SLOT_QUARANTINE } from '../base/limits.ts';

export class SlotAllocator {
  readonly #capacity: number;
  #fresh = 0;
  #freed: number[] = [];
  #freedFrom = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  allocate(): number {
    const waiting = this.#freed.length - this.#freedFrom;
    const isFull = this.#fresh === this.#capacity;
    if (waiting > SLOT_QUARANTINE || (isFull && waiting > 0)) return this.#oldest();
    if (isFull) {
      const capacity = this.#capacity;
      throw new MillraceError('too-many-partitions', `at most ${capacity} partitions`, {
        capacity,
      });
    }
    return this.#fresh++;
  }

  free(slot: number): void {
    this.#freed.push(slot);
  }

  #oldest(): number {
    const slot = this.#freed[this.#freedFrom++]!;
    if (this.#freedFrom > SLOT_QUARANTINE) {
      this.#freed = this.#freed.slice(this.#freedFrom);
      this.#freedFrom = 0;
    }
    return slot;
  }
}

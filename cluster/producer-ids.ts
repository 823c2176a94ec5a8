/**
 * Hands out producer ids: each number once, also across crashes. A block of ids is written to the store as used before
 * its first id leaves, so a crash skips the rest of a block and never repeats one.
 *
 * Main thread.
 */
import { PRODUCER_ID_BLOCK } from '../engine/base/limits.ts';
import { PRODUCER_IDS_KEY } from './metadata-keys.ts';
import type { MetadataStore } from './metadata-store.ts';

export class ProducerIds {
  readonly #store: MetadataStore;
  #next = 0;
  #blockEnd = 0;
  #claiming: Promise<void> | null = null;

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  /** A producer id that nobody has had. Rejects when the store does. */
  async next(): Promise<number> {
    while (this.#next === this.#blockEnd) {
      this.#claiming ??= this.#claimBlock().finally(() => {
        this.#claiming = null;
      });
      await this.#claiming;
    }
    return this.#next++;
  }

  /** Keeps ids below this one from being given: others have used them. Durable when it resolves. */
  async skipTo(first: number): Promise<void> {
    const stored = await this.#store.get(PRODUCER_IDS_KEY);
    if (stored !== null && Number(stored.value) >= first) return;
    await this.#store.txn({
      compare: [],
      apply: [{ put: PRODUCER_IDS_KEY, value: String(first) }],
    });
    this.#next = 0;
    this.#blockEnd = 0;
  }

  async #claimBlock(): Promise<void> {
    for (;;) {
      const stored = await this.#store.get(PRODUCER_IDS_KEY);
      const first = stored === null ? 0 : Number(stored.value);
      const end = first + PRODUCER_ID_BLOCK;
      const { ok } = await this.#store.txn({
        compare: [{ key: PRODUCER_IDS_KEY, revision: stored?.revision ?? 0 }],
        apply: [{ put: PRODUCER_IDS_KEY, value: String(end) }],
      });
      if (!ok) continue;
      this.#next = first;
      this.#blockEnd = end;
      return;
    }
  }
}

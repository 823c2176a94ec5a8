/** A metadata store that lives and dies with the process: brokers in tests and simulations. */
import { type Clock, systemClock } from '../../engine/base/clock.ts';
import type { StoredValue } from '../metadata-store.ts';
import type { LeaseRow, MetadataRows, RowChanges } from './metadata-rows.ts';
import { RowMetadataStore } from './row-metadata-store.ts';

export class MemoryMetadataStore extends RowMetadataStore {
  constructor(options: { clock?: Clock } = {}) {
    super({ rows: new MemoryRows(), clock: options.clock ?? systemClock });
  }
}

class MemoryRows implements MetadataRows {
  revision = 0;
  readonly #values = new Map<string, StoredValue>();
  readonly #leases = new Map<string, LeaseRow>();

  get(key: string): StoredValue | null {
    return this.#values.get(key) ?? null;
  }

  range(prefix: string): StoredValue[] {
    const values: StoredValue[] = [];
    for (const value of this.#values.values()) {
      if (value.key.startsWith(prefix)) values.push(value);
    }
    return values.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  keysOfLease(lease: string): string[] {
    const keys: string[] = [];
    for (const value of this.#values.values()) {
      if (value.lease === lease) keys.push(value.key);
    }
    return keys;
  }

  leases(): LeaseRow[] {
    return [...this.#leases.values()];
  }

  apply(changes: RowChanges): void {
    for (const key of changes.deletes) this.#values.delete(key);
    for (const value of changes.puts) this.#values.set(value.key, value);
    for (const lease of changes.leasesAdded) this.#leases.set(lease.id, lease);
    for (const id of changes.leasesEnded) this.#leases.delete(id);
    this.revision = changes.revision;
  }

  close(): void {}
}

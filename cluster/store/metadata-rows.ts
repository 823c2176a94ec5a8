/**
 * What a metadata store keeps its keys in. The meaning of the store (comparisons, revisions, leases, watches) is written
 * once in `row-metadata-store.ts`; a backend only has to read rows and to apply one transaction whole or not at all.
 * All calls are synchronous: an embedded store answers from memory or from a local file.
 */
import type { StoredValue } from '../metadata-store.ts';

export interface LeaseRow {
  readonly id: string;
  readonly ttlMs: number;
}

/** Everything that one transaction changes. */
export interface RowChanges {
  readonly puts: readonly StoredValue[];
  readonly deletes: readonly string[];
  readonly leasesAdded: readonly LeaseRow[];
  readonly leasesEnded: readonly string[];
  /** The store's revision afterwards. */
  readonly revision: number;
}

export interface MetadataRows {
  /** The revision of the last transaction that was applied; 0 for an empty store. */
  readonly revision: number;
  get(key: string): StoredValue | null;
  /** Keys that start with the prefix, ascending. */
  range(prefix: string): StoredValue[];
  /** Keys that vanish with the lease. */
  keysOfLease(lease: string): string[];
  leases(): LeaseRow[];
  /** Durable when it returns, where the backend is. Throws and changes nothing when it cannot. */
  apply(changes: RowChanges): void;
  close(): void;
}

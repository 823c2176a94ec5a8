/**
 * The port behind which all cluster metadata lies: keys with revisions, compare-and-swap transactions, ranges by
 * prefix, leases and watches, with the meaning that etcd gives these words. Two stores implement it (memory and SQLite,
 * see `store/`), a distributed one can stand in their place; one conformance suite runs against each of them.
 *
 * Revisions are positive integers that grow by one with every transaction that changed something; revision 0 in a
 * comparison means "the key does not exist". Values are strings (JSON, by convention of `metadata-keys.ts`).
 */

/** A key as it stands in the store. */
export interface StoredValue {
  readonly key: string;
  readonly value: string;
  /** Revision of the transaction that last wrote the key. */
  readonly revision: number;
  /** Revision of the transaction that created it (a deletion and a new put start again). */
  readonly createRevision: number;
  /** The lease it vanishes with, or null. */
  readonly lease: string | null;
}

/** Holds when the key's revision equals `revision`; 0: when the key does not exist. */
interface Comparison {
  readonly key: string;
  readonly revision: number;
}

export type Operation =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly delete: string };

export interface Transaction {
  readonly compare: readonly Comparison[];
  /** Applied all or nothing, in order, under one revision, when every comparison holds. */
  readonly apply: readonly Operation[];
}

/** `revision` is the store's revision after the call, whether or not the transaction was applied. */
export interface TransactionResult {
  readonly ok: boolean;
  readonly revision: number;
}

/** One change of one key. `value` is null for a deletion (also by an expired lease). */
export interface StoreEvent {
  readonly key: string;
  readonly value: StoredValue | null;
  readonly revision: number;
}

/** A promise that the holder is alive: keys put under it vanish when it is not renewed in time. */
export interface Lease {
  readonly id: string;
  /** Starts the time to live anew. Rejects with code `lease-expired` when it is too late. */
  keepAlive(): Promise<void>;
  /** Ends the lease and deletes its keys. */
  revoke(): Promise<void>;
}

export interface Watch {
  close(): void;
}

export interface MetadataStore {
  get(key: string): Promise<StoredValue | null>;
  /** All keys that start with the prefix, ascending, and the store's revision they were read at. */
  range(prefix: string): Promise<{ values: StoredValue[]; revision: number }>;
  txn(transaction: Transaction): Promise<TransactionResult>;
  lease(ttlMs: number): Promise<Lease>;
  /**
   * Calls the handler with the events of each transaction that touched the prefix after `fromRevision`, in order,
   * first those already kept, later ones as they happen. Throws code `compacted` when events after `fromRevision` are
   * no longer kept: read the range again and watch from its revision.
   */
  watch(prefix: string, fromRevision: number, handler: (events: StoreEvent[]) => void): Watch;
  close(): Promise<void>;
}

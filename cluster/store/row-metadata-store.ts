/**
 * A metadata store over rows: comparisons, revisions, leases and watches, the same for every embedded backend.
 *
 * One thread owns a store. A transaction is applied to the backend before anybody hears of it, so a watcher never sees
 * what a crash could take back. Watch handlers run after the call that caused the events has its result, in order.
 * Events are kept for a bounded number of changes; a watch from before them is told that they are compacted.
 */
import { assert } from '../../engine/base/assert.ts';
import type { Clock } from '../../engine/base/clock.ts';
import { MillraceError } from '../../engine/base/errors.ts';
import { METADATA_EVENTS_KEPT_MAX } from '../../engine/base/limits.ts';
import type {
  Lease,
  MetadataStore,
  StoredValue,
  StoreEvent,
  Transaction,
  TransactionResult,
  Watch,
} from '../metadata-store.ts';
import type { MetadataRows } from './metadata-rows.ts';

export interface RowMetadataStoreOptions {
  readonly rows: MetadataRows;
  readonly clock: Clock;
}

interface Watcher {
  readonly prefix: string;
  readonly handler: (events: StoreEvent[]) => void;
  isOpen: boolean;
}

interface LeaseState {
  readonly ttlMs: number;
  deadlineMs: number;
}

export class RowMetadataStore implements MetadataStore {
  readonly #rows: MetadataRows;
  readonly #clock: Clock;
  readonly #watchers = new Set<Watcher>();
  readonly #leases = new Map<string, LeaseState>();
  /** Events of the last transactions, oldest first. */
  #events: StoreEvent[] = [];
  /** Events up to this revision are no longer kept. */
  #compactedRevision: number;
  #leaseNumber = 0;
  #isClosed = false;

  constructor(options: RowMetadataStoreOptions) {
    this.#rows = options.rows;
    this.#clock = options.clock;
    this.#compactedRevision = this.#rows.revision;
    // A holder may have lived on while the store was away: every lease starts its whole time anew.
    for (const { id, ttlMs } of this.#rows.leases()) {
      this.#leases.set(id, { ttlMs, deadlineMs: this.#clock.monotonic() + ttlMs });
    }
  }

  async get(key: string): Promise<StoredValue | null> {
    this.#open();
    return this.#rows.get(key);
  }

  async range(prefix: string): Promise<{ values: StoredValue[]; revision: number }> {
    this.#open();
    return { values: this.#rows.range(prefix), revision: this.#rows.revision };
  }

  async txn(transaction: Transaction): Promise<TransactionResult> {
    this.#open();
    for (const { key, revision } of transaction.compare) {
      if ((this.#rows.get(key)?.revision ?? 0) !== revision) {
        return { ok: false, revision: this.#rows.revision };
      }
    }
    const revision = this.#rows.revision + 1;
    // Later operations on a key win; what a key was before decides its create revision.
    const puts = new Map<string, StoredValue>();
    const deletes = new Set<string>();
    for (const operation of transaction.apply) {
      if ('put' in operation) {
        const key = operation.put;
        const lease = operation.lease ?? null;
        if (lease !== null && !this.#leases.has(lease)) throw leaseExpired(lease);
        const before = deletes.has(key) ? null : (puts.get(key) ?? this.#rows.get(key));
        const createRevision = before?.createRevision ?? revision;
        deletes.delete(key);
        puts.set(key, { key, value: operation.value, revision, createRevision, lease });
      } else {
        const key = operation.delete;
        puts.delete(key);
        if (this.#rows.get(key) !== null) deletes.add(key);
      }
    }
    if (puts.size === 0 && deletes.size === 0) return { ok: true, revision: this.#rows.revision };
    this.#apply([...puts.values()], [...deletes]);
    return { ok: true, revision };
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#open();
    assert(ttlMs > 0, 'lease: the time to live must be positive');
    this.#leaseNumber++;
    let id = `${this.#rows.revision}.${this.#leaseNumber}`;
    while (this.#leases.has(id)) id = `${this.#rows.revision}.${++this.#leaseNumber}`;
    this.#rows.apply({
      puts: [],
      deletes: [],
      leasesAdded: [{ id, ttlMs }],
      leasesEnded: [],
      revision: this.#rows.revision,
    });
    this.#leases.set(id, { ttlMs, deadlineMs: this.#clock.monotonic() + ttlMs });
    return {
      id,
      keepAlive: async () => {
        this.#open();
        const state = this.#leases.get(id);
        if (state === undefined) throw leaseExpired(id);
        state.deadlineMs = this.#clock.monotonic() + state.ttlMs;
      },
      revoke: async () => {
        this.#open();
        this.#endLease(id);
      },
    };
  }

  watch(prefix: string, fromRevision: number, handler: (events: StoreEvent[]) => void): Watch {
    this.#open();
    if (fromRevision < this.#compactedRevision) {
      throw new MillraceError(
        'compacted',
        `metadata events after revision ${fromRevision} are not kept, only those after ${this.#compactedRevision}`,
        { fromRevision, compactedRevision: this.#compactedRevision },
      );
    }
    const watcher: Watcher = { prefix, handler, isOpen: true };
    this.#watchers.add(watcher);
    const missed = this.#events.filter(
      (event) => event.revision > fromRevision && event.key.startsWith(prefix),
    );
    for (const events of groupByRevision(missed)) this.#deliver(watcher, events);
    return {
      close: () => {
        watcher.isOpen = false;
        this.#watchers.delete(watcher);
      },
    };
  }

  /** Ends the leases whose time is over. Whoever owns the store calls it now and then; every call does it as well. */
  expireLeases(): void {
    const nowMs = this.#clock.monotonic();
    for (const [id, state] of this.#leases) {
      if (state.deadlineMs <= nowMs) this.#endLease(id);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const watcher of this.#watchers) watcher.isOpen = false;
    this.#watchers.clear();
    this.#rows.close();
  }

  #open(): void {
    if (this.#isClosed) throw new MillraceError('closed', 'the metadata store is closed', {});
    if (this.#leases.size > 0) this.expireLeases();
  }

  #endLease(id: string): void {
    if (!this.#leases.delete(id)) return;
    this.#apply([], this.#rows.keysOfLease(id), id);
  }

  #apply(puts: readonly StoredValue[], deletes: readonly string[], leaseEnded?: string): void {
    const hasEvents = puts.length > 0 || deletes.length > 0;
    const revision = this.#rows.revision + (hasEvents ? 1 : 0);
    this.#rows.apply({
      puts,
      deletes,
      leasesAdded: [],
      leasesEnded: leaseEnded === undefined ? [] : [leaseEnded],
      revision,
    });
    if (!hasEvents) return;
    const events: StoreEvent[] = [
      ...deletes.map((key) => ({ key, value: null, revision })),
      ...puts.map((value) => ({ key: value.key, value, revision })),
    ];
    this.#keep(events);
    for (const watcher of this.#watchers) {
      const matching = events.filter((event) => event.key.startsWith(watcher.prefix));
      if (matching.length > 0) this.#deliver(watcher, matching);
    }
  }

  /** Whole transactions are kept or dropped, so a watch never starts in the middle of one. */
  #keep(events: readonly StoreEvent[]): void {
    this.#events.push(...events);
    if (this.#events.length <= 2 * METADATA_EVENTS_KEPT_MAX) return;
    let drop = this.#events.length - METADATA_EVENTS_KEPT_MAX;
    const lastDropped = this.#events[drop - 1]!.revision;
    while (drop < this.#events.length && this.#events[drop]!.revision === lastDropped) drop++;
    this.#events = this.#events.slice(drop);
    this.#compactedRevision = lastDropped;
  }

  #deliver(watcher: Watcher, events: StoreEvent[]): void {
    queueMicrotask(() => {
      if (watcher.isOpen) watcher.handler(events);
    });
  }
}

function leaseExpired(id: string): MillraceError {
  return new MillraceError('lease-expired', `lease ${id} has expired`, { id });
}

function groupByRevision(events: readonly StoreEvent[]): StoreEvent[][] {
  const groups: StoreEvent[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last?.[0]?.revision === event.revision) last.push(event);
    else groups.push([event]);
  }
  return groups;
}

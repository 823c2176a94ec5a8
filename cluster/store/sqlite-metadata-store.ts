/**
 * The metadata store of a single broker: one SQLite file in the data directory. A transaction is on the disk when it is
 * answered (write-ahead log, synchronous=FULL: one flush a transaction). The file belongs to one process at a time, which
 * the data directory's lock sees to. `node:sqlite` is loaded on first use, beside the rest of the start.
 *
 * Keys compare by code points, so ranges are index scans. There is one row per key; a topic is one key however many
 * partitions it has.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { assert } from '../../engine/base/assert.ts';
import { type Clock, systemClock } from '../../engine/base/clock.ts';
import { MillraceError, messageOf } from '../../engine/base/errors.ts';
import type { StoredValue } from '../metadata-store.ts';
import type { LeaseRow, MetadataRows, RowChanges } from './metadata-rows.ts';
import { RowMetadataStore } from './row-metadata-store.ts';

/** Version of the tables below, kept in the file's `user_version`. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE value (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL,
    revision INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    lease TEXT
  ) WITHOUT ROWID;
  CREATE INDEX value_lease ON value (lease) WHERE lease IS NOT NULL;
  CREATE TABLE lease (id TEXT PRIMARY KEY NOT NULL, ttl_ms REAL NOT NULL) WITHOUT ROWID;
  CREATE TABLE store (revision INTEGER NOT NULL);
  INSERT INTO store (revision) VALUES (0);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Opens the file, or creates it. Throws `metadata-store` when it is damaged, locked or of a later version. */
export async function openSqliteMetadataStore(
  path: string,
  options: { clock?: Clock } = {},
): Promise<RowMetadataStore> {
  const { DatabaseSync } = await loadSqlite();
  let rows: SqliteRows;
  try {
    rows = new SqliteRows(new DatabaseSync(path), path);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw new MillraceError(
      'metadata-store',
      `metadata store ${path} cannot be opened: ${messageOf(error)}`,
      { path },
      error,
    );
  }
  return new RowMetadataStore({ rows, clock: options.clock ?? systemClock });
}

/** `node:sqlite` announces itself as experimental on some versions of Node; users can do nothing about it. */
async function loadSqlite(): Promise<typeof import('node:sqlite')> {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes('SQLite is an experimental feature')) return;
    (emitWarning as (...values: unknown[]) => void).call(process, warning, ...rest);
  };
  try {
    return await import('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

interface ValueRow {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  readonly create_revision: number;
  readonly lease: string | null;
}

class SqliteRows implements MetadataRows {
  revision: number;
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #all: StatementSync;
  readonly #range: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #setRevision: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    database.exec('PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;');
    const version = database.prepare('PRAGMA user_version').get()?.user_version;
    if (version === 0) database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    else if (version !== SCHEMA_VERSION) {
      throw new MillraceError(
        'metadata-store',
        `metadata store ${path} has version ${version}; this program knows version ${SCHEMA_VERSION}`,
        { path, version },
      );
    }
    // After the tables: a new file costs fewer flushes so. Exclusive before it: no shared index file is needed.
    database.exec('PRAGMA journal_mode = WAL');
    this.#get = database.prepare('SELECT * FROM value WHERE key = ?');
    this.#all = database.prepare('SELECT * FROM value ORDER BY key');
    this.#range = database.prepare('SELECT * FROM value WHERE key >= ? AND key < ? ORDER BY key');
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO value (key, value, revision, create_revision, lease) VALUES (?, ?, ?, ?, ?)',
    );
    this.#delete = database.prepare('DELETE FROM value WHERE key = ?');
    this.#setRevision = database.prepare('UPDATE store SET revision = ?');
    const row = database.prepare('SELECT revision FROM store').get() as { revision: number };
    this.revision = row.revision;
  }

  get(key: string): StoredValue | null {
    const row = this.#get.get(key) as unknown as ValueRow | undefined;
    return row === undefined ? null : toStoredValue(row);
  }

  range(prefix: string): StoredValue[] {
    const rows = (prefix === ''
      ? this.#all.all()
      : this.#range.all(prefix, endOfPrefix(prefix))) as unknown as ValueRow[];
    return rows.map(toStoredValue);
  }

  keysOfLease(lease: string): string[] {
    const rows = this.#database.prepare('SELECT key FROM value WHERE lease = ?').all(lease);
    return rows.map((row) => row.key as string);
  }

  leases(): LeaseRow[] {
    const rows = this.#database.prepare('SELECT id, ttl_ms FROM lease').all();
    return rows.map((row) => ({ id: row.id as string, ttlMs: row.ttl_ms as number }));
  }

  apply(changes: RowChanges): void {
    const database = this.#database;
    database.exec('BEGIN IMMEDIATE');
    try {
      for (const key of changes.deletes) this.#delete.run(key);
      for (const { key, value, revision, createRevision, lease } of changes.puts) {
        this.#put.run(key, value, revision, createRevision, lease);
      }
      for (const { id, ttlMs } of changes.leasesAdded) {
        database.prepare('INSERT INTO lease (id, ttl_ms) VALUES (?, ?)').run(id, ttlMs);
      }
      for (const id of changes.leasesEnded) {
        database.prepare('DELETE FROM lease WHERE id = ?').run(id);
      }
      if (changes.revision !== this.revision) this.#setRevision.run(changes.revision);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw new MillraceError(
        'metadata-store',
        `metadata cannot be written: ${messageOf(error)}`,
        {},
        error,
      );
    }
    this.revision = changes.revision;
  }

  close(): void {
    this.#database.close();
  }
}

/** The first string behind all those that start with the prefix. */
function endOfPrefix(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  assert(last < 0x7f, 'metadata store: a prefix ends in an ASCII character');
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

function toStoredValue(row: ValueRow): StoredValue {
  return {
    key: row.key,
    value: row.value,
    revision: row.revision,
    createRevision: row.create_revision,
    lease: row.lease,
  };
}

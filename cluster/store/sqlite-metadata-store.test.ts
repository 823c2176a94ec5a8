import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ManualClock } from '../../engine/base/clock.ts';
import { checkMetadataStore } from '../../test/cluster/metadata-store-laws.ts';
import type { MetadataStore } from '../metadata-store.ts';
import { openSqliteMetadataStore } from './sqlite-metadata-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-metadata-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
const paths = new WeakMap<MetadataStore, string>();

async function open(path: string, clock = new ManualClock()): Promise<MetadataStore> {
  const store = await openSqliteMetadataStore(path, { clock });
  paths.set(store, path);
  return store;
}

checkMetadataStore('SQLite', {
  fresh: (clock) => open(join(directory, `${files++}.db`), clock),
  reopen: async (store, clock) => {
    await store.close();
    return open(paths.get(store)!, clock);
  },
});

test('SQLite metadata store: a transaction is in the file although the store was never closed', async () => {
  const path = join(directory, 'killed.db');
  const program = `
    const { openSqliteMetadataStore } = await import(${JSON.stringify(new URL('./sqlite-metadata-store.ts', import.meta.url).href)});
    const store = await openSqliteMetadataStore(${JSON.stringify(path)});
    await store.txn({ compare: [], apply: [{ put: 'a', value: '1' }] });
    process.kill(process.pid, 'SIGKILL');
  `;
  const { spawnSync } = await import('node:child_process');
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  expect(signal).toBe('SIGKILL');
  const store = await open(path);
  expect(await store.get('a')).toMatchObject({ value: '1', revision: 1 });
  await store.close();
});

test('SQLite metadata store: a file that is none is refused in one line that names it', async () => {
  const path = join(directory, 'text.db');
  writeFileSync(path, 'this is not a database, it is a text that is long enough to be read as one');
  await expect(open(path)).rejects.toMatchObject({
    code: 'metadata-store',
    message: expect.stringContaining(path),
  });
});

test('SQLite metadata store: a file of a later version is refused', async () => {
  const path = join(directory, 'later.db');
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  await expect(open(path)).rejects.toMatchObject({
    message: expect.stringContaining('version 99'),
  });
});

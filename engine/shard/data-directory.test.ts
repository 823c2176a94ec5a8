import { expect, test } from 'vitest';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import {
  deletedDirectory,
  journalPath,
  manifestPath,
  readDataDirectory,
} from './data-directory.ts';

const topicId = '5vYmBqTrS7umXCLcvVUnyA';

function write(fs: MemoryFileSystem, path: string, text: string): void {
  fs.writeFileAtomic(path, Buffer.from(text), false);
}

test('data directory: partitions, leftovers of deletions, journals and foreign manifests are told apart', () => {
  const fs = new MemoryFileSystem();
  for (const name of ['a-b-12', 'plain', 'gone-0.xyz-delete', 'x-0']) fs.mkdir(`/data/${name}`);
  write(fs, '/data/a-b-12/partition.metadata', `version: 0\ntopic_id: ${topicId}`);
  write(fs, '/data/x-0/partition.metadata', 'nonsense');
  write(fs, manifestPath('/data', 0, 1), '');
  write(fs, manifestPath('/data', 1, 3), '');
  write(fs, journalPath('/data', 0, 1), '');
  write(fs, `${journalPath('/data', 0, 1)}.void`, '');
  write(fs, journalPath('/data', 1, 3), '');
  write(fs, '/data/meta.properties', '');
  const lines: string[] = [];
  const found = readDataDirectory(fs, '/data', 1, (line) => lines.push(line));
  expect(found.partitions).toEqual([
    { topic: 'a-b', partition: 12, topicId, directory: '/data/a-b-12' },
    { topic: 'x', partition: 0, topicId: null, directory: '/data/x-0' },
  ]);
  expect(found.deleted).toEqual(['/data/gone-0.xyz-delete']);
  expect(found.foreignManifests).toEqual(['/data/shard-1-of-3.manifest']);
  expect(found.journals.sort()).toEqual([
    '/data/shard-0-of-1.journal',
    '/data/shard-1-of-3.journal',
  ]);
  expect(lines.length).toBe(1);
});

test('data directory: the name of a deleted directory fits a file system, however long the topic', () => {
  expect(deletedDirectory('/data/t-0', 'u')).toBe('/data/t-0.u-delete');
  const long = deletedDirectory(`/data/${'x'.repeat(249)}-100`, 'u'.repeat(22));
  expect(long.length - '/data/'.length).toBe(255);
  expect(long.endsWith(`.${'u'.repeat(22)}-delete`)).toBe(true);
});

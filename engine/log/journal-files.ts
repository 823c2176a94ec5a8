/**
 * The files of a journal: the journal itself, and beside it the names of partitions whose entries are void, which is there
 * only when the journal could not take that down any more. The order in which they go: the journal first, for without it the
 * names mean nothing, and without them it would say too much.
 */

import type { FileSystem } from '../io/file-system.ts';

function voidPath(path: string): string {
  return `${path}.void`;
}

/** On the disk when it returns. Throws FileError. */
export function writeVoidNames(fs: FileSystem, path: string, names: readonly string[]): void {
  fs.writeFileAtomic(voidPath(path), Buffer.from(names.join('\n'), 'latin1'), true);
}

export function readVoidNames(fs: FileSystem, path: string): string[] {
  if (!fs.exists(voidPath(path))) return [];
  return fs.readFile(voidPath(path)).toString('latin1').split('\n');
}

/** Before a new journal is made: what a crash left of an earlier one. */
export function removeVoidNames(fs: FileSystem, path: string): void {
  if (fs.exists(voidPath(path))) fs.unlink(voidPath(path));
}

/** Gone from the disk when it returns. Throws FileError. */
export function removeJournal(fs: FileSystem, path: string, directory: string): void {
  fs.unlink(path);
  removeVoidNames(fs, path);
  fs.syncDir(directory);
}

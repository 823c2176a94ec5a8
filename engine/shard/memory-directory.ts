/**
 * Where an engine without a data directory keeps its files: a fresh directory on the memory file system of the machine where
 * there is one (/dev/shm), else in the directory for temporary files. Several threads must see the same bytes, and files that
 * the kernel keeps in memory are the one kind that every thread can open.
 *
 * Nothing is left behind: the directory goes with `close`, at the latest when the process exits; those of processes that were
 * killed go when the next engine of this kind opens.
 */

import type { FileSystem } from '../io/file-system.ts';

const PREFIX = 'millrace-memory-';

export class MemoryDirectory {
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #onExit = (): void => removeTree(this.#fs, this.path);

  constructor(fs: FileSystem) {
    this.#fs = fs;
    const parent = fs.exists('/dev/shm') ? '/dev/shm' : (process.env.TMPDIR ?? '/tmp');
    removeAbandoned(fs, parent);
    const unique = Math.random().toString(36).slice(2, 12);
    this.path = `${parent}/${PREFIX}${process.pid}-${unique}`;
    fs.mkdir(this.path);
    process.once('exit', this.#onExit);
  }

  remove(): void {
    process.off('exit', this.#onExit);
    removeTree(this.#fs, this.path);
  }
}

function removeAbandoned(fs: FileSystem, parent: string): void {
  for (const name of fs.readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const processId = Number.parseInt(name.slice(PREFIX.length), 10);
    if (!isAlive(processId)) removeTree(fs, `${parent}/${name}`);
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: alive, and somebody else's.
    return (error as { code?: unknown }).code !== 'ESRCH';
  }
}

/** Best effort: another process may sweep at the same time. */
function removeTree(fs: FileSystem, path: string): void {
  let names: string[] = [];
  try {
    names = fs.readdir(path);
  } catch {
    return;
  }
  for (const name of names) {
    try {
      fs.unlink(`${path}/${name}`);
    } catch {
      removeTree(fs, `${path}/${name}`);
    }
  }
  try {
    fs.rmdir(path);
  } catch {
    return;
  }
}

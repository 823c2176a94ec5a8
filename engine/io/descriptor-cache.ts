/**
 * Keeps at most so many files open, of any number that could be needed: the least recently used one is closed
 * first and opened again, by its path, when it is used again. One cache per thread, never shared: so no number
 * can be closed by one thread and reused by the system while another reads from it.
 *
 * A `Descriptor` belongs to its maker, who keeps it as long as it may use the file and then calls `release`.
 * While an asynchronous read is under way the descriptor is pinned and stays open.
 */

import { assert } from '../base/assert.ts';
import { type FileSystem, isFileError, type OpenMode } from './file-system.ts';

export class Descriptor {
  readonly path: string;
  readonly mode: OpenMode;
  /** -1 while closed. */
  fd = -1;
  pins = 0;
  isReleased = false;
  newer: Descriptor | null = null;
  older: Descriptor | null = null;

  constructor(path: string, mode: OpenMode) {
    this.path = path;
    this.mode = mode;
  }
}

export class DescriptorCache {
  readonly fs: FileSystem;
  readonly capacity: number;
  #openCount = 0;
  #newest: Descriptor | null = null;
  #oldest: Descriptor | null = null;

  constructor(fs: FileSystem, capacity: number) {
    assert(capacity >= 1, 'descriptor cache: capacity below 1');
    this.fs = fs;
    this.capacity = capacity;
  }

  get openCount(): number {
    return this.#openCount;
  }

  /** The descriptor's fd, opened if need be; good until the next call that may open another. Throws FileError. */
  use(descriptor: Descriptor): number {
    if (descriptor.fd >= 0) {
      if (this.#newest !== descriptor) {
        this.#unlink(descriptor);
        this.#link(descriptor);
      }
      return descriptor.fd;
    }
    assert(!descriptor.isReleased, 'descriptor cache: use after release');
    while (this.#openCount >= this.capacity && this.#closeOldest());
    descriptor.fd = this.#open(descriptor);
    this.#openCount++;
    this.#link(descriptor);
    return descriptor.fd;
  }

  /** Keeps the file open until `unpin`, whatever else is used meanwhile. */
  pin(descriptor: Descriptor): number {
    const fd = this.use(descriptor);
    descriptor.pins++;
    return fd;
  }

  unpin(descriptor: Descriptor): void {
    assert(descriptor.pins > 0, 'descriptor cache: unpin without pin');
    descriptor.pins--;
    if (descriptor.pins === 0 && descriptor.isReleased) this.#close(descriptor);
  }

  /** The maker needs the file no more: closes it, at once or after the last pin. */
  release(descriptor: Descriptor): void {
    descriptor.isReleased = true;
    if (descriptor.pins === 0) this.#close(descriptor);
  }

  /** Closes every file that is not pinned; used ones open again. */
  closeAll(): void {
    while (this.#closeOldest());
  }

  #open(descriptor: Descriptor): number {
    for (;;) {
      try {
        return this.fs.open(descriptor.path, descriptor.mode);
      } catch (error) {
        // Others in the process hold descriptors too: give up some of ours before giving up.
        if (!isFileError(error, 'too-many-files') || !this.#closeOldest()) throw error;
      }
    }
  }

  #closeOldest(): boolean {
    let candidate = this.#oldest;
    while (candidate !== null && candidate.pins > 0) candidate = candidate.newer;
    if (candidate === null) return false;
    this.#close(candidate);
    return true;
  }

  #close(descriptor: Descriptor): void {
    if (descriptor.fd < 0) return;
    const fd = descriptor.fd;
    descriptor.fd = -1;
    this.#unlink(descriptor);
    this.#openCount--;
    try {
      this.fs.close(fd);
    } catch (error) {
      // The number is free again all the same, and whether bytes are on the disk is not asked here but of `sync`. Who
      // happened to need a place in the cache must not fail for another's file.
      if (!isFileError(error)) throw error;
    }
  }

  #link(descriptor: Descriptor): void {
    descriptor.older = this.#newest;
    descriptor.newer = null;
    if (this.#newest !== null) this.#newest.newer = descriptor;
    this.#newest = descriptor;
    if (this.#oldest === null) this.#oldest = descriptor;
  }

  #unlink(descriptor: Descriptor): void {
    if (descriptor.newer !== null) descriptor.newer.older = descriptor.older;
    else this.#newest = descriptor.older;
    if (descriptor.older !== null) descriptor.older.newer = descriptor.newer;
    else this.#oldest = descriptor.newer;
    descriptor.newer = null;
    descriptor.older = null;
  }
}

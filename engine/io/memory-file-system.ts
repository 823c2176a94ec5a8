/**
 * Files in the memory of one thread: for tests, and for a broker that keeps nothing. Sparse as real files are:
 * what was never written takes no space and reads as zeros.
 *
 * Not shared between threads. An unlinked file lives on for those who have it open, as on a real system.
 */

import {
  FileError,
  type FileErrorCode,
  type FileSystem,
  type OpenMode,
  UNKNOWN_VOLUME,
  type Volume,
} from './file-system.ts';

const PAGE_BYTES = 16 * 1024;

export class MemoryFile {
  modifiedMs = 0;
  #pages = new Map<number, Uint8Array>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  read(bytes: Uint8Array, at: number, size: number, position: number): number {
    const end = Math.min(position + size, this.#size);
    for (let from = position; from < end; ) {
      const page = Math.floor(from / PAGE_BYTES);
      const inPage = from - page * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - inPage, end - from);
      const to = at + (from - position);
      const source = this.#pages.get(page);
      if (source === undefined) bytes.fill(0, to, to + count);
      else bytes.set(source.subarray(inPage, inPage + count), to);
      from += count;
    }
    return Math.max(0, end - position);
  }

  write(bytes: Uint8Array, at: number, size: number, position: number): void {
    const end = position + size;
    for (let from = position; from < end; ) {
      const page = Math.floor(from / PAGE_BYTES);
      const inPage = from - page * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - inPage, end - from);
      let target = this.#pages.get(page);
      if (target === undefined) {
        target = new Uint8Array(PAGE_BYTES);
        this.#pages.set(page, target);
      }
      const source = at + (from - position);
      target.set(bytes.subarray(source, source + count), inPage);
      from += count;
    }
    if (end > this.#size) this.#size = end;
  }

  truncate(size: number): void {
    if (size < this.#size) {
      const last = Math.floor(size / PAGE_BYTES);
      for (const page of this.#pages.keys()) if (page > last) this.#pages.delete(page);
      this.#pages.get(last)?.fill(0, size - last * PAGE_BYTES);
    }
    this.#size = size;
  }

  clone(): MemoryFile {
    const copy = new MemoryFile();
    copy.#size = this.#size;
    for (const [page, bytes] of this.#pages) copy.#pages.set(page, bytes.slice());
    return copy;
  }
}

function fail(code: FileErrorCode, operation: string, path: string): never {
  throw new FileError(code, `${operation} ${path}: ${code}`, { operation, path });
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

export class MemoryFileSystem implements FileSystem {
  /** Every file by its path. A test may look, or plant one. */
  readonly files = new Map<string, MemoryFile>();
  readonly directories = new Set<string>(['/']);
  /** What it says of itself; there is no bound. */
  volumeSize: Volume = UNKNOWN_VOLUME;
  #open = new Map<number, MemoryFile>();
  #nextFd = 1000;

  /** Descriptors that were not closed. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The file behind a descriptor. */
  fileOf(fd: number): MemoryFile {
    return this.#open.get(fd) ?? fail('io', 'use', `fd ${fd}`);
  }

  open(path: string, mode: OpenMode): number {
    let file = this.files.get(path);
    if (file === undefined) {
      if (mode !== 'create' || !this.directories.has(parentOf(path))) {
        fail('not-found', 'open', path);
      }
      file = new MemoryFile();
      this.files.set(path, file);
    }
    const fd = this.#nextFd++;
    this.#open.set(fd, file);
    return fd;
  }

  close(fd: number): void {
    if (!this.#open.delete(fd)) fail('io', 'close', `fd ${fd}`);
  }

  pread(fd: number, bytes: Uint8Array, at: number, size: number, position: number): number {
    return this.fileOf(fd).read(bytes, at, size, position);
  }

  pwrite(fd: number, bytes: Uint8Array, at: number, size: number, position: number): void {
    this.fileOf(fd).write(bytes, at, size, position);
  }

  truncate(fd: number, size: number): void {
    this.fileOf(fd).truncate(size);
  }

  size(fd: number): number {
    return this.fileOf(fd).size;
  }

  sync(fd: number): void {
    this.fileOf(fd);
  }

  readdir(path: string): string[] {
    if (!this.directories.has(path)) fail('not-found', 'readdir', path);
    const prefix = path === '/' ? '/' : `${path}/`;
    const names: string[] = [];
    for (const all of [this.files.keys(), this.directories.keys()]) {
      for (const name of all) {
        if (name.length > prefix.length && name.startsWith(prefix)) {
          const rest = name.slice(prefix.length);
          if (!rest.includes('/')) names.push(rest);
        }
      }
    }
    return names;
  }

  mkdir(path: string): void {
    for (let at = path; !this.directories.has(at); at = parentOf(at)) {
      if (this.files.has(at)) fail('exists', 'mkdir', path);
      this.directories.add(at);
    }
  }

  rename(from: string, to: string): void {
    const file = this.files.get(from);
    if (file !== undefined) {
      this.files.delete(from);
      this.files.set(to, file);
      return;
    }
    if (!this.directories.has(from)) fail('not-found', 'rename', from);
    if (this.directories.has(to)) {
      if (this.readdir(to).length > 0) fail('not-empty', 'rename', from);
      this.directories.delete(to);
    }
    const moved = (path: string): string => to + path.slice(from.length);
    for (const path of [...this.directories]) {
      if (path === from || path.startsWith(`${from}/`)) {
        this.directories.delete(path);
        this.directories.add(moved(path));
      }
    }
    for (const [path, each] of [...this.files]) {
      if (path.startsWith(`${from}/`)) {
        this.files.delete(path);
        this.files.set(moved(path), each);
      }
    }
  }

  link(from: string, to: string): void {
    const file = this.files.get(from);
    if (file === undefined || !this.directories.has(parentOf(to))) fail('not-found', 'link', from);
    if (this.exists(to)) fail('exists', 'link', from);
    this.files.set(to, file);
  }

  unlink(path: string): void {
    if (!this.files.delete(path)) fail('not-found', 'unlink', path);
  }

  rmdir(path: string): void {
    if (!this.directories.has(path)) fail('not-found', 'rmdir', path);
    if (this.readdir(path).length > 0) fail('not-empty', 'rmdir', path);
    this.directories.delete(path);
  }

  exists(path: string): boolean {
    return this.files.has(path) || this.directories.has(path);
  }

  /** As a test has set it: there is no clock here. */
  modifiedMs(path: string): number {
    return (this.files.get(path) ?? fail('not-found', 'modifiedMs', path)).modifiedMs;
  }

  readFile(path: string): Buffer {
    const file = this.files.get(path) ?? fail('not-found', 'readFile', path);
    const bytes = Buffer.alloc(file.size);
    file.read(bytes, 0, file.size, 0);
    return bytes;
  }

  writeFileAtomic(path: string, bytes: Uint8Array, _sync: boolean): void {
    if (!this.directories.has(parentOf(path))) fail('not-found', 'writeFileAtomic', path);
    const file = new MemoryFile();
    file.write(bytes, 0, bytes.length, 0);
    this.files.set(path, file);
  }

  syncDir(path: string): void {
    if (!this.directories.has(path)) fail('not-found', 'syncDir', path);
  }

  volume(): Volume {
    return this.volumeSize;
  }

  async preadAsync(
    fd: number,
    bytes: Uint8Array,
    at: number,
    size: number,
    position: number,
  ): Promise<number> {
    return this.pread(fd, bytes, at, size, position);
  }

  async syncAsync(fd: number): Promise<void> {
    this.sync(fd);
  }

  async unlinkAsync(path: string): Promise<void> {
    this.unlink(path);
  }

  async rmdirAsync(path: string): Promise<void> {
    this.rmdir(path);
  }
}

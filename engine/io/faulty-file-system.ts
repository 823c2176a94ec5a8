/**
 * A file system in memory that behaves as badly as a real one may: it fails the n-th call, tears writes, dies in
 * the middle of a call, and after a power failure has forgotten what was not synced. For tests.
 *
 * The model of a power failure: of the bytes written since a file's last sync each page of 512 bytes either
 * survives or not, independently; truncations likewise. Directory entries (create, rename, unlink, mkdir) are
 * journaled as ext4 and xfs do: of the operations since the last `syncDir` a prefix survives. Everything is
 * drawn from a seeded generator. A kill of the process alone forgets nothing, but may tear the call it hit.
 */

import {
  FileError,
  type FileErrorCode,
  type FileSystem,
  type OpenMode,
  type Volume,
} from './file-system.ts';
import { MemoryFile, MemoryFileSystem } from './memory-file-system.ts';

const SECTOR_BYTES = 512;

/** Thrown by the call that the machine or the process dies in, and by all after it until `restart`. */
export class CrashError extends Error {}

export type FaultyOperation =
  | 'open'
  | 'close'
  | 'pread'
  | 'pwrite'
  | 'truncate'
  | 'size'
  | 'sync'
  | 'readdir'
  | 'mkdir'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'rmdir'
  | 'readFile'
  | 'writeFileAtomic'
  | 'syncDir';

/** What to do at the n-th call (from 1, counted from when the fault is set). */
export interface Fault {
  readonly call: number;
  /** Count only calls of this operation. */
  readonly operation?: FaultyOperation;
  /** Fail with this error; 'crash': die there. */
  readonly kind: FileErrorCode | 'crash';
  /** Fail every later one as well, until the fault is cleared. */
  readonly isLasting?: boolean;
}

interface UnsyncedWrite {
  /** Null: a truncation. */
  readonly bytes: Uint8Array | null;
  readonly position: number;
}

/** What is on the disk of one file, and what was done to it since. */
interface Durable {
  content: MemoryFile;
  since: UnsyncedWrite[];
}

interface Names {
  readonly files: Map<string, MemoryFile>;
  readonly directories: Set<string>;
}

/** Numbers in [0, 1), reproducible. */
export type Random = () => number;

export class FaultyFileSystem implements FileSystem {
  memory = new MemoryFileSystem();
  /** Calls so far, of all operations. */
  callCount = 0;
  #random: Random;
  #fault: Fault | null = null;
  #faultCalls = 0;
  /** Whether the fault that was set last has struck. */
  hasStruck = false;
  #isDead = false;
  #durable = new Map<MemoryFile, Durable>();
  /** States of all names since the last directory sync; the first is surely on the disk. */
  #journal: Names[];

  constructor(random: Random) {
    this.#random = random;
    this.#journal = [this.#names()];
  }

  /** Sets what goes wrong next, or nothing. */
  setFault(fault: Fault | null): void {
    this.#fault = fault;
    this.#faultCalls = 0;
    this.hasStruck = false;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** After a crash, or at any moment: what a new process finds. All descriptors are gone. */
  restart(kind: 'kill' | 'power'): void {
    this.#isDead = false;
    this.setFault(null);
    const next = new MemoryFileSystem();
    const names =
      kind === 'kill' ? this.#names() : this.#pick(this.#journal.concat([this.#names()]));
    for (const path of names.directories) next.directories.add(path);
    // A file of several names comes back as one file.
    const survivors = new Map<MemoryFile, MemoryFile>();
    for (const [path, file] of names.files) {
      if (!survivors.has(file)) survivors.set(file, kind === 'kill' ? file : this.#survivor(file));
      next.files.set(path, survivors.get(file)!);
    }
    this.memory = next;
    if (kind === 'power') {
      // What survived is on the disk now.
      this.#durable.clear();
      for (const file of next.files.values()) {
        this.#durable.set(file, { content: file.clone(), since: [] });
      }
      this.#journal = [this.#names()];
    }
  }

  open(path: string, mode: OpenMode): number {
    this.#before('open', path);
    const existed = this.memory.files.has(path);
    const fd = this.memory.open(path, mode);
    if (!existed) this.#named();
    return fd;
  }

  close(fd: number): void {
    this.#before('close', `fd ${fd}`);
    this.memory.close(fd);
  }

  pread(fd: number, bytes: Uint8Array, at: number, size: number, position: number): number {
    this.#before('pread', `fd ${fd}`);
    return this.memory.pread(fd, bytes, at, size, position);
  }

  pwrite(fd: number, bytes: Uint8Array, at: number, size: number, position: number): void {
    const file = this.memory.fileOf(fd);
    const kind = this.#strikes('pwrite');
    const done = kind === null ? size : Math.floor(this.#random() * size);
    if (done > 0) {
      this.#since(file).push({ bytes: Uint8Array.from(bytes.subarray(at, at + done)), position });
      this.memory.pwrite(fd, bytes, at, done, position);
    }
    if (kind !== null) this.#strike(kind, 'pwrite', `fd ${fd}`);
  }

  truncate(fd: number, size: number): void {
    this.#before('truncate', `fd ${fd}`);
    this.#since(this.memory.fileOf(fd)).push({ bytes: null, position: size });
    this.memory.truncate(fd, size);
  }

  size(fd: number): number {
    this.#before('size', `fd ${fd}`);
    return this.memory.size(fd);
  }

  sync(fd: number): void {
    this.#before('sync', `fd ${fd}`);
    const file = this.memory.fileOf(fd);
    this.#durable.set(file, { content: file.clone(), since: [] });
  }

  readdir(path: string): string[] {
    this.#before('readdir', path);
    return this.memory.readdir(path);
  }

  mkdir(path: string): void {
    this.#before('mkdir', path);
    this.memory.mkdir(path);
    this.#named();
  }

  rename(from: string, to: string): void {
    this.#before('rename', from);
    this.memory.rename(from, to);
    this.#named();
  }

  link(from: string, to: string): void {
    this.#before('link', from);
    this.memory.link(from, to);
    this.#named();
  }

  unlink(path: string): void {
    this.#before('unlink', path);
    this.memory.unlink(path);
    this.#named();
  }

  rmdir(path: string): void {
    this.#before('rmdir', path);
    this.memory.rmdir(path);
    this.#named();
  }

  exists(path: string): boolean {
    if (this.#isDead) throw new CrashError('the process is dead');
    return this.memory.exists(path);
  }

  modifiedMs(path: string): number {
    return this.memory.modifiedMs(path);
  }

  readFile(path: string): Buffer {
    this.#before('readFile', path);
    return this.memory.readFile(path);
  }

  /** Without `sync` the new name may survive a power failure with bytes that did not. */
  writeFileAtomic(path: string, bytes: Uint8Array, sync: boolean): void {
    this.#before('writeFileAtomic', path);
    this.memory.writeFileAtomic(path, bytes, sync);
    const file = this.memory.files.get(path)!;
    if (sync) this.#durable.set(file, { content: file.clone(), since: [] });
    else this.#since(file).push({ bytes: Uint8Array.from(bytes), position: 0 });
    this.#named();
    if (sync) this.#journal = [this.#names()];
  }

  syncDir(path: string): void {
    this.#before('syncDir', path);
    this.memory.syncDir(path);
    this.#journal = [this.#names()];
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

  #names(): Names {
    return {
      files: new Map(this.memory.files),
      directories: new Set(this.memory.directories),
    };
  }

  #named(): void {
    this.#journal.push(this.#names());
  }

  volume(): Volume {
    return this.memory.volume();
  }

  #pick(states: Names[]): Names {
    return states[Math.floor(this.#random() * states.length)]!;
  }

  #since(file: MemoryFile): UnsyncedWrite[] {
    let durable = this.#durable.get(file);
    if (durable === undefined) {
      durable = { content: new MemoryFile(), since: [] };
      this.#durable.set(file, durable);
    }
    return durable.since;
  }

  #survivor(file: MemoryFile): MemoryFile {
    const durable = this.#durable.get(file);
    if (durable === undefined) return new MemoryFile();
    const survivor = durable.content.clone();
    // How much survives differs from crash to crash: nothing, all, or any share between.
    const share = Math.min(1, Math.max(0, this.#random() * 1.5 - 0.25));
    for (const { bytes, position } of durable.since) {
      if (bytes === null) {
        if (this.#random() < share) survivor.truncate(position);
        continue;
      }
      for (let at = 0; at < bytes.length; ) {
        const sectorEnd = (Math.floor((position + at) / SECTOR_BYTES) + 1) * SECTOR_BYTES;
        const count = Math.min(bytes.length - at, sectorEnd - (position + at));
        if (this.#random() < share) survivor.write(bytes, at, count, position + at);
        at += count;
      }
    }
    return survivor;
  }

  #before(operation: FaultyOperation, path: string): void {
    const kind = this.#strikes(operation);
    if (kind !== null) this.#strike(kind, operation, path);
  }

  #strikes(operation: FaultyOperation): FileErrorCode | 'crash' | null {
    if (this.#isDead) throw new CrashError('the process is dead');
    this.callCount++;
    const fault = this.#fault;
    if (fault === null) return null;
    if (fault.operation !== undefined && fault.operation !== operation) return null;
    this.#faultCalls++;
    const isLater = fault.isLasting === true && this.#faultCalls > fault.call;
    return this.#faultCalls === fault.call || isLater ? fault.kind : null;
  }

  #strike(kind: FileErrorCode | 'crash', operation: string, path: string): never {
    this.hasStruck = true;
    if (kind === 'crash') {
      this.#isDead = true;
      throw new CrashError(`the process died in ${operation} ${path}`);
    }
    throw new FileError(kind, `${operation} ${path}: injected ${kind}`, { operation, path });
  }
}

/**
 * The file system as a port: every file operation of the engine goes through it, so tests put one in its place
 * that forgets what was not synced or fails the n-th call. Synchronous, because the hot path is: a call costs
 * about a microsecond, a round trip through the thread pool twenty. The few asynchronous ones are for cold reads,
 * background flushes and for removing what is out of use, which may take milliseconds.
 *
 * Errors are mapped here, once, to `MillraceError` with a code of `FileErrorCode`: callers never see errno.
 * Descriptors are numbers of the whole process; who opened one closes it. Knows nothing of what files hold.
 */

import { MillraceError } from '../base/errors.ts';

export type FileErrorCode =
  | 'not-found'
  | 'exists'
  | 'not-empty'
  | 'not-directory'
  | 'disk-full'
  | 'too-many-files'
  | 'denied'
  | 'io';

export interface FileErrorData {
  readonly operation: string;
  readonly path: string;
}

export class FileError extends MillraceError<FileErrorCode, FileErrorData> {}

/** Whether `error` came from a file system and is of kind `code` when one is given. */
export function isFileError(error: unknown, code?: FileErrorCode): error is FileError {
  return error instanceof FileError && (code === undefined || error.code === code);
}

/** `read`: must exist. `write`: read and write, must exist. `create`: read and write, made when missing. */
export type OpenMode = 'read' | 'write' | 'create';

/** All its bytes, and those this process may still use; -1 each where nobody knows. */
export interface Volume {
  readonly totalBytes: number;
  readonly usableBytes: number;
}

export const UNKNOWN_VOLUME: Volume = { totalBytes: -1, usableBytes: -1 };

export interface FileSystem {
  open(path: string, mode: OpenMode): number;
  close(fd: number): void;
  /** Reads up to `size` bytes into `bytes` from `at`; returns how many, fewer only at the end of the file. */
  pread(fd: number, bytes: Uint8Array, at: number, size: number, position: number): number;
  /** Writes all `size` bytes of `bytes` from `at`, or throws; then any prefix of them may have been written. */
  pwrite(fd: number, bytes: Uint8Array, at: number, size: number, position: number): void;
  /** Cuts the file, or extends it with zeros that take no space. */
  truncate(fd: number, size: number): void;
  size(fd: number): number;
  /** Data and size of the file are on the disk when it returns (fdatasync). */
  sync(fd: number): void;

  /** Names in a directory, in no order. */
  readdir(path: string): string[];
  /** Makes the directory and its missing parents; nothing happens when it exists. */
  mkdir(path: string): void;
  /** Renames; a file of the new name is replaced. Atomic. */
  rename(from: string, to: string): void;
  /**
   * Gives a file another name: the same file, which goes when its last name goes. Throws when the name is taken; and where a
   * file system knows of one name only, or counts no further.
   */
  link(from: string, to: string): void;
  unlink(path: string): void;
  rmdir(path: string): void;
  exists(path: string): boolean;
  /** When the file was last written, in ms since the epoch. */
  modifiedMs(path: string): number;
  /** The whole file: for small ones. */
  readFile(path: string): Buffer;
  /**
   * Replaces the file as a whole: after a crash it holds either the old or the new bytes. With `sync` the new
   * ones are on the disk when it returns; without, they are after some later sync of the system.
   */
  writeFileAtomic(path: string, bytes: Uint8Array, sync: boolean): void;
  /** The directory's entries are on the disk when it returns. */
  syncDir(path: string): void;
  /** The size of the volume that the path lies on. */
  volume(path: string): Volume;

  preadAsync(
    fd: number,
    bytes: Uint8Array,
    at: number,
    size: number,
    position: number,
  ): Promise<number>;
  syncAsync(fd: number): Promise<void>;
  unlinkAsync(path: string): Promise<void>;
  rmdirAsync(path: string): Promise<void>;
}

/** Suffix of the file that `writeFileAtomic` writes first; whoever lists a directory may delete leftovers. */
export const TEMPORARY_SUFFIX = '.tmp';

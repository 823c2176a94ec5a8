/**
 * The file system of the machine, through `node:fs`: the only file of the engine that imports it. Calls take
 * position and size as numbers, so nothing is allocated on the hot path.
 *
 * Any thread. Short reads and writes are continued here; errors are mapped to `FileError`.
 */

import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../base/errors.ts';
import {
  FileError,
  type FileErrorCode,
  type FileSystem,
  type OpenMode,
  TEMPORARY_SUFFIX,
  UNKNOWN_VOLUME,
} from './file-system.ts';

const CODES: Readonly<Record<string, FileErrorCode>> = {
  ENOENT: 'not-found',
  EEXIST: 'exists',
  ENOTEMPTY: 'not-empty',
  ENOTDIR: 'not-directory',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EMFILE: 'too-many-files',
  ENFILE: 'too-many-files',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
};

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
};

function mapped(operation: string, path: string, error: unknown): FileError {
  const errno = (error as { code?: unknown }).code;
  const code = (typeof errno === 'string' ? CODES[errno] : undefined) ?? 'io';
  const text = `${operation} ${path}: ${messageOf(error)}`;
  return new FileError(code, text, { operation, path }, error);
}

function nameOf(fd: number): string {
  return `fd ${fd}`;
}

function unfinishedWrite(fd: number): FileError {
  const path = nameOf(fd);
  return new FileError('io', `pwrite ${path}: nothing was written`, { operation: 'pwrite', path });
}

export const realFileSystem: FileSystem = {
  open(path, mode) {
    try {
      return fs.openSync(path, FLAGS[mode], 0o644);
    } catch (error) {
      throw mapped('open', path, error);
    }
  },

  close(fd) {
    try {
      fs.closeSync(fd);
    } catch (error) {
      throw mapped('close', nameOf(fd), error);
    }
  },

  pread(fd, bytes, at, size, position) {
    try {
      let done = fs.readSync(fd, bytes, at, size, position);
      while (done < size) {
        const more = fs.readSync(fd, bytes, at + done, size - done, position + done);
        if (more === 0) break;
        done += more;
      }
      return done;
    } catch (error) {
      throw mapped('pread', nameOf(fd), error);
    }
  },

  pwrite(fd, bytes, at, size, position) {
    let done = 0;
    try {
      done = fs.writeSync(fd, bytes, at, size, position);
      while (done < size) {
        const more = fs.writeSync(fd, bytes, at + done, size - done, position + done);
        if (more === 0) break;
        done += more;
      }
    } catch (error) {
      throw mapped('pwrite', nameOf(fd), error);
    }
    if (done < size) throw unfinishedWrite(fd);
  },

  truncate(fd, size) {
    try {
      fs.ftruncateSync(fd, size);
    } catch (error) {
      throw mapped('truncate', nameOf(fd), error);
    }
  },

  size(fd) {
    try {
      return fs.fstatSync(fd).size;
    } catch (error) {
      throw mapped('size', nameOf(fd), error);
    }
  },

  sync(fd) {
    try {
      fs.fdatasyncSync(fd);
    } catch (error) {
      throw mapped('sync', nameOf(fd), error);
    }
  },

  readdir(path) {
    try {
      return fs.readdirSync(path);
    } catch (error) {
      throw mapped('readdir', path, error);
    }
  },

  mkdir(path) {
    try {
      fs.mkdirSync(path, { recursive: true });
    } catch (error) {
      throw mapped('mkdir', path, error);
    }
  },

  rename(from, to) {
    try {
      fs.renameSync(from, to);
    } catch (error) {
      throw mapped('rename', from, error);
    }
  },

  link(from, to) {
    try {
      fs.linkSync(from, to);
    } catch (error) {
      throw mapped('link', from, error);
    }
  },

  unlink(path) {
    try {
      fs.unlinkSync(path);
    } catch (error) {
      throw mapped('unlink', path, error);
    }
  },

  rmdir(path) {
    try {
      fs.rmdirSync(path);
    } catch (error) {
      throw mapped('rmdir', path, error);
    }
  },

  exists(path) {
    return fs.existsSync(path);
  },

  modifiedMs(path) {
    try {
      return Math.floor(fs.statSync(path).mtimeMs);
    } catch (error) {
      throw mapped('modifiedMs', path, error);
    }
  },

  readFile(path) {
    try {
      return fs.readFileSync(path);
    } catch (error) {
      throw mapped('readFile', path, error);
    }
  },

  // Steps: 1. write a temporary file beside, 2. sync it, 3. rename it over, 4. sync the directory. A crash up to
  // 3 leaves the old file and a leftover to delete; step 2 before 3 keeps the new name from an empty file.
  writeFileAtomic(path, bytes, sync) {
    const temporary = path + TEMPORARY_SUFFIX;
    try {
      const fd = fs.openSync(temporary, 'w', 0o644);
      try {
        let done = 0;
        while (done < bytes.length) {
          done += fs.writeSync(fd, bytes, done, bytes.length - done, done);
        }
        if (sync) fs.fdatasyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(temporary, path);
    } catch (error) {
      throw mapped('writeFileAtomic', path, error);
    }
    if (sync) realFileSystem.syncDir(dirname(path));
  },

  syncDir(path) {
    try {
      const fd = fs.openSync(path, fs.constants.O_RDONLY);
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw mapped('syncDir', path, error);
    }
  },

  preadAsync(fd, bytes, at, size, position) {
    return new Promise((resolve, reject) => {
      let done = 0;
      const next = (): void => {
        fs.read(fd, bytes, at + done, size - done, position + done, (error, count) => {
          if (error !== null) {
            reject(mapped('pread', nameOf(fd), error));
            return;
          }
          done += count;
          if (count === 0 || done === size) resolve(done);
          else next();
        });
      };
      next();
    });
  },

  syncAsync(fd) {
    return new Promise((resolve, reject) => {
      fs.fdatasync(fd, (error) => {
        if (error === null) resolve();
        else reject(mapped('sync', nameOf(fd), error));
      });
    });
  },

  unlinkAsync(path) {
    return new Promise((resolve, reject) => {
      fs.unlink(path, (error) => {
        if (error === null) resolve();
        else reject(mapped('unlink', path, error));
      });
    });
  },

  volume(path) {
    try {
      const { blocks, bavail, bsize } = fs.statfsSync(path);
      return { totalBytes: blocks * bsize, usableBytes: bavail * bsize };
    } catch {
      return UNKNOWN_VOLUME;
    }
  },

  rmdirAsync(path) {
    return new Promise((resolve, reject) => {
      fs.rmdir(path, (error) => {
        if (error === null) resolve();
        else reject(mapped('rmdir', path, error));
      });
    });
  },
};

/** How many files and sockets this process may have open (`ulimit -n`; Node has raised it as far as it may); Infinity: unknown. */
export function openFilesLimit(): number {
  try {
    const limits = fs.readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    // No such file: another system.
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * A number that the kernel draws anew at every boot, or null where there is none (not Linux). While it is the
 * same, whatever was written before is in the page cache or on the disk, even if the writing process was killed.
 */
export function kernelBootId(): string | null {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    // No such file: another system. Then every start looks at the tail with its checksums.
    return null;
  }
}

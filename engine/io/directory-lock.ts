/**
 * Keeps a second process out of a data directory: a file there holds the id of the process that uses it. What a killed
 * process left behind is recognised and taken over: its process is gone, or the id belongs to a process that started later.
 *
 * Main thread. Takes effect on one machine; file systems shared between machines are not guarded.
 */

import { closeSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { MillraceError } from '../base/errors.ts';

const LOCK_FILE = '.millrace.lock';
/** Takeovers tried when several processes find the same leftover. */
const ATTEMPTS_MAX = 5;

/** Directories locked by this very process, which its own id in the file cannot tell from a leftover. */
const heldHere = new Set<string>();

export interface DirectoryLock {
  release(): void;
}

/** Locks a directory, made when missing. Throws `MillraceError` 'data-dir-in-use' that names the holder. */
export function lockDirectory(directory: string): DirectoryLock {
  mkdirSync(directory, { recursive: true });
  const path = `${directory}/${LOCK_FILE}`;
  if (heldHere.has(path)) failInUse(directory, process.pid);
  for (let attempt = 1; ; attempt++) {
    if (tryCreate(path)) break;
    const holder = readHolder(path);
    if (holder !== null && isHolderAlive(holder)) failInUse(directory, holder.pid);
    if (attempt === ATTEMPTS_MAX) failInUse(directory, holder?.pid ?? -1);
    removeLeftover(path);
  }
  heldHere.add(path);
  return {
    release() {
      if (!heldHere.delete(path)) return;
      removeLeftover(path);
    },
  };
}

interface Holder {
  readonly pid: number;
  /** When the process started, in the kernel's ticks; null where the system does not tell. */
  readonly startedAt: string | null;
}

function tryCreate(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeSync(fd, `${process.pid} ${startOf(process.pid) ?? '-'}\n`);
  closeSync(fd);
  return true;
}

/** Null when the file is not readable as a lock: whoever wrote it died in the middle. */
function readHolder(path: string): Holder | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  const match = /^(\d+) (\S+)\n$/.exec(text);
  if (match === null) return null;
  return { pid: Number(match[1]), startedAt: match[2] === '-' ? null : match[2]! };
}

function isHolderAlive({ pid, startedAt }: Holder): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const fields = statOf(pid);
  // Killed, and its parent has not asked for it yet: a process in name only, which may stay for as long as the parent.
  if (fields?.[STATE] === 'Z' || fields?.[STATE] === 'X') return false;
  const started = fields?.[STARTED] ?? null;
  return startedAt === null || started === null || started === startedAt;
}

function startOf(pid: number): string | null {
  return statOf(pid)?.[STARTED] ?? null;
}

/** Fields 3 and 22 of /proc/PID/stat, counted from behind the command, which stands in brackets and may hold blanks. */
const STATE = 0;
const STARTED = 19;

function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function removeLeftover(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function failInUse(directory: string, pid: number): never {
  throw new MillraceError(
    'data-dir-in-use',
    `data directory ${directory} is in use by process ${pid}`,
    { directory, pid },
  );
}

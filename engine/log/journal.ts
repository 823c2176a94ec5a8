/**
 * The journal of a shard: one file in which the durable appends of a pass, of however many logs, are on the disk with a single
 * sync. The logs' segments are written as ever, into the page cache; a background flush syncs them later. A power failure in
 * between is mended at the next start, which writes the journal's entries back (journal-replay.ts).
 *
 * Two halves are written in turn. A half begins a new life when the segments of every log with bytes in it are on the disk.
 * While that is not so, nothing more is written and the logs are synced one by one: that is the back-pressure. The order that
 * makes a half safe to use again:
 *   1. every log in the half has its recovery point beyond its entries there: nobody needs them
 *   2. the page that begins the new life is written and synced (a crash now: either the old life, whole, or an empty one)
 *   3. frames are written over the old ones
 * Step 2 before 3: of a half-overwritten life the start could otherwise take a first entry without the void that follows it.
 *
 * Entries are void when their log was truncated or deleted: a void entry is on the disk before the first byte is cut. It lies
 * in the same half as the entries or in the one that was begun later, so it lives at least as long.
 *
 * A write that fails leaves the journal as it was. After a sync that failed nothing more is written to it: what it holds of
 * earlier passes stays good, later passes sync the files. An offline log keeps its half until the next start: its segment
 * may lack what was acknowledged. Where no void entry can be written for one of these reasons, the journal is given up, and
 * names whose entries are void stand in a small file beside it.
 *
 * The shard's thread. The file is made with the first pass of several durable logs.
 */

import { messageOf } from '../base/errors.ts';
import {
  JOURNAL_FILL_BYTES,
  JOURNAL_FRAME_BYTES_MAX,
  JOURNAL_HALF_BYTES,
  JOURNAL_LOG_BYTES_MAX,
} from '../base/limits.ts';
import { EntryKind, FrameBuilder, formatLife, JOURNAL_PAGE_BYTES } from '../format/journal.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';
import { Cursor } from './cursor.ts';
import { removeJournal, removeVoidNames, writeVoidNames } from './journal-files.ts';
import { concludeJournal, trySync, unsafePosition } from './log-flush.ts';
import type { LogState } from './log-state.ts';

export interface JournalOptions {
  readonly fs: FileSystem;
  /** There must be no such file: who replays an old one removes it. */
  readonly path: string;
  /** The directory it lies in. */
  readonly directory: string;
  readonly halfBytes?: number;
  readonly frameBytesMax?: number;
  /** One line for the operator. */
  readonly log?: (line: string) => void;
}

/** Where in the file a half lies, and the life it is in. */
interface Half {
  readonly at: number;
  generation: number;
  /** The next frame: where, relative to `at`, and its number. */
  position: number;
  sequence: number;
  /** Up to here the file was written in this process; beyond it a write changes the file system's own records too. */
  filledTo: number;
  /** Logs with entries, and the offset up to which the half has each. */
  readonly logs: Map<LogState, number>;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #halfBytes: number;
  readonly #halves: readonly [Half, Half];
  #current = 1;
  #generation = 0;
  #fd = -1;
  #isNamed = false;
  #isBroken = false;
  #hasTurned = false;
  #frame: FrameBuilder | null = null;
  readonly #taken: LogState[] = [];
  /** Logs whose entries are void, when the file itself cannot say so. */
  readonly #voidNames: string[] = [];

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#halfBytes = options.halfBytes ?? JOURNAL_HALF_BYTES;
    // Before its first life a half is full.
    const half = (at: number): Half => {
      const position = this.#halfBytes;
      return { at, generation: 0, position, sequence: 0, filledTo: 0, logs: new Map() };
    };
    this.#halves = [half(0), half(this.#halfBytes)];
  }

  /** Whether the file has entries of the log that a start would take. */
  holds(log: LogState): boolean {
    return this.#halves.some(({ logs }) => logs.has(log));
  }

  /** Whether the half that was left last cannot be used again before this log is flushed. */
  isWaitingFor(log: LogState): boolean {
    const end = this.#halves[1 - this.#current]!.logs.get(log);
    return end !== undefined && end > log.cursor[Cursor.RECOVERY_POINT]!;
  }

  /** Whether a half was left since this was last asked: then flushes of the logs in it are wanted. */
  takeTurn(): boolean {
    const hasTurned = this.#hasTurned;
    this.#hasTurned = false;
    return hasTurned;
  }

  /**
   * Takes what the log has pending into the frame under way; a full one goes to the disk first. False: it is too much, or more
   * than the tail of the active segment, or the journal is not used any more; then the log's files are to be synced.
   */
  take(log: LogState): boolean {
    if (this.#isBroken || log.isInFrame) return false;
    const from = unsafePosition(log);
    const size = log.cursor[Cursor.ACTIVE_POSITION]! - from;
    if (from < 0 || size <= 0 || size > JOURNAL_LOG_BYTES_MAX) return false;
    this.#frame ??= new FrameBuilder(this.#options.frameBytesMax ?? JOURNAL_FRAME_BYTES_MAX);
    const target = targetOf(log, from);
    if (!this.#frame.hasRoom(target, size)) this.commit();
    if (!this.#frame.hasRoom(target, size)) return false;
    const at = this.#frame.add(EntryKind.BYTES, target, size);
    if (!isRead(log, this.#frame.bytes, at, size, from)) {
      this.#frame.drop(target, at);
      return false;
    }
    log.isInFrame = true;
    this.#taken.push(log);
    return true;
  }

  /** Brings the frame to the disk; then what was taken is safe. When that fails the logs need their sync as before. */
  commit(): void {
    if (this.#taken.length === 0) return;
    const isSafe = this.#put();
    for (const log of this.#taken) {
      log.isInFrame = false;
      if (isSafe) concludeJournal(log);
    }
    this.#taken.length = 0;
    this.#frame!.clear();
  }

  /** Makes what the file has of the log void, on the disk when this returns. Throws FileError. */
  void(log: LogState): void {
    if (!this.holds(log)) return;
    this.#frame ??= new FrameBuilder(this.#options.frameBytesMax ?? JOURNAL_FRAME_BYTES_MAX);
    this.#frame.add(EntryKind.VOID, targetOf(log, 0), 0);
    const isVoid = this.#put(log) || (this.#freeOther(log) && this.#put(log));
    this.#frame.clear();
    if (!isVoid) this.#voidBeside(log.name);
    for (const { logs } of this.#halves) logs.delete(log);
  }

  #voidBeside(name: string): void {
    const { fs, path } = this.#options;
    this.#break(`no room to make ${name} void`);
    this.#voidNames.push(name);
    writeVoidNames(fs, path, this.#voidNames);
  }

  /** Removes the file when every log in it is flushed; else it stays for the next start. The logs must be closed before. */
  close(): void {
    if (this.#fd < 0) return;
    const { fs, path, directory, log } = this.#options;
    try {
      fs.close(this.#fd);
      this.#fd = -1;
      if (this.#halves.every((half) => isFree(half, null))) {
        removeJournal(fs, path, directory);
      }
    } catch (error) {
      if (!isFileError(error)) throw error;
      log?.(`${path}: ${error.message}`);
    }
  }

  /** Writes the frame under way behind the last one and syncs it. Entries of `leaving` keep no half. */
  #put(leaving: LogState | null = null): boolean {
    const { fs } = this.#options;
    const frame = this.#frame!;
    try {
      const half = this.#halfWithRoom(frame.paddedSize, leaving);
      if (half === null) return false;
      // First, for what a failed write leaves behind may yet be whole.
      for (const taken of this.#taken) half.logs.set(taken, taken.cursor[Cursor.LOG_END_OFFSET]!);
      frame.seal(half.generation, half.sequence);
      this.#fill(half, half.position + frame.paddedSize);
      fs.pwrite(this.#fd, frame.bytes, 0, frame.paddedSize, half.at + half.position);
      this.#sync();
      half.position += frame.paddedSize;
      half.sequence++;
      return true;
    } catch (error) {
      if (!isFileError(error)) throw error;
      // With no room, or no descriptor, nothing is lost but this frame.
      const isPassing = isFileError(error, 'disk-full') || isFileError(error, 'too-many-files');
      if (!isPassing) this.#break(messageOf(error));
      return false;
    }
  }

  #sync(): void {
    try {
      this.#options.fs.sync(this.#fd);
    } catch (error) {
      // Whatever the reason: nobody knows which pages are on the disk, and a second sync may say all is well.
      this.#break(messageOf(error));
      throw error;
    }
  }

  #break(why: string): void {
    if (!this.#isBroken) this.#options.log?.(`${this.#options.path}: not used any more: ${why}`);
    this.#isBroken = true;
  }

  #halfWithRoom(size: number, leaving: LogState | null): Half | null {
    if (this.#isBroken) return null;
    const current = this.#halves[this.#current]!;
    if (current.position + size <= this.#halfBytes) return current;
    const other = this.#halves[1 - this.#current]!;
    if (JOURNAL_PAGE_BYTES + size > this.#halfBytes || !isFree(other, leaving)) return null;
    this.#begin(other);
    this.#current = 1 - this.#current;
    this.#hasTurned = true;
    return other;
  }

  /** Steps 1 to 3: `half` is free. */
  #begin(half: Half): void {
    const { fs, path, directory } = this.#options;
    if (!this.#isNamed) removeVoidNames(fs, path);
    if (this.#fd < 0) this.#fd = fs.open(path, 'create');
    // Its size says where the second half lies.
    if (!this.#isNamed) fs.truncate(this.#fd, 2 * this.#halfBytes);
    this.#generation++;
    this.#fill(half, JOURNAL_PAGE_BYTES);
    fs.pwrite(this.#fd, formatLife(this.#generation), 0, JOURNAL_PAGE_BYTES, half.at);
    this.#sync();
    if (!this.#isNamed) fs.syncDir(directory);
    this.#isNamed = true;
    half.generation = this.#generation;
    half.position = JOURNAL_PAGE_BYTES;
    half.sequence = 0;
    half.logs.clear();
  }

  /** Sees to it that the half was written up to `end` at least once. */
  #fill(half: Half, end: number): void {
    if (half.filledTo >= end) return;
    const size = Math.min(
      this.#halfBytes - half.filledTo,
      Math.max(JOURNAL_FILL_BYTES, end - half.filledTo),
    );
    this.#options.fs.pwrite(this.#fd, Buffer.alloc(size), 0, size, half.at + half.filledTo);
    half.filledTo += size;
  }

  /** Syncs the logs for which the other half waits; false when one of them cannot be. */
  #freeOther(leaving: LogState): boolean {
    if (this.#isBroken) return false;
    for (const log of waitingIn(this.#halves[1 - this.#current]!, leaving)) {
      if (log.isOffline || !trySync(log)) return false;
    }
    return true;
  }
}

/** Logs whose segments are not on the disk as far as the half has them. */
function waitingIn({ logs }: Half, leaving: LogState | null): LogState[] {
  const waiting: LogState[] = [];
  for (const [log, end] of logs) {
    if (log !== leaving && end > log.cursor[Cursor.RECOVERY_POINT]!) waiting.push(log);
  }
  return waiting;
}

function isFree(half: Half, leaving: LogState | null): boolean {
  return waitingIn(half, leaving).length === 0;
}

function targetOf(log: LogState, position: number) {
  const { name, identity, activeBaseOffset } = log;
  return { name, topicId: identity.topicId ?? '', segment: activeBaseOffset, position };
}

/** Takes the bytes back from the page cache, where the append has just put them: a copy, whatever they were made of. */
function isRead(log: LogState, bytes: Buffer, at: number, size: number, position: number): boolean {
  try {
    return log.fs.pread(log.activeFd(), bytes, at, size, position) === size;
  } catch (error) {
    // The sync of the file itself will say what is wrong.
    if (!isFileError(error)) throw error;
    return false;
  }
}

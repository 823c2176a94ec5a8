/**
 * Writes back what a shard's journal holds, before any log is opened: after a power failure the segments may lack bytes that
 * were acknowledged because the journal had them on the disk.
 *
 *   1. the lives of the two halves are read, the older first, each up to its first frame that is not whole
 *   2. a void entry takes away all earlier ones of its partition, a name in the file beside the journal all of them
 *   3. per segment the bytes are compared with the file, written where they differ, and the file is synced: even equal bytes
 *      may so far be in the page cache only
 *   4. the journal is removed, on the disk, before anything is appended (a crash before: the replay is done again, and does
 *      the same; one of an old journal over newer bytes there never is)
 *
 * An entry whose segment is not there is passed over: the segment was on the disk, with its name, before its first entry, so
 * retention or a deletion took it. So is one whose directory belongs to another topic id.
 *
 * Nor is another whole batch ever overwritten: where one lies, the log went on without the journal (a Kafka that was given the
 * directory in between), and its partition is left as it is.
 *
 * Where the disk fails, step 4 is left out and the partitions with entries must not be opened: what would be appended to them
 * now the next replay would overwrite.
 */

import { isMillraceError } from '../base/errors.ts';
import { BATCH_HEADER_BYTES, MAGIC_AT } from '../format/batch.ts';
import {
  EntryKind,
  entriesOf,
  FRAME_HEADER_BYTES,
  frameSize,
  generationOf,
  JOURNAL_PAGE_BYTES,
  LIFE_HEADER_BYTES,
  pagesOf,
} from '../format/journal.ts';
import { PARTITION_METADATA_FILE, parsePartitionMetadata } from '../format/partition-metadata.ts';
import { believableSize, scanBatches } from '../format/scan.ts';
import { FileError, type FileSystem, isFileError } from '../io/file-system.ts';
import { readVoidNames, removeJournal } from './journal-files.ts';
import { logPath } from './segment-files.ts';

export interface ReplayOptions {
  readonly fs: FileSystem;
  /** The journal, and the directory with it and the partitions. */
  readonly path: string;
  readonly directory: string;
  /** One line for the operator. */
  readonly log: (line: string) => void;
}

/** Bytes of a segment, and where in the journal they are. */
interface Found {
  readonly segment: number;
  readonly position: number;
  readonly topicId: string;
  readonly at: number;
  readonly size: number;
}

/** By the name of the partition, in the order of their writing. */
type FoundByName = Map<string, Found[]>;

/** Replays and removes a journal. Returns the partitions that must not be opened: none, unless the disk failed. */
export function replayJournal(options: ReplayOptions): string[] {
  const { fs, path, directory, log } = options;
  const found: FoundByName = new Map();
  const fd = fs.open(path, 'read');
  let isDone = true;
  try {
    readJournal(options, fd, found);
    for (const [name, entries] of found) {
      isDone = isWrittenBack(options, fd, name, entries) && isDone;
    }
  } finally {
    fs.close(fd);
  }
  if (!isDone) {
    log(`${path}: kept for the next start, ${found.size} partitions in it are not opened`);
    return [...found.keys()];
  }
  removeJournal(fs, path, directory);
  return [];
}

/** Throws FileError: what cannot be read may have been acknowledged, so nothing is opened without it. */
function readJournal({ fs, path }: ReplayOptions, fd: number, found: FoundByName): void {
  try {
    readLives(fs, fd, found);
    for (const name of readVoidNames(fs, path)) found.delete(name);
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new FileError(error.code, `journal ${path}: ${error.message}`, error.data, error);
  }
}

function readLives(fs: FileSystem, fd: number, found: FoundByName): void {
  const halfBytes = Math.floor(fs.size(fd) / 2);
  const lives: { at: number; generation: number }[] = [];
  for (const at of [0, halfBytes]) {
    const generation = generationOf(readAt(fs, fd, at, LIFE_HEADER_BYTES));
    if (generation >= 0) lives.push({ at, generation });
  }
  lives.sort((a, b) => a.generation - b.generation);
  for (const { at, generation } of lives) {
    readFrames(fs, fd, { from: at + JOURNAL_PAGE_BYTES, to: at + halfBytes, generation }, found);
  }
}

function readFrames(
  fs: FileSystem,
  fd: number,
  life: { from: number; to: number; generation: number },
  found: FoundByName,
): void {
  const { generation, to } = life;
  let at = life.from;
  for (let sequence = 0; ; sequence++) {
    const header = readAt(fs, fd, at, Math.min(FRAME_HEADER_BYTES, to - at));
    const size = frameSize(header, { generation, sequence, sizeMax: to - at });
    if (size === 0) return;
    const entries = entriesOf(readAt(fs, fd, at, size));
    if (entries === null) return;
    for (const { kind, name, ...entry } of entries) {
      if (kind === EntryKind.VOID) found.delete(name);
      else if (found.has(name)) found.get(name)!.push({ ...entry, at: at + entry.at });
      else found.set(name, [{ ...entry, at: at + entry.at }]);
    }
    at += pagesOf(size);
  }
}

/** False when the disk failed. */
function isWrittenBack(
  options: ReplayOptions,
  journal: number,
  name: string,
  entries: readonly Found[],
): boolean {
  const { fs, log } = options;
  const directory = `${options.directory}/${name}`;
  try {
    const topicId = fs.exists(directory) ? topicIdOf(fs, directory) : null;
    const bySegment = new Map<number, Found[]>();
    for (const entry of entries) {
      if (topicId !== null && entry.topicId !== '' && topicId !== entry.topicId) continue;
      const known = bySegment.get(entry.segment);
      if (known === undefined) bySegment.set(entry.segment, [entry]);
      else known.push(entry);
    }
    let bytes = 0;
    for (const [segment, found] of bySegment) {
      const path = logPath(directory, segment);
      if (!fs.exists(path)) continue;
      const written = writeBack(fs, journal, path, found);
      if (written === WENT_ON) {
        log(`${path}: went on without its journal, which is not written back`);
        return true;
      }
      bytes += written;
    }
    if (bytes > 0) log(`${directory}: ${bytes} bytes written back from the journal`);
    return true;
  } catch (error) {
    if (!isFileError(error)) throw error;
    log(`${directory}: cannot be written back from the journal: ${error.message}`);
    return false;
  }
}

const WENT_ON = -1;

/** Returns how many bytes differed or were missing, or that another batch lies there. Throws FileError. */
function writeBack(
  fs: FileSystem,
  journal: number,
  path: string,
  entries: readonly Found[],
): number {
  let written = 0;
  const fd = fs.open(path, 'write');
  try {
    for (const { at, size, position } of entries) {
      const bytes = readAt(fs, journal, at, size);
      if (readAt(fs, fd, position, size).equals(bytes)) continue;
      if (hasAnother(fs, fd, position, bytes)) return WENT_ON;
      fs.pwrite(fd, bytes, 0, size, position);
      written += size;
    }
    fs.sync(fd);
  } finally {
    fs.close(fd);
  }
  return written;
}

/** Whether a whole batch begins at `position` that is not the first of `bytes`. What a power failure tore is not whole. */
function hasAnother(fs: FileSystem, fd: number, position: number, bytes: Buffer): boolean {
  const header = readAt(fs, fd, position, BATCH_HEADER_BYTES);
  const size = believableSize(viewOf(header), 0, header.length);
  if (size === 0) return false;
  const batch = readAt(fs, fd, position, size);
  const isWhole = scanBatches(batch, viewOf(batch), 0, batch.length).validBytes === size;
  // Offset and leader epoch lie outside the checksum: where only those differ, their sector was lost and the rest was not.
  return isWhole && !batch.subarray(MAGIC_AT).equals(bytes.subarray(MAGIC_AT, size));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Null when the directory does not say: its file was not synced, and a power failure may have left it empty. */
function topicIdOf(fs: FileSystem, directory: string): string | null {
  const path = `${directory}/${PARTITION_METADATA_FILE}`;
  if (!fs.exists(path)) return null;
  try {
    return parsePartitionMetadata(fs.readFile(path).toString('latin1'));
  } catch (error) {
    if (!isMillraceError(error, 'corrupt')) throw error;
    return null;
  }
}

/** Up to `size` bytes; fewer at the end of the file. */
function readAt(fs: FileSystem, fd: number, at: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, size));
  const count = fs.pread(fd, bytes, 0, bytes.length, at);
  return bytes.subarray(0, count);
}

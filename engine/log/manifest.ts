/**
 * The manifest of a shard: for every partition where its recovery starts and what is known of its sealed
 * segments, so that a start reads one file instead of every segment. A cache: without it, or with a damaged
 * one, the directories are read instead.
 *
 * An append-only file of frames, `size int32 | crc-32c uint32 | JSON`, where the JSON is one of
 *   {"open": bootId, "generation": n}   a process began to use the file; entries before it are no longer known to be clean
 *   {"put": entry}                      all that is known of a partition
 *   {"point": [...]}                    its recovery point moved
 *   {"remove": name}                    it was deleted
 *   {"close": true}                     the process ended in order
 * The first frame that is torn or damaged ends the file. It is rewritten whole when it has grown to several
 * times what it has to say. docs/format.md, section "Manifest".
 *
 * Kills between starts with different numbers of shards leave several manifests that know a partition: the one of the
 * highest generation was written last.
 *
 * The shard's thread. Frames are gathered and written together; a failed write costs nothing but a longer
 * recovery, except where `write` says false to a caller who needs it.
 */

import { crc32c } from '../base/crc32c.ts';
import { MIB } from '../base/limits.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';

export interface SealedSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
}

export interface ManifestEntry {
  /** Name of the partition's directory. */
  readonly name: string;
  /** base64url; null when unknown. */
  readonly topicId: string | null;
  readonly logStartOffset: number;
  readonly recoveryPoint: number;
  /** The segment that holds the recovery point, and where in it. */
  readonly activeBaseOffset: number;
  readonly position: number;
  /** Of that segment below the recovery point; -1 without batches. */
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
  readonly firstTimestamp: number;
  /** Whether producers were known at the recovery point. */
  readonly hasProducers: boolean;
  readonly sealed: readonly SealedSegment[];
  /** Pairs of leader epoch and the offset it starts at. */
  readonly leaderEpochs: readonly number[];
  /** Closed in order: nothing lies behind the recovery point. */
  readonly isClean: boolean;
  /** Noted since the system booted: what was written then is in its page cache, if not on the disk. */
  readonly isSameBoot: boolean;
}

/** A log as the manifest sees it. */
export interface ManifestSource {
  /** Name of the partition's directory. */
  readonly name: string;
  describe(): ManifestEntry;
}

type Point = [
  name: string,
  logStartOffset: number,
  recoveryPoint: number,
  activeBaseOffset: number,
  position: number,
  maxTimestamp: number,
  maxTimestampOffset: number,
  firstTimestamp: number,
  hasProducers: number,
];

interface Frame {
  open?: string | null;
  generation?: number;
  put?: ManifestEntry;
  point?: Point;
  remove?: string;
  close?: boolean;
}

const FRAME_HEADER_BYTES = 8;
/** Below this size rewriting is not worth it. */
const REWRITE_BYTES_MIN = MIB;
const REWRITE_GROWTH = 4;

export interface ManifestOptions {
  readonly fs: FileSystem;
  readonly path: string;
  /** `kernelBootId()`, null when unknown: then nothing counts as noted since the boot. */
  readonly bootId: string | null;
  /** Manifests of an engine with another number of shards: from now on this one is newer than they are. */
  readonly newerThan?: readonly Manifest[];
}

export class Manifest {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #bootId: string | null;
  #fd = -1;
  #size = 0;
  #rewrittenSize = 0;
  #buffered: Frame[] = [];
  #mustRewrite = false;
  /** Read from the file, until their logs are noted. */
  #entries = new Map<string, ManifestEntry>();
  /** Logs in use, asked when the file is rewritten. */
  #sources = new Map<string, ManifestSource>();
  /** Names whose entries were handed out. */
  #taken = new Set<string>();
  /** Partitions that a power failure might remove from the file as a whole. */
  #unsynced = new Set<string>();
  readonly #isSameBoot: boolean;
  #generation = 0;
  readonly #generationBefore: number;

  private constructor(options: ManifestOptions) {
    this.#fs = options.fs;
    this.#path = options.path;
    this.#bootId = options.bootId;
    this.#isSameBoot = this.#load();
    this.#generationBefore = this.#generation;
    for (const older of options.newerThan ?? []) {
      this.#generation = Math.max(this.#generation, older.#generation + 1);
    }
    // From now on no entry counts as clean, should this process die.
    this.#buffered.push({ open: this.#bootId, generation: this.#generation });
    this.sync();
  }

  /** Reads the file; a damaged tail is ignored, a missing file is empty. Throws FileError. */
  static open(options: ManifestOptions): Manifest {
    return new Manifest(options);
  }

  /** The system did not restart since the file was last used. Each entry says it for itself. */
  get isSameBoot(): boolean {
    return this.#isSameBoot;
  }

  /** How new its entries are, beside those of other manifests. */
  get generationBefore(): number {
    return this.#generationBefore;
  }

  /** Names of partitions known and not yet taken. */
  names(): string[] {
    return [...this.#entries.keys()].filter((name) => !this.#taken.has(name));
  }

  /** The entry of a partition, handed out once; null when there is none. */
  take(name: string): ManifestEntry | null {
    const entry = this.#taken.has(name) ? undefined : this.#entries.get(name);
    if (entry === undefined) return null;
    // It stays known until the log is noted: one that cannot be opened this time needs it the next time.
    this.#taken.add(name);
    return entry;
  }

  /** Notes the log as it is now, whole. Buffered until `write`. */
  put(log: ManifestSource): void {
    const isNew = !this.#entries.delete(log.name) && !this.#sources.has(log.name);
    if (isNew) this.#unsynced.add(log.name);
    this.#sources.set(log.name, log);
    this.#taken.delete(log.name);
    this.#buffered.push({ put: log.describe() });
  }

  /** Notes that its recovery point moved. Buffered until `write`. */
  point(log: ManifestSource): void {
    const entry = log.describe();
    this.#buffered.push({
      point: [
        entry.name,
        entry.logStartOffset,
        entry.recoveryPoint,
        entry.activeBaseOffset,
        entry.position,
        entry.maxTimestamp,
        entry.maxTimestampOffset,
        entry.firstTimestamp,
        entry.hasProducers ? 1 : 0,
      ],
    });
  }

  remove(name: string): void {
    this.#sources.delete(name);
    this.#entries.delete(name);
    this.#unsynced.delete(name);
    this.#buffered.push({ remove: name });
  }

  /** Writes what is buffered with one write. False when that failed: the next call tries again. */
  write(): boolean {
    if (this.#buffered.length === 0 && !this.#mustRewrite) return true;
    try {
      const limit = Math.max(REWRITE_BYTES_MIN, this.#rewrittenSize * REWRITE_GROWTH);
      if (this.#mustRewrite || this.#size > limit) this.#rewrite();
      else this.#append();
    } catch (error) {
      if (!isFileError(error)) throw error;
      // Half a frame may be at the end now, and what would follow it could never be read.
      this.#mustRewrite = true;
      return false;
    }
    return true;
  }

  /** The same, and on the disk when it returns true. */
  sync(): boolean {
    if (!this.write()) return false;
    try {
      this.#fs.sync(this.#fd);
      this.#unsynced.clear();
    } catch (error) {
      if (!isFileError(error)) throw error;
      return false;
    }
    return true;
  }

  /**
   * Makes sure that the next start finds the partition in the file, even if with an old recovery point: without any
   * entry sealed segments would be believed that may not be on the disk. Costs a sync once per new partition.
   */
  secure(name: string): void {
    if (this.#unsynced.has(name)) this.sync();
  }

  /** All logs were closed: the next start may believe them. */
  close(): void {
    this.#buffered.push({ close: true });
    this.sync();
    if (this.#fd >= 0) this.#fs.close(this.#fd);
    this.#fd = -1;
  }

  /** Reads the file and opens it for appending if it is whole; returns whether it was last used since the system booted. */
  #load(): boolean {
    const fs = this.#fs;
    const bytes = fs.exists(this.#path) ? fs.readFile(this.#path) : Buffer.alloc(0);
    let bootId: string | null = null;
    let at = 0;
    for (;;) {
      const frame = readFrame(bytes, at);
      if (frame === null) break;
      at += frame.size;
      if (frame.content.open !== undefined) bootId = frame.content.open;
      this.#generation = frame.content.generation ?? this.#generation;
      this.#replay(frame.content, bootId !== null && bootId === this.#bootId);
    }
    this.#size = at;
    this.#rewrittenSize = at;
    // What is written behind a torn frame could never be read: then the file is made anew.
    this.#mustRewrite = at < bytes.length;
    if (!this.#mustRewrite) this.#fd = fs.open(this.#path, 'create');
    return bootId !== null && bootId === this.#bootId;
  }

  #replay(frame: Frame, isSameBoot: boolean): void {
    const entries = this.#entries;
    if (frame.put !== undefined) {
      entries.set(frame.put.name, { ...frame.put, isSameBoot });
    } else if (frame.point !== undefined) {
      const entry = entries.get(frame.point[0]);
      if (entry !== undefined) entries.set(entry.name, moved(entry, frame.point, isSameBoot));
    } else if (frame.remove !== undefined) {
      entries.delete(frame.remove);
    } else if (frame.open !== undefined) {
      for (const [name, entry] of entries) entries.set(name, { ...entry, isClean: false });
    }
  }

  #append(): void {
    const bytes = Buffer.concat(this.#buffered.map(formatFrame));
    this.#fs.pwrite(this.#fd, bytes, 0, bytes.length, this.#size);
    this.#size += bytes.length;
    this.#buffered = [];
  }

  /** Entries of an earlier boot come first, under a boot id that is nobody's. */
  #rewrite(): void {
    const waiting = [...this.#entries.values()];
    const frames: Frame[] = [{ open: null }];
    for (const entry of waiting) if (!entry.isSameBoot) frames.push({ put: entry });
    frames.push({ open: this.#bootId, generation: this.#generation });
    for (const entry of waiting) if (entry.isSameBoot) frames.push({ put: entry });
    for (const source of this.#sources.values()) frames.push({ put: source.describe() });
    if (this.#buffered.some((frame) => frame.close === true)) frames.push({ close: true });
    const bytes = Buffer.concat(frames.map(formatFrame));
    this.#fs.writeFileAtomic(this.#path, bytes, true);
    if (this.#fd >= 0) this.#fs.close(this.#fd);
    this.#fd = -1;
    this.#fd = this.#fs.open(this.#path, 'write');
    this.#unsynced.clear();
    this.#size = bytes.length;
    this.#rewrittenSize = bytes.length;
    this.#mustRewrite = false;
    this.#buffered = [];
  }
}

function moved(entry: ManifestEntry, point: Point, isSameBoot: boolean): ManifestEntry {
  return {
    ...entry,
    logStartOffset: point[1],
    recoveryPoint: point[2],
    activeBaseOffset: point[3],
    position: point[4],
    maxTimestamp: point[5],
    maxTimestampOffset: point[6],
    firstTimestamp: point[7],
    hasProducers: point[8] === 1,
    isClean: false,
    isSameBoot,
  };
}

function formatFrame(frame: Frame): Buffer {
  const text = JSON.stringify(frame);
  const size = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + size);
  bytes.write(text, FRAME_HEADER_BYTES, 'utf8');
  bytes.writeInt32BE(size, 0);
  bytes.writeUInt32BE(crc32c(bytes, FRAME_HEADER_BYTES, bytes.length), 4);
  return bytes;
}

/** The frame at `at`, or null when there is no whole and undamaged one. */
function readFrame(bytes: Buffer, at: number): { content: Frame; size: number } | null {
  if (bytes.length - at < FRAME_HEADER_BYTES) return null;
  const size = bytes.readInt32BE(at);
  const from = at + FRAME_HEADER_BYTES;
  if (size <= 0 || size > bytes.length - from) return null;
  if (crc32c(bytes, from, from + size) !== bytes.readUInt32BE(at + 4)) return null;
  const content = JSON.parse(bytes.toString('utf8', from, from + size)) as Frame;
  return { content, size: FRAME_HEADER_BYTES + size };
}

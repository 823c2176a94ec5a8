/**
 * The partitions of several shards with journals beside a model of what was acknowledged, over a file system that crashes.
 * Every append is durable (flush.messages=1): whatever was answered is there after any crash, at its offset and unchanged;
 * what was cut or belongs to a deleted topic does not come back. The number of shards may change with every start.
 */

import { ManualClock } from '../../engine/base/clock.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { Prng } from '../../engine/base/prng.ts';
import { batchBaseOffset, batchSize } from '../../engine/format/batch.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { DescriptorCache } from '../../engine/io/descriptor-cache.ts';
import { CrashError, type Fault, FaultyFileSystem } from '../../engine/io/faulty-file-system.ts';
import { isFileError } from '../../engine/io/file-system.ts';
import type { AppendPiece } from '../../engine/log/append.ts';
import { Cursor, LocalMarks } from '../../engine/log/cursor.ts';
import { Journal } from '../../engine/log/journal.ts';
import { replayJournal } from '../../engine/log/journal-replay.ts';
import { LogResources } from '../../engine/log/log-resources.ts';
import { Manifest } from '../../engine/log/manifest.ts';
import { type FlushWork, PartitionLog } from '../../engine/log/partition-log.ts';
import { PartitionReader, ReadPlan } from '../../engine/log/reader.ts';
import { journalPath, manifestPath, readDataDirectory } from '../../engine/shard/data-directory.ts';
import { syncLogs } from '../../engine/shard/pass-sync.ts';
import { pieceOf, viewOf } from './log-in-memory.ts';
import { smallConfig } from './log-model.ts';

const DATA = '/data';
const PARTITIONS = 4;
/** A life page and three frames: the halves are changed all the time. */
const HALF_BYTES = 16 * 1024;

const config = {
  ...smallConfig,
  flushMessages: 1,
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
};

interface Batch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Buffer;
}

interface Part {
  readonly name: string;
  topicId: Uint8Array;
  log: PartitionLog;
  marks: LocalMarks;
  work: FlushWork | null;
  /** Acknowledged, contiguous. */
  batches: Batch[];
  /** Sent and not acknowledged when the machine died, or refused by a log that went offline: some may be there. */
  attempted: Batch[];
  /** Up to here it must be there; lower than the end of `batches` while a truncation is under way. */
  promisedEnd: number;
  startOffset: number;
  /** Was being deleted when the machine died. */
  isInDoubt: boolean;
}

export interface PassPlan {
  readonly part: number;
  /** Records and bytes per batch. */
  readonly batches: readonly { readonly count: number; readonly valueBytes: number }[];
  readonly isFollower: boolean;
}

class Mismatch extends Error {}

function expect(condition: boolean, text: () => string): void {
  if (!condition) throw new Mismatch(text());
}

export class JournalUnderTest {
  readonly fs: FaultyFileSystem;
  readonly clock = new ManualClock(1_000_000);
  readonly parts: Part[] = [];
  /** How often bytes were written back at a start: a test that never needed the journal proves nothing. */
  writtenBack = 0;
  #shards = 0;
  #boot = 1;
  #topics = 0;
  #records = 0;
  #manifests: Manifest[] = [];
  #journals: Journal[] = [];
  #resources: LogResources[] = [];

  constructor(seed: number, shards: number) {
    const prng = new Prng(seed);
    this.fs = new FaultyFileSystem(() => prng.float());
    this.fs.mkdir(DATA);
    this.fs.syncDir(DATA);
    for (let index = 0; index < PARTITIONS; index++) this.parts.push(this.#newPart(`t-${index}`));
    this.#start(shards);
  }

  /** Runs a step; when the machine dies in it, restarts and checks what is left. */
  step(run: () => void, crash: { fault: Fault; kind: 'kill' | 'power'; shards: number }): void {
    this.fs.setFault(crash.fault);
    try {
      run();
      this.fs.setFault(null);
    } catch (error) {
      if (!(error instanceof CrashError)) throw error;
      this.crash(crash.kind, crash.shards);
      // What a killed process had half done is taken over as it is found; were it not on the disk, a power failure could
      // turn it back once more.
      if (crash.kind === 'kill') this.#syncAll();
    }
  }

  /** Dies here and now. */
  crash(kind: 'kill' | 'power', shards: number): void {
    this.fs.restart(kind);
    if (kind === 'power') this.#boot++;
    this.#start(shards);
  }

  /** Stops in order, and starts with another number of shards. */
  reopen(shards: number): void {
    for (const { log } of this.parts) log.close();
    for (const journal of this.#journals) journal.close();
    for (const manifest of this.#manifests) manifest.close();
    const isOffline = this.parts.some(({ log }) => log.isOffline);
    const journals = this.fs.readdir(DATA).filter((name) => name.endsWith('.journal'));
    expect(isOffline || journals.length === 0, () => `left behind: ${journals.join(' ')}`);
    this.#start(shards);
  }

  /** One pass of the shards: appends to several partitions, and an answer when everything is safe. */
  pass(plans: readonly PassPlan[]): void {
    const logs: PartitionLog[][] = this.#journals.map(() => []);
    const sent = new Map<Part, { piece: AppendPiece; batch: Batch }[]>();
    for (const { part: index, batches, isFollower } of plans) {
      const part = this.parts[index]!;
      if (part.log.isOffline || sent.has(part)) continue;
      sent.set(part, this.#append(part, batches, isFollower));
      if (part.log.needsSync) logs[this.#shardOf(part)]!.push(part.log);
    }
    logs.forEach((some, shard) => {
      syncLogs(some, this.#journals[shard]!, null);
    });
    for (const [part, pieces] of sent) {
      if (part.log.needsSync) guarded(() => part.log.syncPending());
      this.#settle(part, pieces);
    }
    // What the shard does when a half is full, without another thread to do it.
    for (const journal of this.#journals) {
      if (!journal.takeTurn()) continue;
      for (const { log } of this.parts) if (log.isJournalWaiting) guarded(() => log.flush());
    }
  }

  truncate(index: number, share: number): void {
    const part = this.parts[index]!;
    if (part.log.isOffline) return;
    const target = offsetAt(part, share);
    const kept = part.batches.filter(({ lastOffset }) => lastOffset < target);
    part.promisedEnd = Math.min(part.promisedEnd, kept.at(-1)?.lastOffset ?? -1) + 1;
    const isCut = guarded(() => part.log.truncateTo(target));
    const end = part.log.cursor[Cursor.LOG_END_OFFSET]!;
    if (isCut) part.batches = kept;
    else if (!part.log.isOffline) part.promisedEnd = end;
    part.promisedEnd = isCut ? end : part.promisedEnd;
    part.startOffset = Math.min(part.startOffset, end);
  }

  /** Empties the log, which goes on behind where it ended, or where one of its segments began. */
  startAnew(index: number, share: number): void {
    const part = this.parts[index]!;
    if (part.log.isOffline) return;
    const segments = part.log.segments();
    const segment = segments[Math.floor((share * segments.length) / 60)];
    const target = segment?.baseOffset ?? part.log.cursor[Cursor.LOG_END_OFFSET]! + share;
    part.isInDoubt = true;
    if (!guarded(() => part.log.truncateFullyAndStartAt(target))) return;
    part.isInDoubt = false;
    part.batches = [];
    part.promisedEnd = target;
    part.startOffset = target;
  }

  deleteRecords(index: number, share: number): void {
    const part = this.parts[index]!;
    if (part.log.isOffline) return;
    const target = Math.min(offsetAt(part, share), part.log.cursor[Cursor.HIGH_WATERMARK]!);
    part.startOffset = Math.max(part.startOffset, target);
    guarded(() => part.log.deleteRecordsBefore(target));
  }

  /** The topic is deleted, and one of the same name created. */
  recreate(index: number): void {
    const part = this.parts[index]!;
    part.isInDoubt = true;
    const renamed = `${DATA}/${part.name}.${this.#topics}-delete`;
    if (!guarded(() => part.log.delete(renamed))) return;
    this.parts[index] = this.#newPart(part.name);
    this.#open(this.parts[index]!, null);
  }

  flush(index: number): void {
    const { log } = this.parts[index]!;
    if (!log.isOffline) guarded(() => log.flush());
  }

  /** A background flush: another thread syncs the files, `endFlush` draws the conclusion. */
  beginFlush(index: number): void {
    const part = this.parts[index]!;
    guarded(() => {
      const work = part.log.flushWork();
      part.work = work;
      if (work === null) return;
      for (const path of work.paths) {
        if (!this.fs.exists(path)) continue;
        const fd = this.fs.open(path, 'read');
        this.fs.sync(fd);
        this.fs.close(fd);
      }
      if (work.directory !== null) this.fs.syncDir(work.directory);
    });
  }

  endFlush(index: number): void {
    const part = this.parts[index]!;
    if (part.work !== null) part.log.noteFlushed(part.work, this.clock.now());
    part.work = null;
  }

  roll(index: number): void {
    this.clock.advance(6000);
    const { log } = this.parts[index]!;
    guarded(() => log.rollIfDue(this.clock.now()));
  }

  /** Writes out what the manifests have gathered, as the flush tick does. */
  tick(): void {
    for (const manifest of this.#manifests) manifest.write();
  }

  checkAll(): void {
    for (const part of this.parts) this.#check(part);
  }

  #syncAll(): void {
    for (const path of this.fs.memory.files.keys()) {
      const fd = this.fs.open(path, 'read');
      this.fs.sync(fd);
      this.fs.close(fd);
    }
    this.fs.syncDir(DATA);
  }

  #newPart(name: string): Part {
    this.#topics++;
    const marks = new LocalMarks();
    return {
      name,
      topicId: new Uint8Array(16).fill(this.#topics & 0xff, 0, 8).fill(1 + (this.#topics >> 8), 8),
      log: null as unknown as PartitionLog,
      marks,
      work: null,
      batches: [],
      attempted: [],
      promisedEnd: 0,
      startOffset: 0,
      isInDoubt: false,
    };
  }

  #shardOf(part: Part): number {
    return this.parts.indexOf(part) % this.#shards;
  }

  /** What an engine does at its start. */
  #start(shards: number): void {
    const { fs } = this;
    const log = (line: string): void => {
      if (line.includes('written back')) this.writtenBack++;
    };
    const { journals } = readDataDirectory(fs, DATA, shards, log);
    for (const path of journals) {
      const heldBack = replayJournal({ fs, path, directory: DATA, log });
      expect(heldBack.length === 0, () => `held back: ${heldBack.join(' ')}`);
    }
    const openManifest = (index: number, count: number): Manifest => {
      const path = manifestPath(DATA, index, count);
      return Manifest.open({ fs, path, bootId: `boot-${this.#boot}` });
    };
    const foreign =
      shards === this.#shards ? [] : this.#manifests.map((_, i) => openManifest(i, this.#shards));
    this.#shards = shards;
    this.#manifests = [];
    this.#journals = [];
    this.#resources = [];
    for (let index = 0; index < shards; index++) {
      const path = journalPath(DATA, index, shards);
      const journal = new Journal({ fs, path, directory: DATA, halfBytes: HALF_BYTES });
      this.#manifests.push(openManifest(index, shards));
      this.#journals.push(journal);
      this.#resources.push(new LogResources({ fs, clock: this.clock, journal }));
    }
    for (const part of this.parts) {
      const all = [this.#manifests[this.#shardOf(part)]!, ...foreign];
      const manifest = all.find((each) => each.names().includes(part.name));
      this.#open(part, manifest ?? null);
    }
    for (const manifest of this.#manifests) manifest.sync();
    // Only the last number of shards is remembered, as after a clean stop.
    for (const name of fs.readdir(DATA)) {
      if (name.endsWith('.manifest') && !name.endsWith(`-of-${shards}.manifest`)) {
        fs.unlink(`${DATA}/${name}`);
      }
    }
    fs.syncDir(DATA);
    for (const part of this.parts) this.#adopt(part);
    this.checkAll();
  }

  #open(part: Part, hints: Manifest | null): void {
    const shard = this.#shardOf(part);
    part.marks = new LocalMarks();
    part.work = null;
    const directory = `${DATA}/${part.name}`;
    part.log = PartitionLog.open({
      fs: this.fs,
      clock: this.clock,
      directory,
      topic: part.name.slice(0, part.name.lastIndexOf('-')),
      partition: Number(part.name.slice(part.name.lastIndexOf('-') + 1)),
      topicId: this.#belongsTo(part, directory) ? part.topicId : null,
      config,
      cursor: part.marks.cursor,
      leaderEpoch: 0,
      resources: this.#resources[shard]!,
      hint: hints?.take(part.name) ?? null,
      manifest: this.#manifests[shard]!,
      verifyTail: hints?.isSameBoot ? 'headers' : 'crc',
      deferSync: true,
      onGenerationChange: part.marks.onGenerationChange,
      onTruncate: part.marks.onTruncate,
    });
  }

  /** False where the renaming of a deleted partition was lost: then nothing of its successor was acknowledged. */
  #belongsTo(part: Part, directory: string): boolean {
    const found = readDataDirectory(this.fs, DATA, this.#shards, () => {}).partitions.find(
      (each) => each.directory === directory,
    );
    if (found?.topicId == null || part.isInDoubt) return true;
    const isOwn = found.topicId === Buffer.from(part.topicId).toString('base64url');
    expect(isOwn || part.batches.length === 0, () => `${directory} is of a deleted topic`);
    part.isInDoubt ||= !isOwn;
    return isOwn;
  }

  /** After a start the model takes over what may be either way: batches that were never answered. */
  #adopt(part: Part): void {
    const index = this.parts.indexOf(part);
    if (part.isInDoubt || part.batches.length === 0) {
      // A half-done deletion, or one whose renaming was lost before anything of the successor was acknowledged: once more.
      part.attempted = [];
      const isEmpty = part.log.cursor[Cursor.LOG_END_OFFSET]! === part.promisedEnd;
      if (part.isInDoubt || !isEmpty) this.recreate(index);
      return;
    }
    const end = part.log.cursor[Cursor.LOG_END_OFFSET]!;
    const start = part.log.cursor[Cursor.LOG_START_OFFSET]!;
    const { name, promisedEnd, startOffset } = part;
    expect(end >= promisedEnd, () => `${name} ends at ${end}, ${promisedEnd} was acknowledged`);
    expect(start <= startOffset, () => `${name} starts at ${start}, not at ${startOffset}`);
    const known = [...part.batches, ...part.attempted];
    part.batches = known.filter(({ lastOffset }) => lastOffset < end);
    part.attempted = [];
    const last = part.batches.at(-1)?.lastOffset ?? known[0]!.baseOffset - 1;
    expect(end === last + 1, () => `${name} ends at ${end}, known is ${last + 1}`);
    part.promisedEnd = end;
    part.startOffset = start;
  }

  #append(
    part: Part,
    batches: PassPlan['batches'],
    isFollower: boolean,
  ): { piece: AppendPiece; batch: Batch }[] {
    const { log } = part;
    const { cursor } = log;
    const safeOffset = cursor[Cursor.LOG_END_OFFSET]!;
    let next = safeOffset;
    const sent = batches.map(({ count, valueBytes }) => {
      const records = Array.from({ length: count }, () => {
        // No two records are alike, so one that comes from elsewhere is told.
        const value = Buffer.alloc(valueBytes + 4, this.#records & 0xff);
        value.writeInt32BE(this.#records++);
        return { key: null, value, timestamp: this.clock.now() };
      });
      const bytes = Uint8Array.from(buildBatch({ records, baseOffset: next, leaderEpoch: 0 }));
      const batch = { baseOffset: next, lastOffset: next + count - 1, bytes: Buffer.from(bytes) };
      next += count;
      return { piece: pieceOf(bytes), batch };
    });
    part.attempted = sent.map(({ batch }) => batch);
    const pieces = sent.map(({ piece }) => piece);
    if (isFollower) log.appendAsFollower(pieces, pieces.length);
    else log.appendAsLeader(pieces, pieces.length);
    const highWatermark = cursor[Cursor.HIGH_WATERMARK]!;
    expect(highWatermark <= safeOffset, () => `${part.name}: read before it is safe`);
    return sent;
  }

  /** Takes over what was answered. */
  #settle(part: Part, sent: readonly { piece: AppendPiece; batch: Batch }[]): void {
    const { log } = part;
    // Refused, or in doubt: some of it may turn up again.
    if (log.isOffline) return;
    part.attempted = [];
    for (const { piece, batch } of sent) {
      if (piece.errorCode !== ErrorCode.NONE) continue;
      expect(piece.baseOffset === batch.baseOffset, () => `${part.name}: another offset`);
      part.batches.push(batch);
      part.promisedEnd = batch.lastOffset + 1;
    }
    const highWatermark = log.cursor[Cursor.HIGH_WATERMARK]!;
    expect(highWatermark === part.promisedEnd, () => `${part.name}: answered, and not readable`);
  }

  #check(part: Part): void {
    const { log, marks, name } = part;
    if (log.isOffline) return;
    const reader = new PartitionReader({
      fs: this.fs,
      directory: `${DATA}/${name}`,
      marks,
      descriptors: new DescriptorCache(this.fs, 4),
    });
    const plan = new ReadPlan();
    const buffer = Buffer.alloc(16_384);
    const start = log.cursor[Cursor.LOG_START_OFFSET]!;
    let offset = start;
    for (const batch of part.batches) {
      if (batch.lastOffset < start) continue;
      const outcome = reader.locate(offset, 'highWatermark', buffer.length, true, null, plan);
      expect(outcome === 'ok', () => `${name}: ${outcome} at ${offset}`);
      reader.read(plan, buffer, 0);
      const found = buffer.subarray(0, batchSize(viewOf(buffer), 0));
      const base = batchBaseOffset(viewOf(found), 0);
      expect(found.equals(batch.bytes), () => `${name}: at ${offset} lies another batch, ${base}`);
      offset = batch.lastOffset + 1;
    }
    const end = log.cursor[Cursor.LOG_END_OFFSET]!;
    expect(end === Math.max(offset, part.promisedEnd), () => `${name} ends at ${end}`);
    reader.close();
  }
}

function offsetAt(part: Part, share: number): number {
  const from = part.log.segments()[0]!.baseOffset;
  const end = part.log.cursor[Cursor.LOG_END_OFFSET]!;
  return from + Math.round(((end - from) * share) / 100);
}

/** False when the disk failed. */
function guarded(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return false;
  }
}

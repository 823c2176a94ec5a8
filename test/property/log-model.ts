/**
 * A partition log beside a model of what it should hold, over a file system that crashes. Every step does the same
 * to both and compares; after a crash the log must hold a prefix of what was ever given to it that contains at least
 * what was promised: all of it when only the process died, all below the recovery point after a power failure.
 */

import { ManualClock } from '../../engine/base/clock.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { Prng } from '../../engine/base/prng.ts';
import { DescriptorCache } from '../../engine/io/descriptor-cache.ts';
import { CrashError, type Fault, FaultyFileSystem } from '../../engine/io/faulty-file-system.ts';
import type { AppendPiece } from '../../engine/log/append.ts';
import { Cursor, LocalMarks } from '../../engine/log/cursor.ts';
import { defaultLogConfig, type LogConfig } from '../../engine/log/log-config.ts';
import { Manifest } from '../../engine/log/manifest.ts';
import { type FlushWork, PartitionLog } from '../../engine/log/partition-log.ts';
import { ReadCursor, ReadProgress } from '../../engine/log/read-progress.ts';
import { PartitionReader, ReadPlan } from '../../engine/log/reader.ts';
import { pieceOf } from './log-in-memory.ts';
import {
  type BatchPlan,
  type ModelBatch,
  type ModelProducer,
  makeBatch,
  noteBatch,
  stored,
} from './log-model-batches.ts';

export const DIRECTORY = '/data/t-0';
const MANIFEST = '/data/manifest';
/** Bytes are noted in pieces of this size: many a header lies in two. */
const NOTED_BYTES = 97;

export type RestartKind = 'clean' | 'kill' | 'power';

export const smallConfig: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 3000,
  indexIntervalBytes: 150,
  segmentIndexBytes: 400,
  segmentMs: 5000,
  retentionMs: 20_000,
  retentionBytes: 12_000,
  maxMessageBytes: 2500,
  flushTailBytes: 4000,
  messageTimestampAfterMaxMs: Number.POSITIVE_INFINITY,
};

class Mismatch extends Error {}

function expect(condition: boolean, text: () => string): void {
  if (!condition) throw new Mismatch(text());
}

export class LogUnderTest {
  readonly fs: FaultyFileSystem;
  readonly clock = new ManualClock(1_000_000);
  marks = new LocalMarks();
  log!: PartitionLog;
  manifest: Manifest | null = null;
  reader!: PartitionReader;
  /** Every batch that was ever in the log at its offsets; those behind the end were cut. */
  batches: ModelBatch[] = [];
  startOffset = 0;
  endOffset = 0;
  leaderEpoch = 0;
  lines: string[] = [];
  #boot = 1;
  #usesManifest: boolean;
  #config: LogConfig;
  #work: FlushWork | null = null;
  /** Batches of an append that a crash interrupted: some of them may be there. */
  #attempted: ModelBatch[] = [];
  #lowestEnd = 0;
  #highestStart = 0;
  /** Without a manifest the start offset comes back at a restart, but not the epochs that were forgotten with it. */
  #epochsFrom = 0;

  constructor(seed: number, options: { usesManifest: boolean; config?: LogConfig }) {
    const prng = new Prng(seed);
    this.fs = new FaultyFileSystem(() => prng.float());
    this.fs.mkdir('/data');
    this.fs.syncDir('/data');
    this.#usesManifest = options.usesManifest;
    this.#config = options.config ?? smallConfig;
    this.#open('clean');
  }

  get cursor(): Float64Array {
    return this.log.cursor;
  }

  /** Runs a step; when the machine dies in it, restarts and checks what is left. */
  step(run: () => void, crash?: { fault: Fault; kind: RestartKind }): void {
    const flushedOffset = this.cursor[Cursor.RECOVERY_POINT]!;
    this.#attempted = [];
    this.#lowestEnd = this.endOffset;
    this.#highestStart = this.startOffset;
    if (crash !== undefined) this.fs.setFault(crash.fault);
    try {
      run();
      this.fs.setFault(null);
      this.manifest?.write();
    } catch (error) {
      if (!(error instanceof CrashError)) throw error;
      this.#restartAfterCrash(crash!.kind, flushedOffset);
      this.#syncAll();
      return;
    }
    this.checkMarks();
  }

  /** Dies between two steps. */
  crash(kind: 'kill' | 'power'): void {
    this.#attempted = [];
    this.#lowestEnd = this.endOffset;
    this.#highestStart = this.startOffset;
    this.#restartAfterCrash(kind, this.cursor[Cursor.RECOVERY_POINT]!);
  }

  reopen(): void {
    this.log.close();
    this.manifest?.close();
    this.reader.close();
    const open = this.fs.memory.openCount;
    expect(open === 0, () => `${open} descriptors were left open`);
    const before = Array.from(this.cursor);
    this.#open('clean');
    for (const mark of [Cursor.LOG_END_OFFSET, Cursor.ACTIVE_POSITION]) {
      expect(
        this.cursor[mark] === before[mark],
        () => `mark ${mark} differs after a clean restart`,
      );
    }
    if (this.#usesManifest) {
      const start = this.cursor[Cursor.LOG_START_OFFSET]!;
      expect(start === this.startOffset, () => `start offset ${start}, not ${this.startOffset}`);
    }
    this.startOffset = this.cursor[Cursor.LOG_START_OFFSET]!;
    this.checkAll();
  }

  append(plans: readonly BatchPlan[]): void {
    const producers = this.#producersAt(this.endOffset);
    const pieces: AppendPiece[] = [];
    const expected: { code: number; baseOffset: number; batch: ModelBatch | null }[] = [];
    let nextOffset = this.endOffset;
    for (const plan of plans) {
      const { fields, code, duplicateOf } = this.#outcomeOf(plan, producers, nextOffset);
      const bytes = makeBatch(plan, fields);
      pieces.push(pieceOf(bytes));
      if (code !== ErrorCode.NONE || duplicateOf >= 0) {
        expected.push({ code, baseOffset: duplicateOf, batch: null });
        continue;
      }
      const batch = stored(plan, fields, nextOffset, this.leaderEpoch, bytes);
      this.#attempted.push(batch);
      expected.push({ code, baseOffset: nextOffset, batch });
      nextOffset = batch.lastOffset + 1;
    }
    this.log.appendAsLeader(pieces, pieces.length);
    pieces.forEach((piece, i) => {
      const { code, baseOffset, batch } = expected[i]!;
      expect(
        piece.errorCode === code && piece.baseOffset === baseOffset,
        () =>
          `piece ${i}: answered ${piece.errorCode} at ${piece.baseOffset}, not ${code} at ${baseOffset}`,
      );
      if (batch !== null) this.#accept(batch);
    });
  }

  /** What a follower does: batches with offsets and epochs of a leader. */
  appendAsFollower(plans: readonly BatchPlan[]): void {
    const pieces: AppendPiece[] = [];
    const batches: ModelBatch[] = [];
    let nextOffset = this.endOffset;
    for (const plan of plans) {
      const fields = { producerId: -1, producerEpoch: -1, baseSequence: -1 };
      const bytes = makeBatch(plan, {
        ...fields,
        baseOffset: nextOffset,
        leaderEpoch: this.leaderEpoch,
      });
      const batch = stored(plan, fields, nextOffset, this.leaderEpoch, bytes);
      batches.push(batch);
      this.#attempted.push(batch);
      pieces.push(pieceOf(bytes));
      nextOffset = batch.lastOffset + 1;
    }
    this.log.appendAsFollower(pieces, pieces.length);
    pieces.forEach((piece, i) => {
      expect(piece.errorCode === 0, () => `follower piece ${i} answered ${piece.errorCode}`);
      this.#accept(batches[i]!);
    });
  }

  truncateTo(offset: number): void {
    const kept = this.batches.filter((batch) => batch.lastOffset < offset);
    const target = Math.min(offset, this.endOffset);
    const last = kept.at(-1);
    const isWithin = target < this.endOffset;
    const first = this.log.segments()[0]!.baseOffset;
    let endOffset = this.endOffset;
    if (isWithin)
      endOffset = target < first ? target : Math.max(first, last ? last.lastOffset + 1 : 0);
    this.#lowestEnd = Math.min(this.#lowestEnd, endOffset);
    this.log.truncateTo(offset);
    if (!isWithin) return;
    this.endOffset = endOffset;
    this.startOffset = Math.min(this.startOffset, endOffset);
    this.batches = kept;
    this.#work = null;
  }

  deleteRecords(offset: number): void {
    this.#highestStart = Math.max(this.startOffset, offset);
    const start = this.log.deleteRecordsBefore(offset);
    expect(
      offset > this.endOffset ? start === -1 : start === Math.max(offset, this.startOffset),
      () => `deleteRecordsBefore(${offset}) answered ${start}`,
    );
    if (offset > this.endOffset) return;
    this.startOffset = Math.max(offset, this.startOffset);
    for (const { baseOffset } of this.log.segments().slice(1)) {
      expect(baseOffset > this.startOffset || this.#isActive(baseOffset), () => {
        return `a whole segment below ${this.startOffset} stayed`;
      });
    }
  }

  retain(): void {
    this.#highestStart = this.endOffset;
    const before = this.log.segments();
    const now = this.clock.now();
    this.log.applyRetention(now);
    this.#checkRetention(before, this.startOffset);
    this.startOffset = this.cursor[Cursor.LOG_START_OFFSET]!;
  }

  flush(): void {
    this.log.flush();
    const flushed = this.cursor[Cursor.RECOVERY_POINT]!;
    expect(flushed === this.endOffset, () => `flushed to ${flushed} of ${this.endOffset}`);
  }

  /** First half of a background flush: other steps may come before the second. */
  beginFlush(): void {
    this.#work = this.log.flushWork();
    if (this.#work === null) return;
    for (const path of this.#work.paths) {
      if (!this.fs.exists(path)) continue;
      const fd = this.fs.open(path, 'write');
      this.fs.sync(fd);
      this.fs.close(fd);
    }
    if (this.#work.directory !== null) this.fs.syncDir(this.#work.directory);
  }

  endFlush(): void {
    if (this.#work !== null) this.log.noteFlushed(this.#work, this.clock.now());
    this.#work = null;
  }

  rollIfDue(): void {
    this.log.rollIfDue(this.clock.now());
  }

  /** Reads from any offset in pieces of at most `maxBytes`, with and without a hint. */
  read(offset: number, maxBytes: number): void {
    const { reader } = this;
    const plan = new ReadPlan();
    const hint = new ReadCursor();
    const progress = new ReadProgress();
    const buffer = Buffer.alloc(8192);
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const got: Uint8Array[] = [];
    let next = offset;
    for (let round = 0; ; round++) {
      const status = reader.locate(
        next,
        'logEndOffset',
        maxBytes,
        true,
        round % 3 ? hint : null,
        plan,
      );
      if (next < this.startOffset || next > this.endOffset) {
        expect(status === 'outOfRange', () => `offset ${next}: ${status}`);
        return;
      }
      if (status === 'atEnd') break;
      expect(status === 'ok', () => `offset ${next}: ${status}`);
      const count = reader.read(plan, buffer, 0);
      expect(count === plan.size, () => `read ${count} of ${plan.size}`);
      progress.begin(plan);
      for (let at = 0; at < count; at += NOTED_BYTES) {
        progress.note(view, at, Math.min(NOTED_BYTES, count - at));
      }
      const whole = progress.leave(hint);
      expect(whole > 0, () => `no whole batch at ${next}`);
      got.push(buffer.slice(0, whole).map((byte) => byte));
      expect(hint.offset > next, () => `no progress at ${next}`);
      next = hint.offset;
    }
    const wanted = this.batches.filter(({ lastOffset }) => lastOffset >= offset);
    const same = Buffer.concat(got).equals(Buffer.concat(wanted.map(({ bytes }) => bytes)));
    expect(same, () => `bytes from offset ${offset} differ`);
    expect(next === this.endOffset, () => `the log ends at ${next}, not ${this.endOffset}`);
  }

  lookUp(timestamp: number): void {
    const all = this.batches.flatMap(({ records, leaderEpoch }) =>
      records.map((record) => ({ ...record, leaderEpoch })),
    );
    const live = all.filter(({ offset }) => offset >= this.startOffset);
    const wanted = live.find((record) => record.timestamp >= timestamp) ?? null;
    const found = this.reader.offsetForTimestamp(timestamp, 'logEndOffset');
    expect(
      found?.offset === wanted?.offset && found?.timestamp === wanted?.timestamp,
      () => `time ${timestamp}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`,
    );
    expect(found?.leaderEpoch === wanted?.leaderEpoch, () => `epoch at time ${timestamp}`);
    const max = Math.max(-1, ...live.map((record) => record.timestamp));
    const latest = max < 0 ? undefined : live.find((record) => record.timestamp === max);
    const maximum = this.reader.offsetOfMaxTimestamp('logEndOffset');
    expect(
      maximum?.offset === latest?.offset,
      () => `largest timestamp: ${JSON.stringify(maximum)}, not ${JSON.stringify(latest)}`,
    );
  }

  checkMarks(): void {
    const { cursor } = this;
    this.#epochsFrom = Math.min(this.endOffset, Math.max(this.#epochsFrom, this.startOffset));
    const mark = (index: number): number => cursor[index]!;
    expect(mark(Cursor.LOG_END_OFFSET) === this.endOffset, () => {
      return `log end offset ${mark(Cursor.LOG_END_OFFSET)}, not ${this.endOffset}`;
    });
    expect(mark(Cursor.HIGH_WATERMARK) === this.endOffset, () => 'high watermark');
    expect(mark(Cursor.LOG_START_OFFSET) === this.startOffset, () => {
      return `log start offset ${mark(Cursor.LOG_START_OFFSET)}, not ${this.startOffset}`;
    });
    expect(mark(Cursor.RECOVERY_POINT) <= this.endOffset, () => 'recovery point beyond the end');
    const segments = this.log.segments();
    const bytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(
      bytes === mark(Cursor.LOG_BYTES),
      () => `log bytes ${mark(Cursor.LOG_BYTES)}, not ${bytes}`,
    );
    for (const { baseOffset, sizeBytes, maxTimestamp } of segments) {
      const next = segments.find((other) => other.baseOffset > baseOffset)?.baseOffset ?? Infinity;
      const inside = this.batches.filter(
        (batch) => batch.baseOffset >= baseOffset && batch.baseOffset < next,
      );
      const size = inside.reduce((sum, batch) => sum + batch.bytes.length, 0);
      const max = Math.max(-1, ...inside.flatMap(({ records }) => records.map((r) => r.timestamp)));
      expect(size === sizeBytes, () => `segment ${baseOffset}: ${sizeBytes} bytes, not ${size}`);
      expect(max === maxTimestamp, () => `segment ${baseOffset}: time ${maxTimestamp}, not ${max}`);
    }
  }

  checkAll(): void {
    this.checkMarks();
    this.read(this.startOffset, 700);
    this.#checkProducers();
    this.#checkEpochs();
  }

  /**
   * What a truncation that was cut short had removed may come back with a later power failure, until a flush; its
   * leader will have it cut again. The model knows one history only, so nothing is left to come back.
   */
  #syncAll(): void {
    for (const path of this.fs.memory.files.keys()) {
      const fd = this.fs.open(path, 'write');
      this.fs.sync(fd);
      this.fs.close(fd);
    }
    this.fs.syncDir(DIRECTORY);
  }

  #isActive(baseOffset: number): boolean {
    return baseOffset === this.cursor[Cursor.ACTIVE_BASE_OFFSET];
  }

  #accept(batch: ModelBatch): void {
    this.batches.push(batch);
    this.endOffset = batch.lastOffset + 1;
  }

  #open(kind: RestartKind): void {
    if (kind === 'power') this.#boot++;
    const bootId = `boot-${this.#boot}`;
    this.manifest = this.#usesManifest
      ? Manifest.open({ fs: this.fs, path: MANIFEST, bootId })
      : null;
    this.marks = new LocalMarks();
    this.log = PartitionLog.open({
      fs: this.fs,
      clock: this.clock,
      directory: DIRECTORY,
      topic: 't',
      partition: 0,
      topicId: null,
      config: this.#config,
      cursor: this.marks.cursor,
      leaderEpoch: this.leaderEpoch,
      hint: this.manifest?.take('t-0') ?? null,
      manifest: this.manifest,
      verifyTail: 'headers',
      onGenerationChange: this.marks.onGenerationChange,
      onTruncate: this.marks.onTruncate,
      log: (line) => this.lines.push(line),
    });
    this.manifest?.write();
    this.reader = new PartitionReader({
      fs: this.fs,
      directory: DIRECTORY,
      marks: this.marks,
      descriptors: new DescriptorCache(this.fs, 4),
    });
    this.#work = null;
  }

  #restartAfterCrash(kind: RestartKind, flushedOffset: number): void {
    const attempted = this.#attempted.filter(
      ({ baseOffset }) => baseOffset >= (this.batches.at(-1)?.lastOffset ?? -1) + 1,
    );
    const candidates = [...this.batches, ...attempted];
    this.fs.restart(kind === 'power' ? 'power' : 'kill');
    this.#open(kind);
    const endOffset = this.cursor[Cursor.LOG_END_OFFSET]!;
    const startOffset = this.cursor[Cursor.LOG_START_OFFSET]!;
    // Below the log start offset nothing is left to be promised, and where it was may be forgotten with the rest.
    const flushed = flushedOffset > this.startOffset ? flushedOffset : 0;
    const promised = kind === 'power' ? Math.min(flushed, this.#lowestEnd) : this.#lowestEnd;
    expect(
      endOffset >= promised,
      () => `the log ends at ${endOffset} after ${kind}, ${promised} was promised`,
    );
    expect(startOffset <= Math.max(this.#highestStart, this.endOffset), () => {
      return `the log starts at ${startOffset}, deleted was up to ${this.#highestStart}`;
    });
    if (kind !== 'power' && this.#usesManifest) {
      expect(startOffset >= Math.min(this.startOffset, this.#lowestEnd), () => {
        return `the log starts at ${startOffset}, before ${this.startOffset}`;
      });
    }
    this.batches = candidates.filter(({ lastOffset }) => lastOffset < endOffset);
    this.endOffset = endOffset;
    this.startOffset = startOffset;
    this.checkAll();
  }

  /** The model's producers after all batches below `offset`. */
  #producersAt(offset: number): Map<number, ModelProducer> {
    const producers = new Map<number, ModelProducer>();
    for (const batch of this.batches) {
      if (batch.producerId >= 0 && batch.lastOffset < offset) noteBatch(producers, batch);
    }
    return producers;
  }

  #outcomeOf(
    plan: BatchPlan,
    producers: Map<number, ModelProducer>,
    nextOffset: number,
  ): {
    fields: { producerId: number; producerEpoch: number; baseSequence: number };
    code: number;
    duplicateOf: number;
  } {
    const none = { producerId: -1, producerEpoch: -1, baseSequence: -1 };
    if (plan.producer < 0) return { fields: none, code: ErrorCode.NONE, duplicateOf: -1 };
    const producerId = 100 + plan.producer;
    const known = producers.get(producerId);
    // What a producer did below the log start offset may or may not be remembered.
    const isSure = known?.batches.every(({ baseOffset }) => baseOffset >= this.startOffset);
    const epoch = known?.epoch ?? 0;
    const last = known?.batches.at(-1);
    const next = last === undefined ? 0 : last.last + 1;
    const count = plan.timestamps.length;
    const accepted = (producerEpoch: number, baseSequence: number) => {
      const batch = { producerId, producerEpoch, baseSequence, baseOffset: nextOffset };
      noteBatch(producers, { ...batch, lastOffset: nextOffset + count - 1 });
      const fields = { producerId, producerEpoch, baseSequence };
      return { fields, code: ErrorCode.NONE, duplicateOf: -1 };
    };
    const fault = isSure === true ? plan.fault : 'none';
    if (fault === 'bump') return accepted(epoch + 1, 0);
    if (fault === 'gap') {
      const fields = { producerId, producerEpoch: epoch, baseSequence: next + 7 };
      return { fields, code: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, duplicateOf: -1 };
    }
    if (fault === 'stale' && epoch > 0) {
      const fields = { producerId, producerEpoch: epoch - 1, baseSequence: 0 };
      return { fields, code: ErrorCode.INVALID_PRODUCER_EPOCH, duplicateOf: -1 };
    }
    const repeated = known?.batches.find(({ first, last: end }) => end - first + 1 === count);
    if (fault === 'repeat' && repeated !== undefined) {
      const fields = { producerId, producerEpoch: epoch, baseSequence: repeated.first };
      return { fields, code: ErrorCode.NONE, duplicateOf: repeated.baseOffset };
    }
    return accepted(epoch, next);
  }

  #checkProducers(): void {
    const wanted = this.#producersAt(this.endOffset);
    const found = new Map(this.log.producers().map((each) => [each.producerId, each]));
    for (const [producerId, { epoch, batches }] of wanted) {
      const last = batches.at(-1)!;
      if (last.baseOffset < this.startOffset) continue;
      const producer = found.get(producerId);
      expect(
        producer?.producerEpoch === epoch && producer.lastSequence === last.last,
        () => `producer ${producerId}: ${JSON.stringify(producer)}, not ${epoch}/${last.last}`,
      );
    }
    for (const producerId of found.keys()) {
      expect(wanted.has(producerId), () => `producer ${producerId} comes from nowhere`);
    }
  }

  #checkEpochs(): void {
    const live = this.batches.filter(({ baseOffset }) => baseOffset >= this.#epochsFrom);
    for (const epoch of new Set(live.map(({ leaderEpoch }) => leaderEpoch))) {
      const end = live.find((batch) => batch.leaderEpoch > epoch)?.baseOffset ?? this.endOffset;
      const found = this.log.endOffsetForEpoch(epoch);
      expect(found.epoch === epoch && found.endOffset === end, () => {
        return `epoch ${epoch} ends at ${found.endOffset} (${found.epoch}), not ${end}`;
      });
    }
  }

  #checkRetention(before: ReturnType<PartitionLog['segments']>, startOffset: number): void {
    const now = this.clock.now();
    const after = this.log.segments();
    const first = after[0]!;
    const dropped = before.filter(({ baseOffset }) => baseOffset < first.baseOffset);
    let bytes = before.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const segment of dropped) {
      bytes -= segment.sizeBytes;
      const isOld = now - segment.maxTimestamp > this.#config.retentionMs;
      const isBelowStart = segment.baseOffset < startOffset;
      expect(isOld || isBelowStart || bytes >= this.#config.retentionBytes, () => {
        return `segment ${segment.baseOffset} was dropped too early`;
      });
    }
    const isKeptForTime = now - first.maxTimestamp <= this.#config.retentionMs;
    const isEmpty = first.sizeBytes === 0;
    expect(isKeptForTime || isEmpty, () => `segment ${first.baseOffset} is too old`);
    expect(
      bytes - first.sizeBytes < this.#config.retentionBytes || isEmpty,
      () => 'too many bytes',
    );
  }
}

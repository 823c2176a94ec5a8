/**
 * Appends a group of record batches to a log: checks each, gives it offsets, and writes them with as few writes
 * as possible. One per thread, reused by all its logs: an append allocates nothing.
 *
 * Batches go to the file in order, as runs: a run is memory written with one call. Batches that lie back to back
 * are one run as they are; small ones are copied together into the staging region (a copy of 1 KiB costs 0.06 µs,
 * a write call 1 µs); large ones are written from where they lie.
 *
 * Where the log's thread must not be held up (`LogResources.postpones`), the append ends before the first batch that takes
 * long to look into or to convert: prepare.ts does that elsewhere, and the batch comes again, PREPARED. A few small ones are
 * done here all the same.
 *
 * Nothing is visible before it is written: offsets, index entries and producer state of a group are applied when
 * its writes have succeeded, and the cursor is published once. When a write fails:
 *   1. batches whose bytes were all written before are applied and answered as usual;
 *   2. the file is cut to their end, so that no half of the others lies behind the log's end, where a later batch
 *      of the same size could make it look like part of the log after a crash;
 *   3. the others are answered KAFKA_STORAGE_ERROR. A full disk may have room for the next append; after any
 *      other failure, or when the cut fails, the log is offline.
 */

import { copyBytes } from '../base/copy-bytes.ts';
import { ErrorCode } from '../base/error-codes.ts';
import {
  DECOMPRESSED_BYTES_MAX,
  INT32_MAX,
  PREPARED_HERE_BYTES,
  PREPARED_HERE_UNFOLDED_BYTES,
  STAGED_BATCH_BYTES_MAX,
  STAGING_BYTES,
} from '../base/limits.ts';
import {
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchLeaderEpoch,
  Codec,
  codecByName,
  codecOf,
  NO_PRODUCER_ID,
  setBatchBaseOffset,
  setBatchLeaderEpoch,
} from '../format/batch.ts';
import { isNativeCodec } from '../format/compression.ts';
import { convertBatch, type Preparation } from '../format/prepare.ts';
import { stampTimestamp } from '../format/rewrite.ts';
import { type BatchRules, checkBatch, createBatchCheck } from '../format/validate.ts';
import { isFileError } from '../io/file-system.ts';
import { AppendFlags, type AppendPiece, PieceState } from './append.ts';
import { Cursor } from './cursor.ts';
import type { LogConfig } from './log-config.ts';
import { noteAppended, syncIfAsked } from './log-flush.ts';
import { needsRoll, rollLog } from './log-roll.ts';
import type { LogState } from './log-state.ts';
import { duplicate, ProducerState, sequenceAfter } from './producer-state.ts';
import { isAheadOver, zeroAhead } from './zero-ahead.ts';

export class Appender {
  readonly #check = createBatchCheck();
  readonly #rules: BatchRules = {
    topicPartition: '',
    maxMessageBytes: 0,
    nowMs: 0,
    timestampBeforeMaxMs: 0,
    timestampAfterMaxMs: 0,
    timestampType: 'CreateTime',
    isCompacted: false,
    walkCompressed: false,
    checkCrc: true,
    fromClient: true,
    unfoldedBytesMax: DECOMPRESSED_BYTES_MAX,
    isPrepared: false,
  };

  // The group under way.
  #log!: LogState;
  #pieces: AppendPiece[] = [];
  /** Pieces before it are answered, or applied. */
  #first = 0;
  #nextOffset = 0;
  /** File position behind everything gathered, and behind everything written. */
  #gatheredEnd = 0;
  #writtenEnd = 0;
  #failure: unknown = null;

  // The run under way: memory that one write will put at #writtenEnd.
  #staging: Buffer | null = null;
  #runBytes: Uint8Array | null = null;
  #runAt = 0;
  #runSize = 0;

  /** Gives offsets and epoch, checks producers, converts what the config asks for. Returns how many it took, from the first. */
  appendAsLeader(log: LogState, pieces: AppendPiece[], count: number): number {
    this.#begin(log, pieces);
    let index = 0;
    for (; index < count; index++) {
      const piece = pieces[index]!;
      if (this.#isCheckedAsLeader(piece)) this.#takeAsLeader(piece, index);
      else if (piece.state === PieceState.POSTPONED) break;
    }
    this.#finish(index);
    return index;
  }

  /** What is to be done with a batch that `appendAsLeader` does not take. */
  preparationFor(log: LogState): Preparation {
    this.#setRules(log);
    const { config } = log;
    const codec = config.compressionType === 'producer' ? null : codecOfConfig(config);
    const level = codec === null ? undefined : levelOf(config, codec);
    return { rules: { ...this.#rules, fromClient: true }, codec, level };
  }

  /** Keeps offsets and epochs as they are. They must continue the log. */
  appendAsFollower(log: LogState, pieces: AppendPiece[], count: number): void {
    this.#begin(log, pieces);
    for (let index = 0; index < count; index++) {
      const piece = pieces[index]!;
      if (this.#isCheckedAsFollower(piece)) this.#takeAsFollower(piece, index, this.#nextOffset);
    }
    this.#finish(count);
  }

  #begin(log: LogState, pieces: AppendPiece[]): void {
    const { cursor } = log;
    this.#log = log;
    this.#pieces = pieces;
    this.#first = 0;
    this.#nextOffset = cursor[Cursor.LOG_END_OFFSET]!;
    this.#gatheredEnd = cursor[Cursor.ACTIVE_POSITION]!;
    this.#writtenEnd = this.#gatheredEnd;
    this.#failure = null;
    this.#runSize = 0;
    this.#setRules(log);
    log.producers?.begin();
  }

  #setRules(log: LogState): void {
    const { config } = log;
    const rules = this.#rules;
    rules.topicPartition = log.name;
    rules.maxMessageBytes = config.maxMessageBytes;
    rules.nowMs = log.clock.now();
    rules.timestampBeforeMaxMs = config.messageTimestampBeforeMaxMs;
    rules.timestampAfterMaxMs = config.messageTimestampAfterMaxMs;
    rules.timestampType = config.messageTimestampType;
    rules.isCompacted = config.cleanupPolicy.compact;
    rules.walkCompressed = config.walkCompressed;
  }

  #finish(count: number): void {
    this.#settle(count);
    const log = this.#log;
    if (!log.identity.deferSync && !syncIfAsked(log)) refuseWritten(this.#pieces, count);
    // The memory of pieces and slabs is the caller's again.
    this.#pieces = [];
    this.#runBytes = null;
  }

  #isCheckedAsLeader(piece: AppendPiece): boolean {
    clearOutcome(piece);
    if (this.#isStopped()) return refuse(piece, ErrorCode.KAFKA_STORAGE_ERROR);
    const { config, resources } = this.#log;
    const rules = this.#rules;
    rules.fromClient = (piece.flags & AppendFlags.INTERNAL) === 0;
    rules.isPrepared = (piece.flags & AppendFlags.PREPARED) !== 0;
    rules.unfoldedBytesMax = unfoldedHere(this.#log, piece);
    const isTaken = this.#passes(piece);
    if (this.#check.isUnfolded) resources.preparedHereLeft--;
    if (!isTaken) return this.#check.needsUnfolding && postpone(piece);
    const isConverted =
      config.compressionType !== 'producer' && codecOf(piece.attributes) !== codecOfConfig(config);
    if (isConverted && rules.unfoldedBytesMax === 0) return postpone(piece);
    const isStamped = config.messageTimestampType === 'LogAppendTime';
    if (isStamped) piece.logAppendTimeMs = this.#rules.nowMs;
    if (this.#check.needsTimestampStamp) {
      const { source, at, storedSize, maxTimestamp } = piece;
      stampTimestamp(source, at, storedSize, config.messageTimestampType, maxTimestamp);
    }
    if (isConverted && !this.#converts(piece)) return false;
    if (piece.storedSize > config.segmentBytes) {
      return refuse(piece, ErrorCode.RECORD_LIST_TOO_LARGE);
    }
    return true;
  }

  #isCheckedAsFollower(piece: AppendPiece): boolean {
    clearOutcome(piece);
    if (this.#isStopped()) return refuse(piece, ErrorCode.KAFKA_STORAGE_ERROR);
    this.#rules.fromClient = false;
    if (!this.#passes(piece)) return false;
    const baseOffset = batchBaseOffset(piece.source.view, piece.at);
    const next = this.#nextOffset;
    // A compacted log has gaps where a leader's has them; anywhere else a gap is a lost batch.
    const continues = baseOffset === next || (this.#rules.isCompacted && baseOffset > next);
    if (!continues) return refuse(piece, ErrorCode.OFFSET_OUT_OF_RANGE);
    this.#nextOffset = baseOffset;
    return true;
  }

  /** checkBatch, with its findings in the piece. */
  #passes(piece: AppendPiece): boolean {
    const check = this.#check;
    if (!checkBatch(piece.source, piece.at, piece.size, this.#rules, check)) {
      piece.errorMessage = check.message;
      piece.recordErrors = check.recordErrors;
      return refuse(piece, check.errorCode);
    }
    piece.stored = piece.source;
    piece.storedAt = piece.at;
    piece.storedSize = check.size;
    piece.lastOffsetDelta = check.lastOffsetDelta;
    piece.maxTimestamp = check.maxTimestamp;
    piece.attributes = check.attributes;
    piece.producerId = check.producerId;
    piece.producerEpoch = check.producerEpoch;
    piece.baseSequence = check.baseSequence;
    piece.lastSequence = sequenceAfter(check.baseSequence, check.lastOffsetDelta);
    return true;
  }

  /** Into the codec that the topic wants; false when the records do not unfold. */
  #converts(piece: AppendPiece): boolean {
    const { config, resources } = this.#log;
    const codec = codecOfConfig(config);
    const level = levelOf(config, codec);
    const { source, at, storedSize } = piece;
    const { unfoldedBytesMax } = this.#rules;
    const conversion = { codec, level, unfoldedBytesMax };
    const converted = convertBatch(source, at, storedSize, conversion);
    resources.preparedHereLeft--;
    if (converted.needsUnfolding) return postpone(piece);
    const { errorCode, bytes } = converted;
    if (bytes === null) return refuse(piece, errorCode);
    piece.stored = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
    piece.storedAt = 0;
    piece.storedSize = bytes.length;
    if (piece.storedSize <= config.maxMessageBytes) return true;
    return refuse(piece, ErrorCode.MESSAGE_TOO_LARGE);
  }

  #takeAsLeader(piece: AppendPiece, index: number): void {
    if (!this.#makeRoom(piece, index)) return;
    if (piece.producerId !== NO_PRODUCER_ID && !this.#isNewOfProducer(piece, index)) return;
    const { view } = piece.stored;
    setBatchBaseOffset(view, piece.storedAt, this.#nextOffset);
    setBatchLeaderEpoch(view, piece.storedAt, this.#log.leaderEpoch);
    this.#add(piece);
  }

  #takeAsFollower(piece: AppendPiece, index: number, baseOffset: number): void {
    if (!this.#makeRoom(piece, index)) return;
    this.#nextOffset = baseOffset;
    this.#add(piece);
  }

  #isNewOfProducer(piece: AppendPiece, index: number): boolean {
    const log = this.#log;
    if (log.producers === null) {
      log.producers = new ProducerState();
      log.producers.begin();
    }
    const verdict = log.producers.check(this.#pieces, index, this.#rules.nowMs);
    if (verdict === 'new') return true;
    if (verdict === 'refused') return refuse(piece, log.producers.errorCode);
    piece.duplicate = true;
    piece.baseOffset = duplicate.baseOffset;
    piece.logAppendTimeMs = duplicate.timestamp;
    piece.previousOfProducer = duplicate.piece;
    piece.state = duplicate.piece >= 0 ? PieceState.REPEATS : PieceState.REFUSED;
    return false;
  }

  /** Rolls when the piece does not fit the active segment; false when that failed. */
  #makeRoom(piece: AppendPiece, index: number): boolean {
    const log = this.#log;
    const lastOffset = this.#nextOffset + piece.lastOffsetDelta;
    try {
      if (!needsRoll(log, this.#gatheredEnd, piece, lastOffset)) return true;
      this.#settle(index);
      if (!this.#isStopped()) rollLog(log);
    } catch (error) {
      if (!isFileError(error)) throw error;
      this.#failure = error;
      if (error.code !== 'disk-full') log.goOffline(error);
    }
    if (this.#isStopped()) return refuse(piece, ErrorCode.KAFKA_STORAGE_ERROR);
    this.#gatheredEnd = log.cursor[Cursor.ACTIVE_POSITION]!;
    this.#writtenEnd = this.#gatheredEnd;
    if (lastOffset - log.activeBaseOffset <= INT32_MAX) return true;
    // A follower's gap so wide that no segment can span it: offsets inside one are an int32 apart at most.
    return refuse(piece, ErrorCode.OFFSET_OUT_OF_RANGE);
  }

  /** Makes the piece the end of the run under way, or begins another with it. */
  #add(piece: AppendPiece): void {
    piece.baseOffset = this.#nextOffset;
    piece.state = PieceState.GATHERED;
    this.#nextOffset += piece.lastOffsetDelta + 1;
    this.#gatheredEnd += piece.storedSize;
    const { bytes } = piece.stored;
    const at = piece.storedAt;
    const size = piece.storedSize;
    const runSize = this.#runSize;
    if (runSize === 0) {
      this.#startRun(bytes, at, size);
    } else if (bytes === this.#runBytes && at === this.#runAt + runSize) {
      this.#runSize = runSize + size;
    } else if (size < STAGED_BATCH_BYTES_MAX && this.#isStaged(runSize, size)) {
      copyBytes.call(bytes, this.#staging!, runSize, at, at + size);
      this.#runSize = runSize + size;
    } else {
      this.#writeRun();
      this.#startRun(bytes, at, size);
    }
  }

  #startRun(bytes: Uint8Array, at: number, size: number): void {
    this.#runBytes = bytes;
    this.#runAt = at;
    this.#runSize = size;
  }

  /** Whether the run lies in the staging region with room for `size` more; a small one is moved there. */
  #isStaged(runSize: number, size: number): boolean {
    this.#staging ??= Buffer.allocUnsafeSlow(STAGING_BYTES);
    const staging = this.#staging;
    if (runSize + size > STAGING_BYTES) return false;
    if (this.#runBytes === staging) return true;
    if (runSize >= STAGED_BATCH_BYTES_MAX) return false;
    copyBytes.call(this.#runBytes!, staging, 0, this.#runAt, this.#runAt + runSize);
    this.#startRun(staging, 0, runSize);
    return true;
  }

  #writeRun(): void {
    const size = this.#runSize;
    this.#runSize = 0;
    if (size === 0 || this.#failure !== null) return;
    const log = this.#log;
    try {
      const fd = log.activeFd();
      if (log.config.preallocate && !log.isPreallocated) {
        log.fs.truncate(fd, Math.max(log.config.segmentBytes, this.#writtenEnd));
        log.isPreallocated = true;
      }
      if (this.#writtenEnd === 0) log.directoryChanges++;
      const end = this.#writtenEnd + size;
      if (isAheadOver(log.cursor, end)) {
        const { fs, cursor, config } = log;
        const file = { fs, fd, cursor, size: config.segmentBytes };
        zeroAhead(file, this.#writtenEnd, end, this.#rules.nowMs);
      }
      log.fs.pwrite(fd, this.#runBytes!, this.#runAt, size, this.#writtenEnd);
      this.#writtenEnd = end;
    } catch (error) {
      if (!isFileError(error)) throw error;
      this.#failure = error;
    }
  }

  /** Writes what is gathered of the pieces before `end`, and applies what is written. */
  #settle(end: number): void {
    this.#writeRun();
    if (this.#writtenEnd > this.#log.cursor[Cursor.ACTIVE_POSITION]!) this.#apply(end);
    if (this.#failure !== null) this.#abandon();
    for (let index = this.#first; index < end; index++) this.#answer(this.#pieces[index]!);
    this.#first = end;
    this.#nextOffset = this.#log.cursor[Cursor.LOG_END_OFFSET]!;
    // Later pieces must not be held against those that were not written.
    this.#log.producers?.begin();
  }

  /** Index entries, timestamps, producers and marks of the pieces that were written. */
  #apply(end: number): void {
    const log = this.#log;
    const { cursor, index, config } = log;
    let position = cursor[Cursor.ACTIVE_POSITION]!;
    let indexedPosition = cursor[Cursor.INDEXED_POSITION]!;
    let maxTimestamp = cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!;
    let maxTimestampOffset = cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET]!;
    let firstTimestamp = cursor[Cursor.ACTIVE_FIRST_TIMESTAMP]!;
    let nextOffset = cursor[Cursor.LOG_END_OFFSET]!;
    const startPosition = position;
    const startOffset = nextOffset;
    for (let i = this.#first; i < end && position < this.#writtenEnd; i++) {
      const piece = this.#pieces[i]!;
      if (piece.state !== PieceState.GATHERED) continue;
      if (position + piece.storedSize > this.#writtenEnd) break;
      const lastOffset = piece.baseOffset + piece.lastOffsetDelta;
      if (position === 0) firstTimestamp = piece.maxTimestamp;
      if (piece.maxTimestamp > maxTimestamp) {
        maxTimestamp = piece.maxTimestamp;
        maxTimestampOffset = lastOffset;
      }
      if (position - indexedPosition > config.indexIntervalBytes) {
        index.addOffset(lastOffset, position);
        index.addTime(maxTimestamp, maxTimestampOffset);
        indexedPosition = position;
      }
      this.#noteBatch(piece);
      position += piece.storedSize;
      nextOffset = lastOffset + 1;
      piece.state = PieceState.WRITTEN;
    }
    log.hooks.publish.begin();
    cursor[Cursor.LOG_END_OFFSET] = nextOffset;
    cursor[Cursor.ACTIVE_POSITION] = position;
    cursor[Cursor.INDEXED_POSITION] = indexedPosition;
    cursor[Cursor.ACTIVE_MAX_TIMESTAMP] = maxTimestamp;
    cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET] = maxTimestampOffset;
    cursor[Cursor.ACTIVE_FIRST_TIMESTAMP] = firstTimestamp;
    cursor[Cursor.LOG_BYTES] = cursor[Cursor.LOG_BYTES]! + position - startPosition;
    cursor[Cursor.APPENDED_COUNT] = cursor[Cursor.APPENDED_COUNT]! + nextOffset - startOffset;
    noteAppended(log, position - startPosition, this.#rules.nowMs);
    log.hooks.publish.end();
    this.#writtenEnd = position;
    this.#gatheredEnd = position;
  }

  #noteBatch(piece: AppendPiece): void {
    const log = this.#log;
    const { view } = piece.stored;
    const at = piece.storedAt;
    log.epochs.assign(batchLeaderEpoch(view, at), piece.baseOffset);
    if (piece.producerId === NO_PRODUCER_ID) return;
    log.producers ??= new ProducerState();
    log.producers.apply(view, at, this.#rules.nowMs);
  }

  /** Removes what a failed write may have left behind the log's end. */
  #abandon(): void {
    const log = this.#log;
    const failure = this.#failure;
    // Without a descriptor nothing was written.
    if (isFileError(failure, 'too-many-files')) return;
    if (!isFileError(failure, 'disk-full')) {
      log.goOffline(failure);
      return;
    }
    try {
      const fd = log.activeFd();
      log.fs.truncate(fd, log.cursor[Cursor.ACTIVE_POSITION]!);
      log.isPreallocated = false;
      log.fs.sync(fd);
    } catch (error) {
      if (!isFileError(error)) throw error;
      log.goOffline(error);
    }
  }

  #answer(piece: AppendPiece): void {
    if (piece.state === PieceState.GATHERED) {
      refuse(piece, ErrorCode.KAFKA_STORAGE_ERROR);
    } else if (piece.state === PieceState.REPEATS) {
      const original = this.#pieces[piece.previousOfProducer]!;
      if (original.errorCode !== ErrorCode.NONE) refuse(piece, original.errorCode);
    }
  }

  #isStopped(): boolean {
    return this.#failure !== null || this.#log.isOffline;
  }
}

function clearOutcome(piece: AppendPiece): void {
  piece.errorCode = ErrorCode.NONE;
  piece.errorMessage = null;
  piece.recordErrors = null;
  piece.baseOffset = -1;
  piece.logAppendTimeMs = -1;
  piece.duplicate = false;
  piece.previousOfProducer = -1;
  piece.state = PieceState.REFUSED;
}

function refuse(piece: AppendPiece, errorCode: number): false {
  piece.errorCode = errorCode;
  piece.baseOffset = -1;
  piece.logAppendTimeMs = -1;
  piece.duplicate = false;
  return false;
}

/** How large a batch may be, unfolded, that is looked into or converted on this thread; 0: none. */
function unfoldedHere(log: LogState, piece: AppendPiece): number {
  const { postpones, preparedHereLeft } = log.resources;
  // What the broker itself writes is rare.
  if (!postpones || (piece.flags & AppendFlags.INTERNAL) !== 0) return DECOMPRESSED_BYTES_MAX;
  if (preparedHereLeft <= 0 || piece.size > PREPARED_HERE_BYTES) return 0;
  const isHeader = piece.size >= BATCH_HEADER_BYTES;
  const codec = isHeader ? codecOf(batchAttributes(piece.source.view, piece.at)) : Codec.NONE;
  // Shard threads have no event loop.
  const isNative = isNativeCodec(codec) || isNativeCodec(codecOfConfig(log.config));
  return isNative ? 0 : PREPARED_HERE_UNFOLDED_BYTES;
}

function postpone(piece: AppendPiece): false {
  clearOutcome(piece);
  piece.state = PieceState.POSTPONED;
  return false;
}

/** The sync that the config asks for failed: nothing of this append is safe. */
function refuseWritten(pieces: AppendPiece[], count: number): void {
  for (let index = 0; index < count; index++) {
    const piece = pieces[index]!;
    if (piece.errorCode === ErrorCode.NONE) refuse(piece, ErrorCode.KAFKA_STORAGE_ERROR);
  }
}

function codecOfConfig(config: LogConfig): number {
  if (config.compressionType === 'uncompressed') return Codec.NONE;
  return codecByName(config.compressionType) ?? Codec.NONE;
}

function levelOf(config: LogConfig, codec: number): number | undefined {
  if (codec === Codec.GZIP) return config.compressionGzipLevel;
  if (codec === Codec.LZ4) return config.compressionLz4Level;
  if (codec === Codec.ZSTD) return config.compressionZstdLevel;
  return undefined;
}

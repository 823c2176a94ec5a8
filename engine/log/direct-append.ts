/**
 * Appends by another thread, for a log whose own thread sleeps: as long as one thread keeps up, the two hops to the other and
 * back only add to the cost. One batch at a time, and only what needs nothing that the log's thread keeps to itself.
 *
 * Why this is right. Both sides hold the same lock (the shard's) around everything they do to the log, so appends never
 * overlap and each sees all that the other wrote before. It remains that nothing of the log's state is elsewhere than in the
 * cursor, or goes stale by an append that its thread did not make. `offerDirect`, called by the log's thread before it lets go
 * of the lock, therefore writes terms into the cursor, and withdraws them (DIRECT_START_MAX = -1) unless all of this holds:
 *
 *   state in the log's heap                     is not concerned, because
 *   producers, open transactions                a batch with a producer id is not taken, and the log must be fully committed
 *   leader epochs                               a batch of the current epoch is in the log already
 *   index entries gathered                      one that comes due is left as a note (index-notes.ts)
 *   a roll, by size, time, index or int32       DIRECT_END_MAX, DIRECT_TIMESTAMP_MAX, DIRECT_INDEX_ROOM; checked
 *   the active file, preallocated, with a name  the segment has bytes; the other thread opens it by name (base offset,
 *                                               TRUNCATIONS) on a descriptor of its own
 *   configuration                               plain: no LogAppendTime, recompression, compaction, flush.messages, and
 *                                               limits are among the terms
 *   unflushed bytes, their age                  DIRECT_BYTES counts up; `noteDirect` draws the conclusion later. The
 *                                               background flush is armed already, or there are no terms; and
 *                                               DIRECT_START_MAX bounds what comes before the log's thread looks again
 *   high watermark                              follows the log end: replication gives no terms
 *
 * When the write fails the cursor has not moved and the batch looks as it did before: the log's own thread then appends it
 * again, over whatever was half written, and handles the failure if it happens again.
 */

import { DIRECT_AHEAD_BYTES_MAX, INT32_MAX } from '../base/limits.ts';
import {
  batchBaseOffset,
  batchLeaderEpoch,
  NO_PRODUCER_ID,
  setBatchBaseOffset,
  setBatchLeaderEpoch,
} from '../format/batch.ts';
import { LOG_SUFFIX } from '../format/index-layout.ts';
import {
  type BatchRules,
  type ByteSource,
  checkBatch,
  createBatchCheck,
} from '../format/validate.ts';
import { Descriptor, type DescriptorCache } from '../io/descriptor-cache.ts';
import { isFileError } from '../io/file-system.ts';
import { Cursor } from './cursor.ts';
import type { IndexNotes } from './index-notes.ts';
import { noteAppended } from './log-flush.ts';
import { segmentAgeMax } from './log-roll.ts';
import type { LogState, PublishHooks } from './log-state.ts';
import { segmentPath } from './segment-files.ts';
import { isAheadOver, zeroAhead } from './zero-ahead.ts';

const WITHDRAWN = -1;

/** The log's thread, under the lock, after whatever it did: says what another thread may append until the next time. */
export function offerDirect(log: LogState, isFlushArmed: boolean): void {
  const { cursor, config } = log;
  const indexRoom = isFlushArmed && isPlain(log) ? log.index.roomFor(config.segmentIndexBytes) : 0;
  if (indexRoom === 0) {
    cursor[Cursor.DIRECT_START_MAX] = WITHDRAWN;
    return;
  }
  const firstTimestamp = cursor[Cursor.ACTIVE_FIRST_TIMESTAMP]!;
  cursor[Cursor.DIRECT_START_MAX] = cursor[Cursor.ACTIVE_POSITION]! + DIRECT_AHEAD_BYTES_MAX;
  cursor[Cursor.DIRECT_END_MAX] = config.segmentBytes;
  cursor[Cursor.DIRECT_TIMESTAMP_MAX] =
    firstTimestamp >= 0 ? firstTimestamp + segmentAgeMax(log) : Number.POSITIVE_INFINITY;
  cursor[Cursor.DIRECT_BATCH_BYTES_MAX] = config.maxMessageBytes;
  cursor[Cursor.DIRECT_BEFORE_MAX_MS] = config.messageTimestampBeforeMaxMs;
  cursor[Cursor.DIRECT_AFTER_MAX_MS] = config.messageTimestampAfterMaxMs;
  cursor[Cursor.DIRECT_INDEX_INTERVAL] = config.indexIntervalBytes;
  cursor[Cursor.DIRECT_INDEX_ROOM] = indexRoom;
}

function isPlain(log: LogState): boolean {
  const { cursor, config, identity } = log;
  return (
    !log.isOffline &&
    !log.isClosed &&
    identity.autoAdvance &&
    config.flushMessages === Number.POSITIVE_INFINITY &&
    config.messageTimestampType === 'CreateTime' &&
    config.compressionType === 'producer' &&
    !config.cleanupPolicy.compact &&
    !config.walkCompressed &&
    cursor[Cursor.ACTIVE_POSITION]! > 0 &&
    log.isPreallocated === config.preallocate &&
    log.epochs.latest === log.leaderEpoch
  );
}

/** The log's thread: takes `bytes` into account that others appended since it last looked. */
export function noteDirect(log: LogState, bytes: number, nowMs: number): void {
  noteAppended(log, bytes, nowMs);
}

/** The log's thread: an index entry that came due in an append by another thread. */
export function noteDirectIndex(
  log: LogState,
  lastOffset: number,
  position: number,
  maxTimestamp: number,
  maxTimestampOffset: number,
): void {
  log.index.addOffset(lastOffset, position);
  log.index.addTime(maxTimestamp, maxTimestampOffset);
}

/** Where a log is that another thread may append to. */
export interface DirectTarget {
  readonly directory: string;
  readonly cursor: Float64Array;
  readonly publish: PublishHooks;
  /** Read by the log's thread before it does anything. */
  readonly notes: IndexNotes;
}

interface OpenSegment {
  readonly descriptor: Descriptor;
  readonly directory: string;
  readonly baseOffset: number;
  readonly truncations: number;
}

/** The appending side. One per thread, for all its targets; what it knows of a target is keyed by the caller's number. */
export class DirectAppender {
  readonly #descriptors: DescriptorCache;
  readonly #segments = new Map<number, OpenSegment>();
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
    unfoldedBytesMax: 0,
    isPrepared: false,
  };
  /** Offset of the first record of the batch that `append` took. */
  baseOffset = -1;

  constructor(descriptors: DescriptorCache) {
    this.#descriptors = descriptors;
  }

  /**
   * Before the lock is taken, so that it is held for as short as can be: whether the batch is one that `append` could take.
   * The terms are read without the lock: they may be out of date, which `append` finds out.
   */
  isFit(
    cursor: Float64Array,
    source: ByteSource,
    at: number,
    size: number,
    nowMs: number,
  ): boolean {
    if (cursor[Cursor.ACTIVE_POSITION]! > cursor[Cursor.DIRECT_START_MAX]!) return false;
    const rules = this.#rules;
    rules.maxMessageBytes = cursor[Cursor.DIRECT_BATCH_BYTES_MAX]!;
    rules.timestampBeforeMaxMs = cursor[Cursor.DIRECT_BEFORE_MAX_MS]!;
    rules.timestampAfterMaxMs = cursor[Cursor.DIRECT_AFTER_MAX_MS]!;
    rules.nowMs = nowMs;
    const check = this.#check;
    // A bad batch goes the long way, where it is refused in all form.
    if (!checkBatch(source, at, size, rules, check)) return false;
    return check.size === size && check.producerId === NO_PRODUCER_ID && !check.needsTimestampStamp;
  }

  /** Under the lock, right after `isFit` said yes to the same batch. False: nothing happened, the log's thread must do it. */
  append(
    key: number,
    target: DirectTarget,
    batch: { source: ByteSource; at: number; size: number },
    marks: { leaderEpoch: number; truncations: number },
  ): boolean {
    const { cursor } = target;
    const check = this.#check;
    const { source, at, size } = batch;
    const position = cursor[Cursor.ACTIVE_POSITION]!;
    const baseOffset = cursor[Cursor.LOG_END_OFFSET]!;
    const lastOffset = baseOffset + check.lastOffsetDelta;
    const isIndexed =
      position - cursor[Cursor.INDEXED_POSITION]! > cursor[Cursor.DIRECT_INDEX_INTERVAL]!;
    if (
      (isIndexed && target.notes.isFull) ||
      cursor[Cursor.DIRECT_INDEX_ROOM] === 0 ||
      position > cursor[Cursor.DIRECT_START_MAX]! ||
      position + size > cursor[Cursor.DIRECT_END_MAX]! ||
      size > cursor[Cursor.DIRECT_BATCH_BYTES_MAX]! ||
      check.maxTimestamp > cursor[Cursor.DIRECT_TIMESTAMP_MAX]! ||
      lastOffset - cursor[Cursor.ACTIVE_BASE_OFFSET]! > INT32_MAX ||
      cursor[Cursor.LAST_STABLE_OFFSET] !== baseOffset ||
      cursor[Cursor.HIGH_WATERMARK] !== baseOffset
    ) {
      return false;
    }
    const { view, bytes } = source;
    const givenOffset = batchBaseOffset(view, at);
    const givenEpoch = batchLeaderEpoch(view, at);
    setBatchBaseOffset(view, at, baseOffset);
    setBatchLeaderEpoch(view, at, marks.leaderEpoch);
    try {
      const { fs } = this.#descriptors;
      const fd = this.#descriptors.use(this.#segmentOf(key, target, marks.truncations));
      const end = position + size;
      if (isAheadOver(cursor, end)) {
        const file = { fs, fd, cursor, size: cursor[Cursor.DIRECT_END_MAX]! };
        zeroAhead(file, position, end, this.#rules.nowMs);
      }
      fs.pwrite(fd, bytes, at, size, position);
    } catch (error) {
      if (!isFileError(error)) throw error;
      setBatchBaseOffset(view, at, givenOffset);
      setBatchLeaderEpoch(view, at, givenEpoch);
      return false;
    }
    this.baseOffset = baseOffset;
    this.#publish(target, lastOffset, size);
    if (isIndexed) noteIndex(key, target, lastOffset, position);
    return true;
  }

  /** Lets go of a target's file. */
  forget(key: number): void {
    const segment = this.#segments.get(key);
    if (segment === undefined) return;
    this.#segments.delete(key);
    this.#descriptors.release(segment.descriptor);
  }

  #publish({ cursor, publish }: DirectTarget, lastOffset: number, size: number): void {
    const check = this.#check;
    const nextOffset = lastOffset + 1;
    publish.begin();
    if (check.maxTimestamp > cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!) {
      cursor[Cursor.ACTIVE_MAX_TIMESTAMP] = check.maxTimestamp;
      cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET] = lastOffset;
    }
    cursor[Cursor.APPENDED_COUNT] = cursor[Cursor.APPENDED_COUNT]! + check.lastOffsetDelta + 1;
    cursor[Cursor.ACTIVE_POSITION] = cursor[Cursor.ACTIVE_POSITION]! + size;
    cursor[Cursor.LOG_BYTES] = cursor[Cursor.LOG_BYTES]! + size;
    cursor[Cursor.DIRECT_BYTES] = cursor[Cursor.DIRECT_BYTES]! + size;
    cursor[Cursor.LOG_END_OFFSET] = nextOffset;
    cursor[Cursor.HIGH_WATERMARK] = nextOffset;
    cursor[Cursor.LAST_STABLE_OFFSET] = nextOffset;
    publish.end();
  }

  /** This thread's own descriptor of the active segment; another one after a roll, a truncation or a new tenant. */
  #segmentOf(key: number, target: DirectTarget, truncations: number): Descriptor {
    const { directory, cursor } = target;
    const baseOffset = cursor[Cursor.ACTIVE_BASE_OFFSET]!;
    const known = this.#segments.get(key);
    if (
      known !== undefined &&
      known.baseOffset === baseOffset &&
      known.truncations === truncations &&
      known.directory === directory
    ) {
      return known.descriptor;
    }
    this.forget(key);
    const descriptor = new Descriptor(segmentPath(directory, baseOffset, LOG_SUFFIX), 'write');
    this.#segments.set(key, { descriptor, directory, baseOffset, truncations });
    return descriptor;
  }
}

/** The batch at `position` is to have an index entry. Behind the publishing: only holders of the lock look at these. */
function noteIndex(
  key: number,
  { cursor, notes }: DirectTarget,
  lastOffset: number,
  position: number,
): void {
  const maxTimestamp = cursor[Cursor.ACTIVE_MAX_TIMESTAMP]!;
  notes.add(key, lastOffset, position, maxTimestamp, cursor[Cursor.ACTIVE_MAX_TIMESTAMP_OFFSET]!);
  cursor[Cursor.INDEXED_POSITION] = position;
  cursor[Cursor.DIRECT_INDEX_ROOM] = cursor[Cursor.DIRECT_INDEX_ROOM]! - 1;
}

/**
 * The cursor: the hot numbers of one partition log as a Float64Array that may lie in shared memory. They live
 * nowhere else. The log's thread is the only writer and brackets every change with the `publish` hooks (a
 * sequence lock where other threads look on); readers take a consistent snapshot through a `MarksSource`.
 *
 *   0 log start offset        first offset that may be read
 *   1 recovery point          everything below is on the disk
 *   2 high watermark          everything below is committed
 *   3 last stable offset      everything below is decided: no open transaction
 *   4 log end offset          the next offset to be given
 *   5 active base offset      names the active segment
 *   6 active position         valid bytes of the active `.log`: the next append goes here
 *   7 active max timestamp    of the active segment, -1 when it has none
 *   8 active max timestamp offset   last offset of the batch that brought it
 *   9 log bytes               of all segments
 *  10 indexed position        where the batch of the last offset index entry starts, 0 without one
 *  11 active first timestamp  max timestamp of the active segment's first batch, -1 without one
 *  12 flushed position        of the active `.log`, 0 when the recovery point lies in an earlier segment
 *  13 flushed at              wall clock of the last flush, ms
 *  14 appended count          records appended since the log was opened: for statistics
 *  15 direct bytes            appended by other threads since the log was opened (direct-append.ts)
 *  16 direct start max        a batch of another thread may start up to this position; -1: none may be appended
 *  17 direct end max          ... and end up to this one
 *  18 direct timestamp max    ... with a timestamp up to this
 *  19 direct batch bytes max  ... of this size
 *  20 direct before max ms    ... no further in the past
 *  21 direct after max ms     ... or in the future
 *  22 direct index interval   index.interval.bytes
 *  23 direct index room       entries that the indexes of the active segment still take
 *  24 ahead position          where zero-ahead.ts looks next; Infinity: nowhere, as the file is not preallocated
 *  25 ahead at                wall clock of its last look, ms
 *
 * Offsets and positions are integers within 2^53, exact in a double.
 */

export const CURSOR_LENGTH = 26;

export const Cursor = {
  LOG_START_OFFSET: 0,
  RECOVERY_POINT: 1,
  HIGH_WATERMARK: 2,
  LAST_STABLE_OFFSET: 3,
  LOG_END_OFFSET: 4,
  ACTIVE_BASE_OFFSET: 5,
  ACTIVE_POSITION: 6,
  ACTIVE_MAX_TIMESTAMP: 7,
  ACTIVE_MAX_TIMESTAMP_OFFSET: 8,
  LOG_BYTES: 9,
  INDEXED_POSITION: 10,
  ACTIVE_FIRST_TIMESTAMP: 11,
  FLUSHED_POSITION: 12,
  FLUSHED_AT_MS: 13,
  APPENDED_COUNT: 14,
  DIRECT_BYTES: 15,
  DIRECT_START_MAX: 16,
  DIRECT_END_MAX: 17,
  DIRECT_TIMESTAMP_MAX: 18,
  DIRECT_BATCH_BYTES_MAX: 19,
  DIRECT_BEFORE_MAX_MS: 20,
  DIRECT_AFTER_MAX_MS: 21,
  DIRECT_INDEX_INTERVAL: 22,
  DIRECT_INDEX_ROOM: 23,
  AHEAD_POSITION: 24,
  AHEAD_AT_MS: 25,
} as const;

/** A cursor in ordinary memory, for a log that no other thread reads. */
export function createCursor(): Float64Array {
  return new Float64Array(CURSOR_LENGTH);
}

/** One consistent look at a partition: the cursor and the words beside it. Reused by whoever looks. */
export interface MarksSnapshot {
  /** 0 free, 1 online, 2 offline, 3 deleted. */
  state: number;
  leaderEpoch: number;
  /** Moves when the set of segment files changed. */
  generation: number;
  /** Moves before and after bytes below the log end are cut off or replaced. */
  truncations: number;
  /** Moves when the place is given to another partition. */
  incarnation: number;
  readonly cursor: Float64Array;
}

export const MarksState = { FREE: 0, ONLINE: 1, OFFLINE: 2, DELETED: 3 } as const;

export function createMarksSnapshot(): MarksSnapshot {
  return {
    state: MarksState.FREE,
    leaderEpoch: -1,
    generation: 0,
    truncations: 0,
    incarnation: 0,
    cursor: createCursor(),
  };
}

/** Where a reader gets its marks from: a slot of the partition table, or `LocalMarks` on the log's own thread. */
export interface MarksSource {
  /** Takes a consistent snapshot; false when the partition is not online (`out.state` says what it is). */
  snapshot(out: MarksSnapshot): boolean;
  /** Whether the partition is still online, the same, and was not truncated since: asked after bytes were read. */
  isCurrent(truncations: number, incarnation: number): boolean;
}

/** Marks of a log on the same thread: no lock needed. Pass its hooks to `PartitionLog.open`. */
export class LocalMarks implements MarksSource {
  readonly cursor: Float64Array;
  state: number = MarksState.ONLINE;
  leaderEpoch = -1;
  generation = 0;
  truncations = 0;

  constructor(cursor: Float64Array = createCursor()) {
    this.cursor = cursor;
  }

  readonly onGenerationChange = (): void => {
    this.generation++;
  };

  readonly onTruncate = (): void => {
    this.truncations++;
  };

  snapshot(out: MarksSnapshot): boolean {
    out.cursor.set(this.cursor);
    out.state = this.state;
    out.leaderEpoch = this.leaderEpoch;
    out.generation = this.generation;
    out.truncations = this.truncations;
    out.incarnation = 0;
    return this.state === MarksState.ONLINE;
  }

  isCurrent(truncations: number, incarnation: number): boolean {
    return (
      this.state === MarksState.ONLINE && this.truncations === truncations && incarnation === 0
    );
  }
}

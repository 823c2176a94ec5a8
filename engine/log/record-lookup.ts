/**
 * Looks for a record of one batch by its timestamp, inside the batch. A batch that unfolds to more than is worth looking
 * through, or not at all, is answered for as a whole: with its largest timestamp.
 *
 * Any thread; synchronous: the memory serves all lookups of a thread, and is let go behind one of unusual size.
 */

import { isMillraceError } from '../base/errors.ts';
import { LOOKUP_KEPT_BYTES, LOOKUP_UNFOLDED_BYTES_MAX } from '../base/limits.ts';
import {
  batchBaseOffset,
  batchLastOffset,
  batchLeaderEpoch,
  batchMaxTimestamp,
} from '../format/batch.ts';
import { RecordCursor } from '../format/records.ts';
import type { SegmentView } from './segment-view.ts';

export interface TimestampLookup {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export type IsWanted = (timestamp: number, offset: number) => boolean;

const records = new RecordCursor();
const NOTHING = new Uint8Array(0);
let batchBytes = Buffer.alloc(0);

/** The first record of the batch at `position` that `isWanted`. */
export function firstRecordIn(
  view: SegmentView,
  position: number,
  size: number,
  isWanted: IsWanted,
): TimestampLookup | null {
  return lookInto(
    view,
    position,
    size,
    (leaderEpoch) => {
      while (records.next()) {
        const { timestamp, offset } = records;
        if (isWanted(timestamp, offset)) return { offset, timestamp, leaderEpoch };
      }
      return null;
    },
    isWanted,
  );
}

/** The first of the records with the largest timestamp, of those from `startOffset` on. */
export function latestRecordIn(
  view: SegmentView,
  position: number,
  size: number,
  startOffset: number,
): TimestampLookup | null {
  return lookInto(
    view,
    position,
    size,
    (leaderEpoch) => {
      let latest: TimestampLookup | null = null;
      while (records.next()) {
        const { timestamp, offset } = records;
        if (offset < startOffset || timestamp <= (latest?.timestamp ?? -1)) continue;
        latest = { offset, timestamp, leaderEpoch };
      }
      return latest;
    },
    (_timestamp, offset) => offset >= startOffset,
  );
}

/** `look` goes through `records`; when that is not possible, `isWanted` chooses among the ends of the batch. */
function lookInto(
  view: SegmentView,
  position: number,
  size: number,
  look: (leaderEpoch: number) => TimestampLookup | null,
  isWanted: IsWanted,
): TimestampLookup | null {
  if (batchBytes.length < size) batchBytes = Buffer.allocUnsafeSlow(size);
  view.read(batchBytes, 0, size, position);
  const bytes = batchBytes.subarray(0, size);
  const header = new DataView(bytes.buffer, bytes.byteOffset, size);
  const leaderEpoch = batchLeaderEpoch(header, 0);
  try {
    records.reset(bytes, header, 0, LOOKUP_UNFOLDED_BYTES_MAX);
    return look(leaderEpoch);
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    const timestamp = batchMaxTimestamp(header, 0);
    const ends = [batchBaseOffset(header, 0), batchLastOffset(header, 0)];
    const offset = ends.find((end) => isWanted(timestamp, end));
    return offset === undefined ? null : { offset, timestamp, leaderEpoch };
  } finally {
    records.bytes = NOTHING;
    if (batchBytes.length > LOOKUP_KEPT_BYTES) batchBytes = Buffer.alloc(0);
  }
}

/**
 * What files a partition directory holds, and what their names mean. Names are Kafka's: 20 digits of base
 * offset and a suffix; `.deleted` behind a name marks a file that is out of use and waits to be unlinked.
 *
 * The log's thread. Pure but for `takeInventory`'s argument, which is a directory listing.
 */

import {
  baseOffsetOfFileName,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  SNAPSHOT_SUFFIX,
  segmentFileName,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../format/index-layout.ts';
import { LEADER_EPOCH_FILE } from '../format/leader-epoch-checkpoint.ts';
import { PARTITION_METADATA_FILE } from '../format/partition-metadata.ts';
import { TEMPORARY_SUFFIX } from '../io/file-system.ts';

export const DELETED_SUFFIX = '.deleted';
/** Kafka's compaction: half-written segments, and whole ones about to replace others. */
const CLEANED_SUFFIX = '.cleaned';
const SWAP_SUFFIX = '.swap';

/** Every file of a segment, the `.log` first: where it is missing the others mean nothing. */
export const SEGMENT_SUFFIXES = [
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
  SNAPSHOT_SUFFIX,
] as const;

export function segmentPath(directory: string, baseOffset: number, suffix: string): string {
  return `${directory}/${segmentFileName(baseOffset, suffix)}`;
}

export function logPath(directory: string, baseOffset: number): string {
  return segmentPath(directory, baseOffset, LOG_SUFFIX);
}

/** A partition directory by what its names say. */
export interface Inventory {
  /** Base offsets of the `.log` files, rising. */
  readonly segments: number[];
  /** Offsets of the producer snapshots, rising. */
  readonly snapshots: number[];
  /** Every name, to ask what else is there. */
  readonly names: ReadonlySet<string>;
  /** Files to be unlinked: leftovers of a crash. */
  readonly leftovers: string[];
  /** Files of a finished compaction that a crash kept from their final names. */
  readonly swaps: string[];
  readonly hasEpochs: boolean;
  readonly hasMetadata: boolean;
}

function isLeftover(name: string): boolean {
  return (
    name.endsWith(DELETED_SUFFIX) ||
    name.endsWith(TEMPORARY_SUFFIX) ||
    name.endsWith(CLEANED_SUFFIX)
  );
}

/** Sorts the names of a partition directory into what they are. */
export function takeInventory(names: readonly string[]): Inventory {
  const segments: number[] = [];
  const snapshots: number[] = [];
  const leftovers: string[] = [];
  const swaps: string[] = [];
  for (const name of names) {
    if (isLeftover(name)) leftovers.push(name);
    else if (name.endsWith(SWAP_SUFFIX)) swaps.push(name);
    else {
      const segment = baseOffsetOfFileName(name, LOG_SUFFIX);
      if (segment >= 0) segments.push(segment);
      const snapshot = baseOffsetOfFileName(name, SNAPSHOT_SUFFIX);
      if (snapshot >= 0) snapshots.push(snapshot);
    }
  }
  segments.sort((a, b) => a - b);
  snapshots.sort((a, b) => a - b);
  const all = new Set(names);
  return {
    segments,
    snapshots,
    names: all,
    leftovers,
    swaps,
    hasEpochs: all.has(LEADER_EPOCH_FILE),
    hasMetadata: all.has(PARTITION_METADATA_FILE),
  };
}

/** The final name of a `.swap` file. */
export function nameBehindSwap(name: string): string {
  return name.slice(0, -SWAP_SUFFIX.length);
}

/** Base offsets of the `.log` files of a directory, rising. */
export function segmentsIn(names: readonly string[]): number[] {
  const segments: number[] = [];
  for (const name of names) {
    const segment = baseOffsetOfFileName(name, LOG_SUFFIX);
    if (segment >= 0) segments.push(segment);
  }
  return segments.sort((a, b) => a - b);
}

/** Index of the last segment whose base offset is not above `offset`; -1 when all are above. */
export function segmentIndexOf(baseOffsets: readonly number[], offset: number): number {
  let low = 0;
  let high = baseOffsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (baseOffsets[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

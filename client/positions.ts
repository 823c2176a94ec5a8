/**
 * Turns what people mean ("from yesterday 14:00", "the last 100", "to the end as it is now") into offsets of each
 * partition.
 *
 * One thread; asks the partitions' leaders.
 */

import type { Client } from './client.ts';
import { listOffsets } from './offsets.ts';

/**
 * A place in a partition. A negative offset counts back from the end; a timestamp stands for the first record
 * that is not older, or for the end when there is none.
 */
export type Position =
  | 'beginning'
  | 'end'
  | { readonly offset: number }
  | { readonly timestampMs: number };

/** Offsets of some partitions at `position`, by partition. Throws what `listOffsets` throws. */
export async function resolvePosition(
  client: Client,
  topic: string,
  position: Position,
  partitions: readonly number[],
): Promise<Map<number, number>> {
  if (typeof position === 'object' && 'offset' in position && position.offset >= 0) {
    return new Map(partitions.map((partition) => [partition, position.offset]));
  }
  if (typeof position === 'object' && 'offset' in position) {
    const [first, last] = await Promise.all([
      offsetsAt(client, topic, 'beginning', partitions),
      offsetsAt(client, topic, 'end', partitions),
    ]);
    return new Map(
      partitions.map((each) => [
        each,
        Math.max(first.get(each)!, last.get(each)! + position.offset),
      ]),
    );
  }
  if (typeof position === 'string') return offsetsAt(client, topic, position, partitions);
  const found = await listOffsets(client, topic, position, partitions);
  const late = found.filter((each) => each.offset === null).map((each) => each.partition);
  const ends =
    late.length === 0 ? new Map<number, number>() : await offsetsAt(client, topic, 'end', late);
  return new Map(found.map(({ partition, offset }) => [partition, offset ?? ends.get(partition)!]));
}

async function offsetsAt(
  client: Client,
  topic: string,
  query: 'beginning' | 'end',
  partitions: readonly number[],
): Promise<Map<number, number>> {
  const found = await listOffsets(client, topic, query, partitions);
  return new Map(found.map(({ partition, offset }) => [partition, offset ?? 0]));
}

/**
 * Reads one partition through the low-level fetch of @platformatic/kafka: no group, no commits, only
 * Metadata and Fetch, decoded by that client's own code.
 */

import type { Consumer } from '@platformatic/kafka';

export interface ReadRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly timestamp: number;
}

export interface FetchAllOptions {
  readonly topic: string;
  readonly partition: number;
  readonly from?: number;
  /** The offset behind the last record wanted. */
  readonly until: number;
  readonly maxBytes?: number;
}

const text = (bytes: Buffer | null): string | null => (bytes === null ? null : bytes.toString());

export async function fetchAll(
  consumer: Consumer,
  { topic, partition, from = 0, until, maxBytes = 1 << 20 }: FetchAllOptions,
): Promise<ReadRecord[]> {
  const metadata = await consumer.metadata({ topics: [topic] });
  const about = metadata.topics.get(topic);
  const leader = about?.partitions[partition]?.leader;
  if (about === undefined || leader === undefined) throw new Error(`${topic} has no leader`);
  const records: ReadRecord[] = [];
  let offset = from;
  while (offset < until) {
    const answer = await consumer.fetch({
      node: leader,
      minBytes: 1,
      maxBytes: 8 << 20,
      maxWaitTime: 5000,
      topics: [
        {
          topicId: about.id,
          partitions: [
            {
              partition,
              currentLeaderEpoch: -1,
              fetchOffset: BigInt(offset),
              lastFetchedEpoch: -1,
              partitionMaxBytes: maxBytes,
            },
          ],
        },
      ],
    });
    const found = answer.responses[0]?.partitions[0];
    if (found === undefined) throw new Error(`no answer for ${topic}-${partition}`);
    const batches = found.records ?? [];
    if (batches.length === 0) throw new Error(`nothing at offset ${offset} of ${until}`);
    for (const batch of batches) {
      for (const record of batch.records) {
        const at = Number(batch.firstOffset) + record.offsetDelta;
        if (at < offset) continue;
        records.push({
          offset: at,
          key: text(record.key),
          value: text(record.value),
          headers: record.headers.map(([name, value]) => [text(name) ?? '', text(value) ?? '']),
          timestamp: Number(batch.firstTimestamp + record.timestampDelta),
        });
      }
      offset = Number(batch.firstOffset) + batch.lastOffsetDelta + 1;
    }
  }
  return records;
}

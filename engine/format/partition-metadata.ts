/**
 * Kafka's `partition.metadata` file: the id of the topic that a partition directory belongs to, so that a
 * directory of a deleted topic is never taken for one of a new topic with the same name. Text:
 *
 *   version: 0
 *   topic_id: 5vYmBqTrS7umXCLcvVUnyA
 *
 * Any thread; pure. docs/format.md, section "Partition directory".
 */

import { MillraceError } from '../base/errors.ts';
import { uuidToBytes, ZERO_UUID } from '../base/uuid.ts';

export const PARTITION_METADATA_FILE = 'partition.metadata';

/** The file's text. */
export function formatPartitionMetadata(topicId: string): string {
  return `version: 0\ntopic_id: ${topicId}`;
}

/** The topic id in the file. Throws `MillraceError` 'corrupt' when it is not a whole, valid one. */
export function parsePartitionMetadata(text: string): string {
  const [version, topicId, ...rest] = text.split('\n').filter((line) => line !== '');
  if (version?.trim() !== 'version: 0' || rest.length > 0) throw corrupt(`version '${version}'`);
  const match = /^topic_id: ([A-Za-z0-9_-]{22})\s*$/.exec(topicId ?? '');
  if (!match || match[1] === ZERO_UUID) throw corrupt(`topic id '${topicId}'`);
  uuidToBytes(match[1]!);
  return match[1]!;
}

function corrupt(why: string): MillraceError<'corrupt', null> {
  return new MillraceError('corrupt', `partition metadata is corrupt: ${why}`, null);
}

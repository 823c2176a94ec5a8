/**
 * Walks a Produce request (versions 3 to 13) where it was received: a visitor is told positions and sizes, and the record
 * batches stay where they are. The whole request is checked before the visitor hears of any of it, so nothing is appended
 * from a request whose end is malformed.
 *
 *   body:      transactionalId · acks int16 · timeoutMs int32 · [topic] · tags
 *   topic:     name (3-12) or id (13+) · [partition] · tags
 *   partition: index int32 · records · tags                  compact lengths and tags from version 9 on
 *
 * Any thread; allocates nothing. The bytes are not changed.
 */

import { Reader } from '../reader.ts';
import { failMalformed } from '../wire-error.ts';
import type { ByteSource } from './bytes.ts';

const FLEXIBLE_FROM = 9;
const TOPIC_ID_FROM = 13;
const TOPIC_ID_BYTES = 16;

/** Hears the parts of a Produce request in their order. Positions are those of the source. */
export interface ProduceVisitor {
  /** Once, first. `transactionalIdSize` is -1 for none. */
  onRequest(
    acks: number,
    timeoutMs: number,
    transactionalIdAt: number,
    transactionalIdSize: number,
    topicCount: number,
  ): void;
  /** The topic's key: the UTF-8 bytes of its name up to version 12, the 16 bytes of its id from 13 on. */
  onTopic(keyAt: number, keySize: number, partitionCount: number): void;
  /** A partition of the last topic. `recordsSize` is -1 for null. */
  onPartition(index: number, recordsAt: number, recordsSize: number): void;
}

const reader = new Reader();

const checker: ProduceVisitor = {
  onRequest() {},
  onTopic() {},
  onPartition() {},
};

/**
 * Tells `visitor` what the request body in [at, end) holds. Throws `WireError` 'malformed' before the first call when any
 * of it is. A visitor does not start another walk.
 */
export function walkProduceRequest(
  source: ByteSource,
  at: number,
  end: number,
  version: number,
  visitor: ProduceVisitor,
): void {
  reader.reset(source.bytes, at, end);
  walk(version, checker);
  reader.at = at;
  walk(version, visitor);
}

function walk(version: number, visitor: ProduceVisitor): void {
  const isFlexible = version >= FLEXIBLE_FROM;
  const transactionalIdSize = reader.stringSize(isFlexible);
  const transactionalIdAt = reader.at;
  if (transactionalIdSize > 0) reader.skip(transactionalIdSize);
  const acks = reader.int16();
  const timeoutMs = reader.int32();
  const topicCount = readCount(isFlexible, isFlexible ? 3 : 6);
  visitor.onRequest(acks, timeoutMs, transactionalIdAt, transactionalIdSize, topicCount);
  for (let topic = 0; topic < topicCount; topic++) {
    const keySize = version < TOPIC_ID_FROM ? reader.stringSize(isFlexible) : TOPIC_ID_BYTES;
    if (keySize < 0) failMalformed('a topic without a name');
    const keyAt = reader.at;
    reader.skip(keySize);
    const partitionCount = readCount(isFlexible, isFlexible ? 6 : 8);
    visitor.onTopic(keyAt, keySize, partitionCount);
    for (let partition = 0; partition < partitionCount; partition++) {
      const index = reader.int32();
      const recordsSize = reader.bytesSize(isFlexible);
      const recordsAt = reader.at;
      if (recordsSize > 0) reader.skip(recordsSize);
      if (isFlexible) reader.skipTags();
      visitor.onPartition(index, recordsAt, recordsSize);
    }
    if (isFlexible) reader.skipTags();
  }
  if (isFlexible) reader.skipTags();
}

function readCount(isFlexible: boolean, bytesMin: number): number {
  const count = isFlexible ? reader.compactCount(bytesMin) : reader.count(bytesMin);
  return count >= 0 ? count : failMalformed('null where an array must be');
}

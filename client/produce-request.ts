/**
 * Encodes a Produce request around record batches that stay where they are: the socket gets the small pieces
 * between them and the batches themselves one after the other, nothing is copied. Tested equal to the schema
 * in net/wire/api/produce.ts at every version.
 *
 * One thread; pure.
 */

import { produceRequest } from '../net/wire/api/produce.ts';
import { Writer } from '../net/wire/writer.ts';

/** First version in which topics go by id instead of by name. */
export const PRODUCE_BY_TOPIC_ID_VERSION = 13;

interface ProduceTopic {
  readonly name: string;
  /** Needed from version 13 on. */
  readonly topicId: string | null;
  readonly partitions: readonly { readonly index: number; readonly records: Uint8Array }[];
}

export interface ProduceParameters {
  /** 0: none, 1: the leader, -1: all in-sync replicas. */
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topics: readonly ProduceTopic[];
}

const scratch = new Writer();

/** The body of the request as pieces to be sent back to back. */
export function encodeProduceRequest(parameters: ProduceParameters, version: number): Uint8Array[] {
  const isFlexible = version >= produceRequest.flexibleFrom;
  const writer = scratch;
  const pieces: Uint8Array[] = [];
  writer.reset();
  if (isFlexible) writer.compactNullableString(null);
  else writer.nullableString(null);
  writer.int16(parameters.acks);
  writer.int32(parameters.timeoutMs);
  writeCount(writer, parameters.topics.length, isFlexible);
  for (const topic of parameters.topics) {
    if (version >= PRODUCE_BY_TOPIC_ID_VERSION) writer.uuid(topic.topicId!);
    else if (isFlexible) writer.compactString(topic.name);
    else writer.string(topic.name);
    writeCount(writer, topic.partitions.length, isFlexible);
    for (const { index, records } of topic.partitions) {
      writer.int32(index);
      if (isFlexible) writer.unsignedVarint(records.length + 1);
      else writer.int32(records.length);
      pieces.push(writer.copy(), records);
      writer.reset();
      if (isFlexible) writer.int8(0);
    }
    if (isFlexible) writer.int8(0);
  }
  if (isFlexible) writer.int8(0);
  if (writer.size > 0) pieces.push(writer.copy());
  return pieces;
}

function writeCount(writer: Writer, count: number, isFlexible: boolean): void {
  if (isFlexible) writer.compactCount(count);
  else writer.count(count);
}

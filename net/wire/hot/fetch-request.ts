/**
 * Reads a Fetch request (versions 4 to 18) where it was received, as a cursor: `open` checks the whole request and sets
 * the fields that concern all of it, then the topics, their partitions and the topics to forget are stepped through.
 *
 *   body:      replicaId (4-14) · maxWaitMs · minBytes · maxBytes · isolationLevel · sessionId, sessionEpoch (7+)
 *              · [topic] · [forgotten topic] (7+) · rackId (11+) · tags: clusterId, replicaState (15+)
 *   topic:     name (4-12) or id (13+) · [partition] · tags   compact lengths and tags from version 12 on
 *   partition: index · currentLeaderEpoch (9+) · fetchOffset · lastFetchedEpoch (12+) · logStartOffset (5+)
 *              · partitionMaxBytes · tags: replicaDirectoryId (17+), highWatermark (18+)
 *
 * Any thread; one cursor is reused for many requests and allocates nothing. The bytes are not changed.
 */

import { Reader } from '../reader.ts';
import { failMalformed } from '../wire-error.ts';
import type { ByteSource } from './bytes.ts';

const LOG_START_OFFSET_FROM = 5;
const SESSION_FROM = 7;
const LEADER_EPOCH_FROM = 9;
const RACK_FROM = 11;
const FLEXIBLE_FROM = 12;
const TOPIC_ID_FROM = 13;
const REPLICA_STATE_FROM = 15;
const REPLICA_DIRECTORY_FROM = 17;
const HIGH_WATERMARK_FROM = 18;
const TOPIC_ID_BYTES = 16;

const CLUSTER_ID_TAG = 0;
const REPLICA_STATE_TAG = 1;
const REPLICA_DIRECTORY_TAG = 0;
const HIGH_WATERMARK_TAG = 1;

/** What a request says of the high watermark when it says nothing: the largest int64. */
const HIGH_WATERMARK_UNKNOWN = 2 ** 63;

export class FetchRequestCursor {
  // Of the request.
  /** -1 for a consumer. */
  replicaId = -1;
  replicaEpoch = -1;
  maxWaitMs = 0;
  minBytes = 0;
  maxBytes = 0;
  isolationLevel = 0;
  sessionId = 0;
  sessionEpoch = -1;
  rackIdAt = 0;
  /** 0 when the consumer names no rack. */
  rackIdSize = 0;
  topicCount = 0;
  forgottenTopicCount = 0;

  // Of the topic last stepped to, among those to fetch or those to forget.
  /** The topic's key: the UTF-8 bytes of its name up to version 12, the 16 bytes of its id from 13 on. */
  keyAt = 0;
  keySize = 0;
  partitionCount = 0;

  // Of the partition last stepped to; of one to forget, only the first.
  partition = 0;
  currentLeaderEpoch = -1;
  fetchOffset = 0;
  lastFetchedEpoch = -1;
  logStartOffset = -1;
  partitionMaxBytes = 0;
  /** Position of the 16 bytes of the follower's log directory id, -1 when it is not told. */
  replicaDirectoryIdAt = -1;
  /** What the follower knows as the high watermark, 2^63 when it is not told. */
  highWatermark = HIGH_WATERMARK_UNKNOWN;

  readonly #reader = new Reader();
  #version = 0;
  #isFlexible = false;
  #topicsAt = 0;
  #forgottenAt = 0;
  #topicsLeft = 0;
  #partitionsLeft = 0;

  /** Checks the request body in [at, end) and goes before its first topic. Throws `WireError` 'malformed'. */
  open(source: ByteSource, at: number, end: number, version: number): void {
    const reader = this.#reader;
    reader.reset(source.bytes, at, end);
    this.#version = version;
    this.#isFlexible = version >= FLEXIBLE_FROM;
    this.replicaId = version < REPLICA_STATE_FROM ? reader.int32() : -1;
    this.replicaEpoch = -1;
    this.maxWaitMs = reader.int32();
    this.minBytes = reader.int32();
    this.maxBytes = reader.int32();
    this.isolationLevel = reader.int8();
    const hasSession = version >= SESSION_FROM;
    this.sessionId = hasSession ? reader.int32() : 0;
    this.sessionEpoch = hasSession ? reader.int32() : -1;
    this.topicCount = this.#count(this.#isFlexible ? 3 : 6);
    this.#topicsAt = reader.at;
    this.#topicsLeft = this.topicCount;
    while (this.nextTopic()) while (this.nextPartition());
    this.forgottenTopicCount = hasSession ? this.#count(this.#isFlexible ? 3 : 6) : 0;
    this.#forgottenAt = reader.at;
    this.#topicsLeft = this.forgottenTopicCount;
    while (this.nextForgottenTopic()) while (this.nextForgottenPartition());
    this.rackIdSize = 0;
    if (version >= RACK_FROM) this.#readRack();
    if (this.#isFlexible) this.#readRequestTags();
    this.rewind();
  }

  /** Goes before the first topic to fetch. */
  rewind(): void {
    this.#reader.at = this.#topicsAt;
    this.#topicsLeft = this.topicCount;
    this.#partitionsLeft = 0;
  }

  /** Steps to the next topic; false when there is none. All partitions of the one before must have been stepped through. */
  nextTopic(): boolean {
    if (this.#topicsLeft === 0) return false;
    this.#topicsLeft--;
    this.#readKey();
    this.partitionCount = this.#count(this.#isFlexible ? 18 : 16);
    this.#partitionsLeft = this.partitionCount;
    // A topic's tags follow its last partition: of none, they are here.
    if (this.partitionCount === 0 && this.#isFlexible) this.#reader.skipTags();
    return true;
  }

  /** Steps to the next partition of the topic; false when there is none. */
  nextPartition(): boolean {
    if (this.#partitionsLeft === 0) return false;
    const reader = this.#reader;
    const version = this.#version;
    this.partition = reader.int32();
    this.currentLeaderEpoch = version >= LEADER_EPOCH_FROM ? reader.int32() : -1;
    this.fetchOffset = reader.int64();
    this.lastFetchedEpoch = this.#isFlexible ? reader.int32() : -1;
    this.logStartOffset = version >= LOG_START_OFFSET_FROM ? reader.int64() : -1;
    this.partitionMaxBytes = reader.int32();
    this.replicaDirectoryIdAt = -1;
    this.highWatermark = HIGH_WATERMARK_UNKNOWN;
    if (version >= REPLICA_DIRECTORY_FROM) this.#readPartitionTags();
    else if (this.#isFlexible) reader.skipTags();
    this.#partitionsLeft--;
    if (this.#partitionsLeft === 0 && this.#isFlexible) reader.skipTags();
    return true;
  }

  /** Goes before the first topic to forget; before or after the others, or without them. */
  openForgotten(): void {
    this.#reader.at = this.#forgottenAt;
    this.#topicsLeft = this.forgottenTopicCount;
    this.#partitionsLeft = 0;
  }

  /** Steps to the next topic to forget; false when there is none. Its partitions must be stepped through, as above. */
  nextForgottenTopic(): boolean {
    if (this.#topicsLeft === 0) return false;
    this.#topicsLeft--;
    this.#readKey();
    this.partitionCount = this.#count(4);
    this.#partitionsLeft = this.partitionCount;
    if (this.partitionCount === 0 && this.#isFlexible) this.#reader.skipTags();
    return true;
  }

  /** Steps to the next partition to forget, of which only `partition` is set. */
  nextForgottenPartition(): boolean {
    if (this.#partitionsLeft === 0) return false;
    this.partition = this.#reader.int32();
    this.#partitionsLeft--;
    if (this.#partitionsLeft === 0 && this.#isFlexible) this.#reader.skipTags();
    return true;
  }

  #readKey(): void {
    const reader = this.#reader;
    this.keySize =
      this.#version < TOPIC_ID_FROM ? reader.stringSize(this.#isFlexible) : TOPIC_ID_BYTES;
    if (this.keySize < 0) failMalformed('a topic without a name');
    this.keyAt = reader.at;
    reader.skip(this.keySize);
  }

  #readRack(): void {
    const reader = this.#reader;
    this.rackIdSize = reader.stringSize(this.#isFlexible);
    if (this.rackIdSize < 0) failMalformed('null where a rack must be');
    this.rackIdAt = reader.at;
    reader.skip(this.rackIdSize);
  }

  #readRequestTags(): void {
    const reader = this.#reader;
    const count = reader.unsignedVarint();
    for (let index = 0; index < count; index++) {
      const tag = reader.unsignedVarint();
      const size = reader.unsignedVarint();
      const from = reader.at;
      if (tag === REPLICA_STATE_TAG && this.#version >= REPLICA_STATE_FROM) {
        this.replicaId = reader.int32();
        this.replicaEpoch = reader.int64();
        reader.skipTags();
      } else if (tag === CLUSTER_ID_TAG) {
        // Only KRaft voters look at it; it is checked all the same.
        const textSize = reader.stringSize(true);
        if (textSize > 0) reader.skip(textSize);
      } else reader.skip(size);
      if (reader.at !== from + size)
        failMalformed(`tagged field ${tag} does not have ${size} bytes`);
    }
  }

  #readPartitionTags(): void {
    const reader = this.#reader;
    const count = reader.unsignedVarint();
    for (let index = 0; index < count; index++) {
      const tag = reader.unsignedVarint();
      const size = reader.unsignedVarint();
      const from = reader.at;
      if (tag === REPLICA_DIRECTORY_TAG) {
        this.replicaDirectoryIdAt = from;
        reader.skip(16);
      } else if (tag === HIGH_WATERMARK_TAG && this.#version >= HIGH_WATERMARK_FROM) {
        this.highWatermark = reader.int64();
      } else reader.skip(size);
      if (reader.at !== from + size)
        failMalformed(`tagged field ${tag} does not have ${size} bytes`);
    }
  }

  #count(bytesMin: number): number {
    const reader = this.#reader;
    const count = this.#isFlexible ? reader.compactCount(bytesMin) : reader.count(bytesMin);
    return count >= 0 ? count : failMalformed('null where an array must be');
  }
}

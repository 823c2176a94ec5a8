/**
 * ListOffsets: the offset that belongs to a time, and the ends of a log. Answered from the partition table and the time
 * index files, without asking the shard.
 *
 * Thread of the front. Rules: Kafka's KafkaApis.handleListOffsetRequest and UnifiedLog.fetchOffsetByTimestamp.
 */
import type { MetadataImage } from '../../cluster/metadata-image.ts';
import { systemClock } from '../../engine/base/clock.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { isMillraceError } from '../../engine/base/errors.ts';
import { batchLeaderEpoch, RECORDS_AT } from '../../engine/format/batch.ts';
import { type EngineClient, Marks, type PartitionReader, ReadPlan } from '../../engine/index.ts';
import type { ListOffsetsRequest } from '../wire/api/list-offsets.ts';
import type { Readers } from './readers.ts';

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;
/** The version from which each special timestamp exists; in earlier ones it is UNSUPPORTED_VERSION. */
const VERSION_OF: Readonly<Record<number, number>> = {
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
  [EARLIEST_PENDING_UPLOAD]: 11,
};
const LEADER_EPOCH_FROM = 4;
const READ_COMMITTED = 1;
const DEBUGGING_REPLICA = -2;
const CONSUMER_REPLICA = -1;

/** So long one request looks into logs without a pause. */
const TURN_MS = 2;

interface Row {
  partitionIndex: number;
  errorCode: number;
  timestamp: number;
  offset: number;
  leaderEpoch: number;
}
type Partition = ListOffsetsRequest['topics'][number]['partitions'][number];

export class ListOffsets {
  readonly #image: MetadataImage;
  readonly #engine: EngineClient;
  readonly #readers: Readers;
  readonly #marks = new Marks();
  readonly #plan = new ReadPlan();
  readonly #header = new Uint8Array(RECORDS_AT);
  readonly #headerView = new DataView(this.#header.buffer);

  constructor(image: MetadataImage, engine: EngineClient, readers: Readers) {
    this.#image = image;
    this.#engine = engine;
    this.#readers = readers;
  }

  /** A lookup by time may read from the disk, of every segment when it is the first: others have their turns in between. */
  async answer(request: ListOffsetsRequest, version: number): Promise<object> {
    const asked = new Set<string>();
    const twice = new Set<string>();
    for (const { name, partitions } of request.topics) {
      for (const { partitionIndex } of partitions) {
        const key = `${name}-${partitionIndex}`;
        if (asked.has(key)) twice.add(key);
        asked.add(key);
      }
    }
    const topics: { name: string; partitions: Row[] }[] = [];
    let turnEndsMs = systemClock.monotonic() + TURN_MS;
    for (const { name, partitions } of request.topics) {
      const rows: Row[] = [];
      for (const partition of partitions) {
        const isTwice = twice.has(`${name}-${partition.partitionIndex}`);
        rows.push(
          isTwice
            ? refusal(partition, ErrorCode.INVALID_REQUEST)
            : told(this.#row(name, partition, request, version), version),
        );
        if (systemClock.monotonic() < turnEndsMs) continue;
        await new Promise((resolve) => setImmediate(resolve));
        turnEndsMs = systemClock.monotonic() + TURN_MS;
      }
      topics.push({ name, partitions: rows });
    }
    return { throttleTimeMs: 0, topics };
  }

  #row(name: string, asked: Partition, request: ListOffsetsRequest, version: number): Row {
    const topic = this.#image.topicByName(name);
    const partition = topic?.partitions[asked.partitionIndex];
    const { timestamp, currentLeaderEpoch } = asked;
    if (timestamp < 0 && isUnsupported(timestamp, version)) {
      return refusal(asked, ErrorCode.UNSUPPORTED_VERSION);
    }
    if (partition === undefined) return refusal(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    if (partition.slot < 0) return refusal(asked, ErrorCode.KAFKA_STORAGE_ERROR);
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== partition.leaderEpoch) {
      const isOld = currentLeaderEpoch < partition.leaderEpoch;
      return refusal(asked, isOld ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH);
    }
    const marks = this.#marks;
    if (!this.#engine.marks(partition.slot, marks)) {
      return refusal(asked, ErrorCode.KAFKA_STORAGE_ERROR);
    }
    const isConsumer =
      request.replicaId === CONSUMER_REPLICA || request.replicaId === DEBUGGING_REPLICA;
    const isCommitted = isConsumer && request.isolationLevel === READ_COMMITTED;
    const bound = isCommitted ? 'lastStableOffset' : isConsumer ? 'highWatermark' : 'logEndOffset';
    const end = marks[bound];
    if (timestamp === LATEST) return row(asked, -1, end, partition.leaderEpoch);
    const reader = this.#readers.of(topic!, partition);
    try {
      if (timestamp === EARLIEST || timestamp === EARLIEST_LOCAL) {
        const offset = marks.logStartOffset;
        const epoch =
          marks.logEndOffset === offset ? partition.leaderEpoch : this.#epochAt(reader, offset);
        return row(asked, -1, offset, epoch);
      }
      if (timestamp === LATEST_TIERED || timestamp === EARLIEST_PENDING_UPLOAD) {
        return row(asked, -1, -1, -1);
      }
      const found =
        timestamp === MAX_TIMESTAMP
          ? reader.offsetOfMaxTimestamp(bound)
          : reader.offsetForTimestamp(timestamp, bound);
      if (found === null) return row(asked, -1, -1, -1);
      return row(asked, found.timestamp, found.offset, found.leaderEpoch);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      return refusal(asked, ErrorCode.KAFKA_STORAGE_ERROR);
    }
  }

  /** The leader epoch of the batch that holds `offset`, -1 when it cannot be read now. */
  #epochAt(reader: PartitionReader, offset: number): number {
    const plan = this.#plan;
    if (reader.locate(offset, 'logEndOffset', RECORDS_AT, false, null, plan) !== 'ok') return -1;
    plan.size = RECORDS_AT;
    const size = reader.read(plan, this.#header, 0);
    return size < RECORDS_AT ? -1 : batchLeaderEpoch(this.#headerView, 0);
  }
}

/** What older versions have no field for. */
function told(row: Row, version: number): Row {
  if (version < LEADER_EPOCH_FROM) row.leaderEpoch = -1;
  return row;
}

function isUnsupported(timestamp: number, version: number): boolean {
  if (timestamp === LATEST || timestamp === EARLIEST) return false;
  const from = VERSION_OF[timestamp];
  return from === undefined || version < from;
}

function row(asked: Partition, timestamp: number, offset: number, leaderEpoch: number): Row {
  const { partitionIndex } = asked;
  return { partitionIndex, errorCode: ErrorCode.NONE, timestamp, offset, leaderEpoch };
}

function refusal({ partitionIndex }: Partition, errorCode: number): Row {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 };
}

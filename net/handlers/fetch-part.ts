/**
 * One partition of a Fetch: what is asked of it, where its bytes lie, and what is told of it. Parts of a fetch session live
 * as long as the session; those of a request without one are reused by the next request.
 *
 * Thread of the front. Rules: Kafka's ReplicaManager.readFromLog and Partition.fetchRecords.
 */
import type { MetadataImage, PartitionImage, TopicImage } from '../../cluster/metadata-image.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { isMillraceError } from '../../engine/base/errors.ts';
import { FETCH_PART_BYTES_MAX } from '../../engine/base/limits.ts';
import { type PartitionReader, ReadCursor, ReadPlan } from '../../engine/index.ts';
import type { FetchPartitionOutcome } from '../wire/hot/fetch-response.ts';
import type { Readers } from './readers.ts';

export type FetchBound = 'highWatermark' | 'lastStableOffset' | 'logEndOffset';

/** What aborted transactions are told to a reader of committed records: none, as there are no transactions. */
const NO_ABORTED: readonly never[] = [];

export class FetchPart implements FetchPartitionOutcome {
  // What is asked.
  /** The topic's bytes as requests and answers carry them: name, or id from version 13 on. */
  key: Uint8Array = new Uint8Array(0);
  /** Null: the topic is named, not given by its id. */
  topicId: string | null = null;
  /** The name; null while an id is unknown. */
  name: string | null = null;
  partitionIndex = 0;
  fetchOffset = 0;
  maxBytes = 0;
  currentLeaderEpoch = -1;
  lastFetchedEpoch = -1;

  // Where it lies.
  topic: TopicImage | null = null;
  partition: PartitionImage | null = null;
  reader: PartitionReader | null = null;
  readonly plan = new ReadPlan();
  /** Where the last fetch ended. */
  hint = new ReadCursor();
  /** Bytes of the answer; and whether more lie behind them that only the size of an answer holds back. */
  recordsSize = 0;
  isCut = false;
  #imageVersion = -1;

  // What is told.
  errorCode = 0;
  highWatermark = -1;
  lastStableOffset = -1;
  logStartOffset = -1;
  abortedTransactions: readonly never[] | null = null;
  readonly preferredReadReplica = -1;
  readonly divergingEpoch = -1;
  readonly divergingEndOffset = -1;
  readonly leaderId = -1;
  readonly leaderEpoch = -1;
  readonly snapshotEndOffset = -1;
  readonly snapshotEpoch = -1;

  // What a session's client was told last.
  toldHighWatermark = -1;
  toldLogStartOffset = -1;

  /** Looks the topic up again where the image has changed. */
  resolve(image: MetadataImage, readers: Readers): void {
    if (this.#imageVersion === image.version) return;
    this.#imageVersion = image.version;
    const topic =
      this.topicId === null ? image.topicByName(this.name!) : image.topicById(this.topicId);
    this.topic = topic ?? null;
    this.partition = topic?.partitions[this.partitionIndex] ?? null;
    this.reader = null;
    if (topic !== undefined) this.name = topic.name;
    if (this.partition !== null && this.partition.slot >= 0) {
      this.reader = readers.of(topic!, this.partition);
    }
  }

  /** Forgets what the part stood for: the next `resolve` looks anew. */
  reset(): void {
    this.#imageVersion = -1;
    this.topic = null;
    this.partition = null;
    this.reader = null;
  }

  /**
   * Finds what can be told now: at most `bytesMax`, but the first batch whole when `minOneBatch`. Fills in everything that
   * is told.
   */
  locate(image: MetadataImage, bound: FetchBound, bytesMax: number, minOneBatch: boolean): void {
    this.recordsSize = 0;
    this.isCut = false;
    const errorCode = this.#refusal(image);
    if (errorCode !== ErrorCode.NONE) {
      this.refuse(errorCode);
      return;
    }
    const wanted = Math.max(0, Math.min(this.maxBytes, bytesMax));
    const { plan } = this;
    try {
      const status = this.reader!.locate(
        this.fetchOffset,
        bound,
        Math.min(wanted, FETCH_PART_BYTES_MAX),
        wanted > 0 || minOneBatch,
        this.hint,
        plan,
      );
      if (status === 'ok') {
        // An answer never holds the beginning of a batch alone: clients could not go on.
        if (minOneBatch || plan.size <= wanted) this.recordsSize = plan.size;
        // Cut by our own limit, or by the end of a segment: there is more, and no reason to wait for it.
        this.isCut =
          plan.endOffset === -1
            ? wanted > FETCH_PART_BYTES_MAX && plan.size >= FETCH_PART_BYTES_MAX
            : plan.endOffset < plan[bound];
      } else if (status !== 'atEnd') {
        this.refuse(
          status === 'outOfRange'
            ? ErrorCode.OFFSET_OUT_OF_RANGE
            : status === 'offline'
              ? ErrorCode.KAFKA_STORAGE_ERROR
              : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        );
        return;
      }
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      this.refuse(ErrorCode.KAFKA_STORAGE_ERROR);
      return;
    }
    this.errorCode = ErrorCode.NONE;
    this.highWatermark = plan.highWatermark;
    this.lastStableOffset = plan.lastStableOffset;
    this.logStartOffset = plan.logStartOffset;
    this.abortedTransactions = bound === 'lastStableOffset' ? NO_ABORTED : null;
  }

  #refusal(image: MetadataImage): number {
    if (this.topic === null) {
      if (this.topicId === null) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      if (this.name === null) return ErrorCode.UNKNOWN_TOPIC_ID;
      return image.topicByName(this.name) === undefined
        ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        : ErrorCode.INCONSISTENT_TOPIC_ID;
    }
    const { partition, currentLeaderEpoch } = this;
    if (partition === null) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (this.reader === null) return ErrorCode.KAFKA_STORAGE_ERROR;
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== partition.leaderEpoch) {
      return currentLeaderEpoch < partition.leaderEpoch
        ? ErrorCode.FENCED_LEADER_EPOCH
        : ErrorCode.UNKNOWN_LEADER_EPOCH;
    }
    // The reader claims records of an epoch that has never been.
    if (this.lastFetchedEpoch > partition.leaderEpoch) return ErrorCode.OFFSET_OUT_OF_RANGE;
    return ErrorCode.NONE;
  }

  /** Nothing but an error is told. */
  refuse(errorCode: number): void {
    this.recordsSize = 0;
    this.errorCode = errorCode;
    this.highWatermark = -1;
    this.lastStableOffset = -1;
    this.logStartOffset = -1;
    this.abortedTransactions = isUnknown(errorCode) ? NO_ABORTED : null;
  }

  /** In an incremental answer: whether there is news for the client. Remembers what it will have been told. */
  hasNews(): boolean {
    const { errorCode, highWatermark, logStartOffset } = this;
    const hasNews =
      this.recordsSize > 0 ||
      errorCode !== ErrorCode.NONE ||
      highWatermark !== this.toldHighWatermark ||
      logStartOffset !== this.toldLogStartOffset;
    this.told();
    return hasNews;
  }

  told(): void {
    // After an error the client is told the marks again when they are known again.
    this.toldHighWatermark = this.errorCode === ErrorCode.NONE ? this.highWatermark : -1;
    this.toldLogStartOffset = this.logStartOffset;
  }
}

/** Errors that Kafka answers before it looks at the log, with an empty list where the others have none. */
function isUnknown(errorCode: number): boolean {
  return (
    errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || errorCode === ErrorCode.UNKNOWN_TOPIC_ID
  );
}

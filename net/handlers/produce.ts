/**
 * Produce: hands every record batch of a request to the shard of its partition, where it lies, and answers when all have
 * come back. Nothing is copied, and in steady state nothing is allocated: works, outcomes and tokens are pooled, topics are
 * found by the bytes of their names, and the answer is written straight into the output.
 *
 * The frame stays held until the answer is written: the batches belong to the shards until they complete, and the topic
 * names of the answer are copied from the request.
 *
 * Thread of the front. Rules: Kafka's KafkaApis.handleProduceRequest and ReplicaManager.appendRecords.
 */
import type { TopicImage } from '../../cluster/metadata-image.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import { POOLED_PARTITIONS_MAX, REQUEST_PARTITIONS_MAX } from '../../engine/base/limits.ts';
import { ATTRIBUTES_AT, MAGIC_AT, RECORDS_AT } from '../../engine/format/batch.ts';
import type { AppendDetail } from '../../engine/index.ts';
import { Fill, type OutputBuffer, type Response } from '../front/output.ts';
import type { Request } from '../front/request.ts';
import type { ApiHandler, FrontServices } from '../front/services.ts';
import type { ByteTarget } from '../wire/hot/bytes.ts';
import { type ProduceVisitor, walkProduceRequest } from '../wire/hot/produce-request.ts';
import {
  type ProducePartitionOutcome,
  produceEndBytes,
  producePartitionBytes,
  produceStartBytes,
  produceTopicBytes,
  produceTopicEndBytes,
  putProduceEnd,
  putProducePartition,
  putProduceStart,
  putProduceTopic,
  putProduceTopicEnd,
} from '../wire/hot/produce-response.ts';
import { putResponseHead, responseHeadBytes } from '../wire/hot/response-head.ts';
import { failMalformed } from '../wire/wire-error.ts';
import type { Courtesy } from './courtesy.ts';
import type { TopicRoutes } from './topic-routes.ts';

const TOPIC_ID_FROM = 13;
const ZSTD_FROM = 7;
const MAGIC_V2 = 2;
const CODEC_MASK = 0x07;
const ZSTD = 4;
const TRANSACTIONAL_MASK = 0x10;
/** Kafka's admin client may write to internal topics, by this client id. */
const ADMIN_CLIENT_ID = Buffer.from('__admin_client');
const NO_ENDPOINTS: readonly never[] = [];

/** Errors that Kafka's ReplicaManager answers without looking at the log. */
function tellsLogStart(errorCode: number): boolean {
  return (
    errorCode !== ErrorCode.CORRUPT_MESSAGE &&
    errorCode !== ErrorCode.MESSAGE_TOO_LARGE &&
    errorCode !== ErrorCode.KAFKA_STORAGE_ERROR &&
    errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  );
}

/** One partition of a request: where its batch goes, and what became of it. */
class Piece implements ProducePartitionOutcome {
  work: ProduceWork | null = null;
  slot = -1;
  recordsAt = 0;
  recordsSize = 0;
  index = 0;
  errorCode = 0;
  baseOffset = -1;
  logAppendTimeMs = -1;
  logStartOffset = -1;
  recordErrors: AppendDetail['recordErrors'] = null;
  errorMessage: string | null = null;
  leaderId = -1;
  leaderEpoch = -1;
}

/** A topic of a request, as its answer names it. */
class TopicKey {
  at = 0;
  size = 0;
  pieceCount = 0;
}

export class ProduceHandler implements ApiHandler {
  readonly #services: FrontServices;
  readonly #routes: TopicRoutes;
  readonly #free: ProduceWork[] = [];
  // The engine knows a submitted piece by its token, an index into #pieces.
  readonly #pieces: (Piece | null)[] = [];
  readonly #freeTokens: number[] = [];
  /** Works that found the ring full, in the order in which they go on. */
  readonly #blocked: ProduceWork[] = [];
  readonly #courtesy: Courtesy;

  constructor(services: FrontServices, routes: TopicRoutes, courtesy: Courtesy) {
    this.#services = services;
    this.#routes = routes;
    this.#courtesy = courtesy;
  }

  start(request: Request): void {
    this.#courtesy.noteProduce(request.end - request.bodyAt, request.connection!.lastActiveMs);
    const work = this.#free.pop() ?? new ProduceWork(this.#services, this.#routes, this.#free);
    work.begin(request);
    try {
      const { memory } = this.#services.engine;
      walkProduceRequest(memory, request.bodyAt, request.end, request.apiVersion, work);
    } catch (error) {
      work.dispose();
      throw error;
    }
    work.settle();
    if (this.#blocked.length > 0 || !this.#submit(work)) this.#blocked.push(work);
    else if (work.pending === 0) work.finish();
  }

  /** The ring had been full and is not any more. */
  onSpace(): void {
    const blocked = this.#blocked;
    let done = 0;
    while (done < blocked.length && this.#submit(blocked[done]!)) {
      const work = blocked[done++]!;
      if (work.pending === 0) work.finish();
    }
    if (done > 0) blocked.splice(0, done);
  }

  readonly onCompletion = (
    token: number,
    errorCode: number,
    baseOffset: number,
    logAppendTimeMs: number,
    logStartOffset: number,
    detail: AppendDetail | null,
  ): void => {
    const piece = this.#pieces[token]!;
    this.#pieces[token] = null;
    this.#freeTokens.push(token);
    piece.errorCode = errorCode;
    piece.baseOffset = baseOffset;
    piece.logAppendTimeMs = logAppendTimeMs;
    piece.logStartOffset = tellsLogStart(errorCode) ? logStartOffset : -1;
    if (detail !== null) {
      piece.errorMessage = detail.message;
      piece.recordErrors = detail.recordErrors;
    }
    const work = piece.work!;
    work.pending--;
    if (work.pending === 0 && work.submitted === work.pieceCount) work.finish();
  };

  /** Hands over what is not handed over yet. False: the ring is full. */
  #submit(work: ProduceWork): boolean {
    const { engine } = this.#services;
    while (work.submitted < work.pieceCount) {
      const piece = work.pieces[work.submitted]!;
      if (piece.errorCode === ErrorCode.NONE) {
        const token = this.#freeTokens.pop() ?? this.#pieces.length;
        if (!engine.submit(piece.slot, piece.recordsAt, piece.recordsSize, token, 0)) {
          if (token < this.#pieces.length) this.#freeTokens.push(token);
          return false;
        }
        this.#pieces[token] = piece;
        work.pending++;
        this.#services.submitted();
      }
      work.submitted++;
    }
    return true;
  }
}

class ProduceWork implements Response, ProduceVisitor {
  readonly pieces: Piece[] = [];
  pieceCount = 0;
  /** Pieces looked at for submission, from the first; and those submitted and not completed. */
  submitted = 0;
  pending = 0;
  sizeHint = 0;
  readonly #services: FrontServices;
  readonly #routes: TopicRoutes;
  readonly #free: ProduceWork[];
  #request: Request | null = null;
  #acks = 0;
  #hasTransactionalId = false;
  #isUnauthorized = false;
  readonly #topics: TopicKey[] = [];
  #topicCount = 0;
  #topic: TopicImage | undefined;
  /** An answer too large for one output buffer, and how much of it is out. */
  #frame: Buffer | null = null;
  #frameAt = 0;

  constructor(services: FrontServices, routes: TopicRoutes, free: ProduceWork[]) {
    this.#services = services;
    this.#routes = routes;
    this.#free = free;
  }

  begin(request: Request): void {
    this.#request = request;
    this.pieceCount = 0;
    this.submitted = 0;
    this.pending = 0;
    this.#topicCount = 0;
  }

  onRequest(acks: number, _timeoutMs: number, _idAt: number, idSize: number): void {
    this.#acks = acks;
    this.#hasTransactionalId = idSize >= 0;
    this.#isUnauthorized = false;
  }

  onTopic(keyAt: number, keySize: number, partitionCount: number): void {
    // A topic without partitions is not answered.
    if (partitionCount === 0) return;
    let key = this.#topics[this.#topicCount];
    if (key === undefined) {
      key = new TopicKey();
      this.#topics.push(key);
    }
    this.#topicCount++;
    key.at = keyAt;
    key.size = keySize;
    key.pieceCount = partitionCount;
    const { bytes } = this.#services.engine.memory;
    const route =
      this.#request!.apiVersion >= TOPIC_ID_FROM
        ? this.#routes.byId(bytes, keyAt)
        : this.#routes.byName(bytes, keyAt, keySize);
    this.#topic = route?.topic;
  }

  onPartition(index: number, recordsAt: number, recordsSize: number): void {
    let piece = this.pieces[this.pieceCount];
    if (piece === undefined) {
      if (this.pieceCount === REQUEST_PARTITIONS_MAX) failMalformed('too many partitions');
      piece = new Piece();
      this.pieces.push(piece);
    }
    this.pieceCount++;
    piece.work = this;
    piece.index = index;
    piece.recordsAt = recordsAt;
    piece.recordsSize = recordsSize;
    piece.baseOffset = -1;
    piece.logAppendTimeMs = -1;
    piece.logStartOffset = -1;
    piece.recordErrors = null;
    piece.errorMessage = null;
    piece.leaderId = -1;
    piece.leaderEpoch = -1;
    piece.errorCode = this.#check(piece);
  }

  /** What stands against handing a batch to its shard. */
  #check(piece: Piece): number {
    const topic = this.#topic;
    const { apiVersion } = this.#request!;
    if (topic === undefined) {
      return apiVersion >= TOPIC_ID_FROM
        ? ErrorCode.UNKNOWN_TOPIC_ID
        : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    }
    const partition = topic.partitions[piece.index];
    if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (piece.recordsSize <= 0) return ErrorCode.INVALID_RECORD;
    const { bytes } = this.#services.engine.memory;
    const at = piece.recordsAt;
    const hasHeader = piece.recordsSize >= RECORDS_AT && bytes[at + MAGIC_AT] === MAGIC_V2;
    const attributes = hasHeader ? bytes[at + ATTRIBUTES_AT + 1]! : 0;
    if ((attributes & CODEC_MASK) === ZSTD && apiVersion < ZSTD_FROM) {
      return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
    }
    if (this.#acks !== -1 && this.#acks !== 0 && this.#acks !== 1) {
      return ErrorCode.INVALID_REQUIRED_ACKS;
    }
    if (topic.isInternal && !this.#isAdminClient()) return ErrorCode.INVALID_TOPIC_EXCEPTION;
    if (partition.slot < 0) return ErrorCode.KAFKA_STORAGE_ERROR;
    // No more replicas can be asked for than there are.
    const inSyncMin = Math.min(topic.minInsyncReplicas, partition.replicas.length);
    if (this.#acks === -1 && partition.isr.length < inSyncMin) return ErrorCode.NOT_ENOUGH_REPLICAS;
    if ((attributes & TRANSACTIONAL_MASK) !== 0) {
      if (!this.#hasTransactionalId) {
        this.#isUnauthorized = true;
        return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      }
      // Nobody here can say that the partition belongs to the transaction.
      piece.errorMessage =
        'Unable to verify the partition has been added to the transaction. ' +
        'Underlying error: COORDINATOR_NOT_AVAILABLE';
      return ErrorCode.NOT_ENOUGH_REPLICAS;
    }
    piece.slot = partition.slot;
    return ErrorCode.NONE;
  }

  /** After the last partition: a transactional batch without a transactional id refuses the whole request. */
  settle(): void {
    if (!this.#isUnauthorized) return;
    for (let index = 0; index < this.pieceCount; index++) {
      const piece = this.pieces[index]!;
      piece.errorCode = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      piece.errorMessage = null;
    }
  }

  #isAdminClient(): boolean {
    const { clientIdAt, clientIdSize } = this.#request!;
    if (clientIdSize !== ADMIN_CLIENT_ID.length) return false;
    const { bytes } = this.#services.engine.memory;
    return ADMIN_CLIENT_ID.every((byte, index) => bytes[clientIdAt + index] === byte);
  }

  /** Every piece has its outcome. */
  finish(): void {
    const request = this.#request!;
    const connection = request.connection!;
    if (this.#acks !== 0) {
      this.sizeHint = this.#frameBytes();
      connection.complete(request, this);
      return;
    }
    for (let index = 0; index < this.pieceCount; index++) {
      const { errorCode } = this.pieces[index]!;
      if (errorCode === ErrorCode.NONE) continue;
      this.#services.warn(connection, `produce without acks failed with error ${errorCode}`);
      connection.destroy();
      break;
    }
    this.dispose();
    connection.complete(request, null);
  }

  // Response

  fill(buffer: OutputBuffer): Fill {
    if (this.#frame === null && this.sizeHint <= buffer.room) {
      buffer.size = this.#write(buffer, buffer.size);
      return Fill.DONE;
    }
    if (this.#frame === null) {
      const bytes = Buffer.allocUnsafe(this.sizeHint);
      this.#write({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0);
      this.#frame = bytes;
      this.#frameAt = 0;
    }
    const frame = this.#frame;
    const size = Math.min(buffer.room, frame.length - this.#frameAt);
    frame.copy(buffer.bytes, buffer.size, this.#frameAt, this.#frameAt + size);
    buffer.size += size;
    this.#frameAt += size;
    return this.#frameAt === frame.length ? Fill.DONE : Fill.MORE;
  }

  dispose(): void {
    this.#request = null;
    this.#topic = undefined;
    this.#frame = null;
    if (this.pieces.length > POOLED_PARTITIONS_MAX) this.pieces.length = POOLED_PARTITIONS_MAX;
    if (this.#topics.length > POOLED_PARTITIONS_MAX) this.#topics.length = POOLED_PARTITIONS_MAX;
    this.#free.push(this);
  }

  #frameBytes(): number {
    const { apiKey, apiVersion } = this.#request!;
    let size = responseHeadBytes(apiKey, apiVersion);
    size += produceStartBytes(apiVersion, this.#topicCount);
    let next = 0;
    for (let index = 0; index < this.#topicCount; index++) {
      const key = this.#topics[index]!;
      size += produceTopicBytes(apiVersion, key.size, key.pieceCount);
      for (let left = key.pieceCount; left > 0; left--) {
        size += producePartitionBytes(apiVersion, this.pieces[next++]!);
      }
      size += produceTopicEndBytes(apiVersion);
    }
    return size + produceEndBytes(apiVersion, NO_ENDPOINTS);
  }

  #write(target: ByteTarget, at: number): number {
    const request = this.#request!;
    const { apiVersion } = request;
    const { bytes } = this.#services.engine.memory;
    const bodyBytes = this.sizeHint - responseHeadBytes(request.apiKey, apiVersion);
    at = putResponseHead(target, at, request, bodyBytes);
    at = putProduceStart(target, at, apiVersion, this.#topicCount);
    let next = 0;
    for (let index = 0; index < this.#topicCount; index++) {
      const key = this.#topics[index]!;
      at = putProduceTopic(target, at, apiVersion, bytes, key.at, key.size, key.pieceCount);
      for (let left = key.pieceCount; left > 0; left--) {
        at = putProducePartition(target, at, apiVersion, this.pieces[next++]!);
      }
      at = putProduceTopicEnd(target, at, apiVersion);
    }
    return putProduceEnd(target, at, apiVersion, 0, NO_ENDPOINTS);
  }
}

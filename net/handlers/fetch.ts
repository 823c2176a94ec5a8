/**
 * Fetch: reads the request in place, finds what can be told of each partition from the shared partition table and the
 * segment files, and answers at once, or waits until enough bytes are there or the client's time is up. No other thread is
 * asked; a shard only knocks when a partition that somebody waits for has grown.
 *
 * Thread of the front. Rules: Kafka's KafkaApis.handleFetchRequest, FetchSession and DelayedFetch.
 */
import { ErrorCode } from '../../engine/base/error-codes.ts';
import {
  CAREFUL_FETCH_BYTES_MAX,
  CAREFUL_PIECE_BYTES,
  LOCAL_FETCH_BYTES_MAX,
  POOLED_PARTITIONS_MAX,
  REQUEST_PARTITIONS_MAX,
} from '../../engine/base/limits.ts';
import { uuidFromBytes } from '../../engine/base/uuid.ts';
import { Marks, ReadCursor } from '../../engine/index.ts';
import { Deadlines } from '../front/deadlines.ts';
import type { OutputPool } from '../front/output.ts';
import type { Request } from '../front/request.ts';
import type { ApiHandler, FrontServices } from '../front/services.ts';
import { FetchRequestCursor } from '../wire/hot/fetch-request.ts';
import { failMalformed } from '../wire/wire-error.ts';
import type { Courtesy } from './courtesy.ts';
import { FetchPart } from './fetch-part.ts';
import {
  FetchSession,
  FetchSessions,
  FINAL_EPOCH,
  INITIAL_EPOCH,
  INVALID_SESSION_ID,
} from './fetch-sessions.ts';
import { FetchWork, type FetchWorkOwner } from './fetch-work.ts';
import { ReadTrust } from './read-trust.ts';
import type { Readers } from './readers.ts';
import type { TopicRoutes } from './topic-routes.ts';

const TOPIC_ID_FROM = 13;
const READ_COMMITTED = 1;
const CONSUMER_REPLICA = -1;
/** Session ids are positive; 0 is given to nobody. */
const SESSION_ID_MASK = 0x7fffffff;

/** What a connection keeps of its fetches for the next. */
class FetchState {
  readonly trust = new ReadTrust();
  /** The client is on this machine. */
  readonly isLocal: boolean;
  /** Where the last fetch of each partition, by slot, ended; of those without a session, which has parts that know. */
  readonly hints = new Map<number, ReadCursor>();

  constructor(isLocal: boolean) {
    this.isLocal = isLocal;
  }
}

export class FetchHandler implements ApiHandler, FetchWorkOwner {
  readonly outputs: OutputPool;
  readonly #services: FrontServices;
  readonly #routes: TopicRoutes;
  readonly #readers: Readers;
  readonly #sessions: FetchSessions;
  readonly #free: FetchWork[] = [];
  readonly #cursor = new FetchRequestCursor();
  readonly #marks = new Marks();
  /** Who waits for a partition, by its slot. */
  readonly #waiting = new Map<number, Set<FetchWork>>();
  readonly #deadlines: Deadlines<FetchWork>;
  readonly #courtesy: Courtesy;

  constructor(
    services: FrontServices,
    outputs: OutputPool,
    routes: TopicRoutes,
    readers: Readers,
    courtesy: Courtesy,
  ) {
    this.#courtesy = courtesy;
    this.#services = services;
    this.outputs = outputs;
    this.#routes = routes;
    this.#readers = readers;
    const random = new Int32Array(1);
    this.#sessions = new FetchSessions(services.settings.fetchSessionSlots, () => {
      crypto.getRandomValues(random);
      return random[0]! & SESSION_ID_MASK;
    });
    this.#deadlines = new Deadlines(
      () => services.now(),
      (work) => this.#answer(work),
    );
  }

  start(request: Request): void {
    const cursor = this.#cursor;
    const { memory } = this.#services.engine;
    cursor.open(memory, request.bodyAt, request.end, request.apiVersion);
    this.#checkPartitions(request.end - request.bodyAt);
    const work = this.#free.pop() ?? new FetchWork(this);
    work.request = request;
    work.version = request.apiVersion;
    work.maxWaitMs = cursor.maxWaitMs;
    const { trust, isLocal } = stateOf(request);
    // With care each byte costs several times as much: only as long as it may come from the disk.
    const isCareful = trust.mayBeCold && this.#courtesy.isDue(this.#services.now());
    work.trust = trust;
    work.pieceBytes = isCareful ? CAREFUL_PIECE_BYTES : this.outputs.pieceBytes;
    work.maxBytes = Math.min(cursor.maxBytes, this.#services.settings.fetchMaxBytes);
    // Who wants more than what is there must not wait because of a limit of ours.
    if (isLocal && cursor.minBytes <= 1) {
      const answerBytesMax = isCareful ? CAREFUL_FETCH_BYTES_MAX : LOCAL_FETCH_BYTES_MAX;
      work.maxBytes = Math.min(work.maxBytes, answerBytesMax);
    }
    work.minBytes = Math.min(cursor.minBytes, work.maxBytes);
    work.isFollower = cursor.replicaId >= 0;
    work.bound =
      cursor.replicaId !== CONSUMER_REPLICA
        ? 'logEndOffset'
        : cursor.isolationLevel === READ_COMMITTED
          ? 'lastStableOffset'
          : 'highWatermark';
    const refusal = this.#openSession(work);
    if (refusal !== ErrorCode.NONE) {
      work.open(refusal, INVALID_SESSION_ID);
      this.#send(work);
      return;
    }
    if (this.#look(work)) this.#answerNow(work);
    else this.#wait(work);
  }

  #checkPartitions(bodyBytes: number): void {
    const cursor = this.#cursor;
    let partitions = 0;
    // Small requests cannot hold too many: only large ones are counted.
    if (bodyBytes < REQUEST_PARTITIONS_MAX) return;
    while (cursor.nextTopic()) {
      partitions += cursor.partitionCount;
      while (cursor.nextPartition());
    }
    cursor.rewind();
    if (partitions > REQUEST_PARTITIONS_MAX) failMalformed('too many partitions');
  }

  // Sessions

  /** Finds or makes the parts that the request is about. */
  #openSession(work: FetchWork): number {
    const cursor = this.#cursor;
    const usesTopicIds = work.version >= TOPIC_ID_FROM;
    work.session = null;
    work.isIncremental = false;
    if (cursor.sessionEpoch === INITIAL_EPOCH || cursor.sessionEpoch === FINAL_EPOCH) {
      if (cursor.sessionId !== INVALID_SESSION_ID) this.#sessions.remove(cursor.sessionId);
      if (cursor.sessionEpoch === INITIAL_EPOCH) this.#readSessionParts(work, usesTopicIds);
      else this.#readOwnParts(work, usesTopicIds);
      return ErrorCode.NONE;
    }
    const session = this.#sessions.get(cursor.sessionId);
    if (session === undefined) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
    if (session.epoch !== cursor.sessionEpoch || session.isBusy) {
      return ErrorCode.INVALID_FETCH_SESSION_EPOCH;
    }
    if (session.usesTopicIds !== usesTopicIds) return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR;
    this.#readAsked(session);
    this.#forget(session);
    if (session.parts.length === 0) {
      this.#sessions.remove(session.id);
      work.partCount = 0;
      return ErrorCode.NONE;
    }
    this.#sessions.use(session, this.#services.now());
    session.advanceEpoch();
    session.isBusy = true;
    work.session = session;
    work.isIncremental = true;
    work.parts = session.parts;
    work.partCount = session.parts.length;
    return ErrorCode.NONE;
  }

  /** A full request that may become a session: whether it does is decided with its answer, as there may be no slot. */
  #readSessionParts(work: FetchWork, usesTopicIds: boolean): void {
    const session = new FetchSession(usesTopicIds);
    // Its id is in the first bytes of the answer: who comes back before the last must not meet parts that are being sent.
    session.isBusy = true;
    this.#readAsked(session);
    work.session = session;
    work.parts = session.parts;
    work.partCount = session.parts.length;
  }

  #readAsked(session: FetchSession): void {
    const cursor = this.#cursor;
    while (cursor.nextTopic()) {
      const topic = this.#topicOf(session.usesTopicIds);
      while (cursor.nextPartition()) {
        const key = partKey(topic, cursor.partition);
        let part = session.byKey.get(key);
        if (part === undefined) {
          part = new FetchPart();
          nameTopic(part, topic);
          session.add(key, part);
        }
        this.#readPart(part);
      }
    }
  }

  #forget(session: FetchSession): void {
    const cursor = this.#cursor;
    if (cursor.forgottenTopicCount === 0) return;
    const forgotten = new Set<string>();
    cursor.openForgotten();
    while (cursor.nextForgottenTopic()) {
      const topic = this.#topicOf(session.usesTopicIds);
      while (cursor.nextForgottenPartition()) forgotten.add(partKey(topic, cursor.partition));
    }
    session.remove(forgotten);
  }

  /** The parts of a request without a session; they and their places in the log are kept for the connection's next one. */
  #readOwnParts(work: FetchWork, usesTopicIds: boolean): void {
    const cursor = this.#cursor;
    const parts = work.ownParts;
    const { hints } = stateOf(work.request!);
    let count = 0;
    while (cursor.nextTopic()) {
      const topic = this.#topicOf(usesTopicIds);
      while (cursor.nextPartition()) {
        let part = parts[count];
        if (part === undefined) {
          part = new FetchPart();
          parts.push(part);
        }
        count++;
        if (part.key !== topic.key || part.partitionIndex !== cursor.partition) {
          part.reset();
          nameTopic(part, topic);
        }
        this.#readPart(part);
        part.resolve(this.#services.image, this.#readers);
        if (part.reader !== null) {
          const { slot } = part.partition!;
          let hint = hints.get(slot);
          if (hint === undefined) {
            hint = new ReadCursor();
            hints.set(slot, hint);
          }
          part.hint = hint;
        }
      }
    }
    // Parts beyond this request's are kept for a later one, but their topics may go meanwhile.
    for (let index = count; index < parts.length; index++) parts[index]!.reset();
    work.parts = parts;
    work.partCount = count;
  }

  #topicOf(usesTopicIds: boolean): AskedTopic {
    const cursor = this.#cursor;
    const { bytes } = this.#services.engine.memory;
    const route = usesTopicIds
      ? this.#routes.byId(bytes, cursor.keyAt)
      : this.#routes.byName(bytes, cursor.keyAt, cursor.keySize);
    if (route !== null) return route;
    const key = bytes.slice(cursor.keyAt, cursor.keyAt + cursor.keySize);
    return usesTopicIds
      ? { key, topicId: uuidFromBytes(key), name: null }
      : { key, topicId: null, name: Buffer.from(key).toString() };
  }

  #readPart(part: FetchPart): void {
    const cursor = this.#cursor;
    part.partitionIndex = cursor.partition;
    part.fetchOffset = cursor.fetchOffset;
    part.maxBytes = cursor.partitionMaxBytes;
    part.currentLeaderEpoch = cursor.currentLeaderEpoch;
    part.lastFetchedEpoch = cursor.lastFetchedEpoch;
  }

  // Looking and waiting

  /** Locates what can be told now. True: it is enough to answer. */
  #look(work: FetchWork): boolean {
    const { image } = this.#services;
    const { parts, bound } = work;
    let left = work.maxBytes;
    let found = 0;
    let mustAnswer = work.maxWaitMs <= 0 || work.partCount === 0;
    for (let index = 0; index < work.partCount; index++) {
      const part = parts[index]!;
      part.resolve(image, this.#readers);
      if (work.isFollower) part.refuse(ErrorCode.NOT_LEADER_OR_FOLLOWER);
      else part.locate(image, bound, left, found === 0);
      found += part.recordsSize;
      left = Math.max(0, left - part.recordsSize);
      if (part.errorCode !== ErrorCode.NONE || part.isCut) mustAnswer = true;
    }
    return mustAnswer || found >= work.minBytes;
  }

  #wait(work: FetchWork): void {
    work.deadlineMs = this.#services.now() + work.maxWaitMs;
    work.isWaiting = true;
    work.request!.work = work;
    for (let index = 0; index < work.partCount; index++) {
      const { slot } = work.parts[index]!.partition!;
      let works = this.#waiting.get(slot);
      if (works === undefined) {
        works = new Set();
        this.#waiting.set(slot, works);
      }
      // One waiter's bit serves all of the thread until the shard knocks.
      if (works.size === 0) this.#services.engine.watch(slot);
      works.add(work);
      work.waitedSlots.push(slot);
    }
    this.#deadlines.add(work);
    // An advance between the look and the watch is not reported: look at the marks once more.
    if (this.#hasMoved(work) && this.#look(work)) this.#answerNow(work);
  }

  #hasMoved(work: FetchWork): boolean {
    const marks = this.#marks;
    for (let index = 0; index < work.partCount; index++) {
      const { plan, partition } = work.parts[index]!;
      if (!this.#services.engine.marks(partition!.slot, marks)) return true;
      if (marks[work.bound] !== plan[work.bound]) return true;
    }
    return false;
  }

  #unwait(work: FetchWork): void {
    if (!work.isWaiting) return;
    work.isWaiting = false;
    work.request!.work = null;
    this.#deadlines.remove(work);
    // Its topics may have gone meanwhile: the slots are those it began to wait with.
    for (const slot of work.waitedSlots) this.#waiting.get(slot)?.delete(work);
    work.waitedSlots.length = 0;
  }

  /** A shard knocked: a partition has grown, or is not online any more. */
  readonly onAdvance = (slot: number): void => {
    const works = this.#waiting.get(slot);
    if (works === undefined || works.size === 0) return;
    const { engine } = this.#services;
    const marks = this.#marks;
    for (;;) {
      for (const work of works) if (this.#look(work)) this.#answerNow(work);
      if (works.size === 0) return;
      // As in #wait: what moved between the look and the watch must be looked at here.
      engine.marks(slot, marks);
      const { highWatermark, logEndOffset, lastStableOffset, state } = marks;
      engine.watch(slot);
      engine.marks(slot, marks);
      if (
        marks.highWatermark === highWatermark &&
        marks.logEndOffset === logEndOffset &&
        marks.lastStableOffset === lastStableOffset &&
        marks.state === state
      ) {
        return;
      }
    }
  };

  /** The image has changed: who waits for a topic that is gone learns it now. */
  onImage(): void {
    for (const work of this.#allWaiting()) if (this.#look(work)) this.#answerNow(work);
    for (const [slot, works] of this.#waiting) if (works.size === 0) this.#waiting.delete(slot);
  }

  /** Answers everybody who waits with what there is. */
  expireWaits(): void {
    for (const work of this.#allWaiting()) this.#answer(work);
  }

  close(): void {
    this.#deadlines.close();
  }

  #allWaiting(): Set<FetchWork> {
    const all = new Set<FetchWork>();
    for (const works of this.#waiting.values()) for (const work of works) all.add(work);
    return all;
  }

  // Answering

  /** The time is up, or somebody wants an end. */
  #answer(work: FetchWork): void {
    this.#look(work);
    this.#answerNow(work);
  }

  #answerNow(work: FetchWork): void {
    this.#unwait(work);
    const { session } = work;
    if (session === null) this.#tellAll(work, INVALID_SESSION_ID);
    else if (work.isIncremental) this.#tellNews(work, session);
    else {
      this.#sessions.admit(session, this.#services.now());
      this.#tellAll(work, session.id);
      for (const part of session.parts) part.told();
    }
    this.#send(work);
  }

  #tellAll(work: FetchWork, sessionId: number): void {
    work.open(ErrorCode.NONE, sessionId);
    for (let index = 0; index < work.partCount; index++) work.tell(work.parts[index]!);
  }

  #tellNews(work: FetchWork, session: FetchSession): void {
    work.open(ErrorCode.NONE, session.id);
    let withRecords = 0;
    for (const part of session.parts) {
      if (part.recordsSize > 0) withRecords++;
      if (part.hasNews()) work.tell(part);
    }
    if (withRecords === 0 || withRecords === session.parts.length) return;
    // Those that had records go to the end, so that all get their turn when an answer has no room for all.
    const still = session.parts.filter((part) => part.recordsSize === 0);
    for (const part of session.parts) if (part.recordsSize > 0) still.push(part);
    session.parts = still;
  }

  #send(work: FetchWork): void {
    work.seal();
    const request = work.request!;
    request.connection!.complete(request, work);
  }

  // FetchWorkOwner

  abort(work: FetchWork): void {
    const request = work.request!;
    this.#unwait(work);
    this.recycle(work);
    request.connection!.complete(request, null);
  }

  recycle(work: FetchWork): void {
    if (work.session !== null) work.session.isBusy = false;
    work.session = null;
    work.request = null;
    work.parts = work.ownParts;
    work.partCount = 0;
    if (work.ownParts.length > POOLED_PARTITIONS_MAX) work.ownParts.length = POOLED_PARTITIONS_MAX;
    this.#free.push(work);
  }
}

function stateOf({ connection }: Request): FetchState {
  const state =
    (connection!.fetchState as FetchState | null) ?? new FetchState(connection!.isLocal);
  connection!.fetchState = state;
  return state;
}

/** A topic as a request names it. */
interface AskedTopic {
  readonly key: Uint8Array;
  readonly topicId: string | null;
  readonly name: string | null;
}

function nameTopic(part: FetchPart, { key, topicId, name }: AskedTopic): void {
  part.key = key;
  part.topicId = topicId;
  part.name = name;
}

function partKey({ topicId, name }: AskedTopic, partition: number): string {
  return `${topicId ?? name} ${partition}`;
}

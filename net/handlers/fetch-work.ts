/**
 * One Fetch being answered: its parts while it waits, and the answer while it leaves. The size of the frame is known before
 * its first byte is written, because every part knows how many bytes it will send; so the answer is made piece by piece in
 * pooled buffers, the first records of a part read straight behind their prefix, and a slow reader holds one buffer at a
 * time, whatever the size of its answer. What has been announced must be sent: when the log is truncated in the middle of
 * a part, the connection ends.
 *
 * Thread of the front; pooled. A work is in one place at a time: with the handler (waiting), or with its connection.
 */
import { systemClock } from '../../engine/base/clock.ts';
import { isMillraceError } from '../../engine/base/errors.ts';
import { KIB } from '../../engine/base/limits.ts';
import { ReadProgress } from '../../engine/index.ts';
import type { Waiting } from '../front/deadlines.ts';
import {
  Fill,
  HEADS_BYTES,
  type OutputBuffer,
  type OutputPool,
  type Response,
} from '../front/output.ts';
import type { Abortable, Request } from '../front/request.ts';
import {
  fetchEndBytes,
  fetchPrefixBytes,
  fetchStartBytes,
  fetchSuffixBytes,
  fetchTopicBytes,
  fetchTopicEndBytes,
  putFetchEnd,
  putFetchPrefix,
  putFetchStart,
  putFetchSuffix,
  putFetchTopic,
  putFetchTopicEnd,
} from '../wire/hot/fetch-response.ts';
import { putResponseHead, responseHeadBytes } from '../wire/hot/response-head.ts';
import type { FetchBound, FetchPart } from './fetch-part.ts';
import type { FetchSession } from './fetch-sessions.ts';
import { ReadTrust } from './read-trust.ts';

const NO_ENDPOINTS: readonly never[] = [];

/** Less of a part's records than this is not put behind other bytes to fill a buffer. */
const PACKED_BYTES_MIN = 128 * KIB;

/** What comes next in the frame. */
const Step = { HEAD: 0, TOPIC: 1, PREFIX: 2, RECORDS: 3, SUFFIX: 4, END: 5, OVER: 6 } as const;
type Step = (typeof Step)[keyof typeof Step];

/** What a work needs of its handler. */
export interface FetchWorkOwner {
  readonly outputs: OutputPool;
  /** Gives up a waiting work. */
  abort(work: FetchWork): void;
  /** The work is not needed any more. */
  recycle(work: FetchWork): void;
}

export class FetchWork implements Response, Waiting, Abortable {
  request: Request | null = null;
  version = 0;
  maxWaitMs = 0;
  minBytes = 0;
  maxBytes = 0;
  bound: FetchBound = 'highWatermark';
  /** It says that it is a replica: of which there are none. */
  isFollower = false;
  session: FetchSession | null = null;
  /** The connection's. */
  trust = new ReadTrust();
  /** Its records are read and sent in pieces of at most that many bytes. */
  pieceBytes: number;
  isIncremental = false;
  /** What is looked at: the session's parts, or the request's own. */
  parts: FetchPart[] = [];
  partCount = 0;
  /** The own parts, reused by later requests. */
  readonly ownParts: FetchPart[] = [];
  deadlineMs = 0;
  heapIndex = -1;
  isWaiting = false;
  readonly waitedSlots: number[] = [];

  readonly #owner: FetchWorkOwner;
  // The answer.
  readonly #told: FetchPart[] = [];
  readonly #start = { throttleTimeMs: 0, errorCode: 0, sessionId: 0 };
  #frameBytes = 0;
  #sentBytes = 0;
  #step: Step = Step.OVER;
  #next = 0;
  /** Of the part whose records are being sent. */
  readonly #progress = new ReadProgress();
  #staged: OutputBuffer | null = null;
  #isReading = false;
  #hasFailed = false;
  #isGivenUp = false;

  constructor(owner: FetchWorkOwner) {
    this.#owner = owner;
    this.pieceBytes = owner.outputs.pieceBytes;
  }

  abort(): void {
    this.#owner.abort(this);
  }

  /** Begins the answer: what `tell` adds now is in it. */
  open(errorCode: number, sessionId: number): void {
    this.#told.length = 0;
    this.#start.errorCode = errorCode;
    this.#start.sessionId = sessionId;
  }

  tell(part: FetchPart): void {
    this.#told.push(part);
  }

  /** Everything is told: the frame's size is known now. */
  seal(): void {
    const { version } = this;
    const told = this.#told;
    let size = responseHeadBytes(this.request!.apiKey, version);
    size += fetchStartBytes(version, this.#topicCount());
    for (let index = 0; index < told.length; index++) {
      const part = told[index]!;
      if (this.#beginsTopic(index)) {
        size += fetchTopicBytes(version, part.key.length, this.#topicParts(index));
        size += fetchTopicEndBytes(version);
      }
      size += fetchPrefixBytes(version, part, part.recordsSize) + part.recordsSize;
      size += fetchSuffixBytes(version, part);
    }
    this.#frameBytes = size + fetchEndBytes(version, NO_ENDPOINTS);
    this.#sentBytes = 0;
    this.#step = Step.HEAD;
    this.#next = 0;
  }

  /** Consecutive parts of one topic share its entry. */
  #beginsTopic(index: number): boolean {
    return index === 0 || !isSameTopic(this.#told[index - 1]!, this.#told[index]!);
  }

  #topicParts(index: number): number {
    let end = index + 1;
    while (end < this.#told.length && !this.#beginsTopic(end)) end++;
    return end - index;
  }

  #topicCount(): number {
    let count = 0;
    for (let index = 0; index < this.#told.length; index++) if (this.#beginsTopic(index)) count++;
    return count;
  }

  // Response

  get sizeHint(): number {
    const staged = this.#isReading || this.#staged === null ? 0 : this.#staged.size;
    return this.#frameBytes - this.#sentBytes + staged;
  }

  takeStaged(): OutputBuffer | null {
    if (this.#isReading) return null;
    const staged = this.#staged;
    this.#staged = null;
    return staged;
  }

  fill(buffer: OutputBuffer): Fill {
    if (this.#isReading) return Fill.WAIT;
    if (this.#hasFailed) return Fill.FAILED;
    while (this.#step !== Step.OVER) {
      if (this.#step === Step.RECORDS) {
        const filled = this.#fillRecords(buffer);
        if (filled !== Fill.DONE) return filled;
        continue;
      }
      if (this.#stepBytes() > buffer.room) return Fill.MORE;
      const before = buffer.size;
      buffer.size = this.#putStep(buffer);
      this.#sentBytes += buffer.size - before;
      this.#advance();
    }
    return Fill.DONE;
  }

  /** Sent, or given up. Bytes that are still being read keep the work until they are there. */
  dispose(): void {
    if (this.#isReading) {
      this.#isGivenUp = true;
      return;
    }
    if (this.#staged !== null) this.#owner.outputs.release(this.#staged);
    this.#staged = null;
    this.#told.length = 0;
    this.#hasFailed = false;
    this.#isGivenUp = false;
    this.#owner.recycle(this);
  }

  #stepBytes(): number {
    const { version } = this;
    const part = this.#told[this.#next]!;
    switch (this.#step) {
      case Step.HEAD:
        return (
          responseHeadBytes(this.request!.apiKey, version) +
          fetchStartBytes(version, this.#topicCount())
        );
      case Step.TOPIC:
        return fetchTopicBytes(version, part.key.length, this.#topicParts(this.#next));
      case Step.PREFIX:
        return fetchPrefixBytes(version, part, part.recordsSize);
      case Step.SUFFIX:
        return fetchSuffixBytes(version, part) + fetchTopicEndBytes(version);
      default:
        return fetchEndBytes(version, NO_ENDPOINTS);
    }
  }

  #putStep(buffer: OutputBuffer): number {
    const { version } = this;
    const part = this.#told[this.#next]!;
    let at = buffer.size;
    switch (this.#step) {
      case Step.HEAD: {
        const request = this.request!;
        const bodyBytes = this.#frameBytes - responseHeadBytes(request.apiKey, version);
        at = putResponseHead(buffer, at, request, bodyBytes);
        return putFetchStart(buffer, at, version, this.#start, this.#topicCount());
      }
      case Step.TOPIC: {
        const { key } = part;
        const count = this.#topicParts(this.#next);
        return putFetchTopic(buffer, at, version, key, 0, key.length, count);
      }
      case Step.PREFIX:
        return putFetchPrefix(buffer, at, version, part, part.recordsSize);
      case Step.SUFFIX: {
        at = putFetchSuffix(buffer, at, version, part);
        const isLast = this.#next + 1 === this.#told.length || this.#beginsTopic(this.#next + 1);
        return isLast ? putFetchTopicEnd(buffer, at, version) : at;
      }
      default:
        return putFetchEnd(buffer, at, version, NO_ENDPOINTS);
    }
  }

  #advance(): void {
    switch (this.#step) {
      case Step.HEAD:
        this.#step = this.#told.length === 0 ? Step.END : Step.TOPIC;
        return;
      case Step.TOPIC:
        this.#step = Step.PREFIX;
        return;
      case Step.PREFIX: {
        const part = this.#told[this.#next]!;
        this.#step = part.recordsSize > 0 ? Step.RECORDS : Step.SUFFIX;
        this.#progress.begin(part.plan);
        return;
      }
      case Step.SUFFIX:
        this.#next++;
        if (this.#next === this.#told.length) this.#step = Step.END;
        else this.#step = this.#beginsTopic(this.#next) ? Step.TOPIC : Step.PREFIX;
        return;
      default:
        this.#step = Step.OVER;
    }
  }

  // Records

  #fillRecords(buffer: OutputBuffer): Fill {
    const part = this.#told[this.#next]!;
    const left = part.recordsSize - this.#progress.done;
    const piece = Math.min(left, this.pieceBytes);
    if (!this.#isFast(part)) {
      this.#readCold(part, left);
      return Fill.WAIT;
    }
    // Behind the end of another part as much as there is room for, so that writes stay few: a few bytes would cost a read more.
    const room = Math.min(buffer.room, this.pieceBytes + HEADS_BYTES - buffer.size);
    const isFull = buffer.size > 0 && room < PACKED_BYTES_MIN;
    if (isFull && piece > room) return Fill.MORE;
    const size = Math.min(piece, room);
    if (!this.#read(part, size, buffer)) return Fill.FAILED;
    const at = buffer.size;
    buffer.size += size;
    this.#noteRead(part, buffer, at, size);
    return size === left ? Fill.DONE : Fill.MORE;
  }

  /** Reads the next `size` bytes behind what the buffer holds. False: they are not to be had, and the answer has failed. */
  #read(part: FetchPart, size: number, into: OutputBuffer): boolean {
    const { plan } = part;
    const { done } = this.#progress;
    const reader = part.reader!;
    const startMs = plan.isHot ? 0 : systemClock.monotonic();
    let read = -1;
    try {
      if (this.#isInPlace(part)) {
        read = reader.read(plan, into.bytes, into.size, done, size);
        if (read !== size && this.#relocate(part)) {
          read = reader.read(plan, into.bytes, into.size, done, size);
        }
      }
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
    if (plan.isHot) this.trust.noteHot();
    else this.trust.noteRead(size, systemClock.monotonic() - startMs);
    this.#hasFailed = read !== size;
    return !this.#hasFailed;
  }

  /** Reads into a buffer of its own on the thread pool; the connection goes on with it when the bytes are there. */
  #readCold(part: FetchPart, left: number): void {
    const staged = this.#owner.outputs.take(left);
    const size = Math.min(left, staged.room, this.pieceBytes);
    const connection = this.request!.connection!;
    this.#staged = staged;
    this.#isReading = true;
    const startMs = systemClock.monotonic();
    this.#readAgain(part, size, staged).then(
      (read) => {
        this.#isReading = false;
        if (this.#isGivenUp) {
          this.dispose();
          return;
        }
        if (read === size) {
          this.trust.noteRead(size, systemClock.monotonic() - startMs);
          staged.size = size;
          this.#noteRead(part, staged, 0, size);
        } else {
          this.#hasFailed = true;
        }
        connection.wake();
      },
      (error: unknown) => {
        if (!isMillraceError(error)) {
          setImmediate(() => {
            throw error;
          });
        }
        this.#isReading = false;
        this.#hasFailed = true;
        if (this.#isGivenUp) this.dispose();
        else connection.wake();
      },
    );
  }

  async #readAgain(part: FetchPart, size: number, into: OutputBuffer): Promise<number> {
    const { plan } = part;
    const { done } = this.#progress;
    const reader = part.reader!;
    if (!this.#isInPlace(part)) return -1;
    const read = await reader.readAsync(plan, into.bytes, 0, done, size);
    if (read === size || !this.#relocate(part)) return read;
    return reader.readAsync(plan, into.bytes, 0, done, size);
  }

  /** False: the records are gone. */
  #isInPlace(part: FetchPart): boolean {
    // Its segment was rolled, or its reader had to look anew, while the answer waited for its turn.
    return part.plan.descriptor!.isReleased ? this.#relocate(part) : true;
  }

  /**
   * The files have changed since the part was located, most likely not these bytes: finds them again. False: they are gone,
   * or may be others than those that have left already; what has been promised to the client cannot be sent, and its
   * connection must end: the plan is not to be read by any more.
   */
  #relocate(part: FetchPart): boolean {
    const { plan, recordsSize } = part;
    const { baseOffset, position, endOffset, truncations, incarnation } = plan;
    const reader = part.reader!;
    const status = reader.locate(part.fetchOffset, 'logEndOffset', recordsSize, true, null, plan);
    if (status !== 'ok' || plan.size < recordsSize || plan.incarnation !== incarnation)
      return false;
    if (plan.size > recordsSize) plan.endOffset = -1;
    plan.size = recordsSize;
    if (
      plan.truncations === truncations &&
      plan.baseOffset === baseOffset &&
      plan.position === position
    ) {
      plan.endOffset = endOffset;
      return true;
    }
    if (this.#progress.done > 0) return false;
    this.#progress.begin(plan);
    return true;
  }

  /** Whether the part's bytes are in the page cache most likely: they are read on this thread then. */
  #isFast(part: FetchPart): boolean {
    return part.plan.isHot || this.trust.isWarm;
  }

  /** The next `size` bytes of the part's records lie in `buffer` at `at`. */
  #noteRead(part: FetchPart, buffer: OutputBuffer, at: number, size: number): void {
    const progress = this.#progress;
    progress.note(buffer.view, at, size);
    this.#sentBytes += size;
    if (progress.done < part.recordsSize) return;
    progress.leave(part.hint);
    this.#step = Step.SUFFIX;
  }
}

function isSameTopic(a: FetchPart, b: FetchPart): boolean {
  return a.key === b.key || (a.topicId === b.topicId && a.name === b.name && a.topic === b.topic);
}

/**
 * Fetch sessions (KIP-227): the server remembers which partitions a client follows, so that a request names only what
 * changed and an answer only what is new. Sessions live in slots; when all are taken a new one takes the place of one that
 * was not used for two minutes, or of a smaller one that has had its time.
 *
 * Thread of the front: a client whose connections meet different threads is asked to begin a session anew, which costs it
 * one full request. Rules: Kafka's FetchSession and FetchSessionCache.
 */
import { SESSION_PARTITIONS_MAX } from '../../engine/base/limits.ts';
import type { FetchPart } from './fetch-part.ts';

export const INVALID_SESSION_ID = 0;
export const INITIAL_EPOCH = 0;
export const FINAL_EPOCH = -1;
const EPOCH_MAX = 0x7fffffff;
/** A session unused for so long may be thrown out, one as old as that by a larger one. */
const EVICTION_MS = 120_000;

export class FetchSession {
  /** 0 until it is admitted. */
  id = INVALID_SESSION_ID;
  readonly usesTopicIds: boolean;
  createdMs = 0;
  lastUsedMs = 0;
  /** What the next request must carry. */
  epoch = 1;
  /** In the order in which they are served: those that had records go to the end. */
  parts: FetchPart[] = [];
  readonly byKey = new Map<string, FetchPart>();
  /** A request of it is being answered: its parts are in use. */
  isBusy = false;

  constructor(usesTopicIds: boolean) {
    this.usesTopicIds = usesTopicIds;
  }

  add(key: string, part: FetchPart): void {
    this.byKey.set(key, part);
    this.parts.push(part);
  }

  remove(keys: ReadonlySet<string>): void {
    const gone = new Set<FetchPart>();
    for (const key of keys) {
      const part = this.byKey.get(key);
      if (part === undefined) continue;
      this.byKey.delete(key);
      gone.add(part);
    }
    if (gone.size > 0) this.parts = this.parts.filter((part) => !gone.has(part));
  }

  advanceEpoch(): void {
    this.epoch = nextEpoch(this.epoch);
  }
}

export function nextEpoch(epoch: number): number {
  if (epoch < 0) return FINAL_EPOCH;
  return epoch === EPOCH_MAX ? 1 : epoch + 1;
}

export class FetchSessions {
  readonly #slotsMax: number;
  readonly #randomId: () => number;
  /** In the order of their last use. */
  readonly #sessions = new Map<number, FetchSession>();
  readonly #partitionsMax: number;

  /** `randomId` gives integers from 1 to 2^31 - 1. */
  constructor(
    slotsMax: number,
    randomId: () => number,
    partitionsMax: number = SESSION_PARTITIONS_MAX,
  ) {
    this.#slotsMax = slotsMax;
    this.#partitionsMax = partitionsMax;
    this.#randomId = randomId;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(id: number): FetchSession | undefined {
    return this.#sessions.get(id);
  }

  use(session: FetchSession, nowMs: number): void {
    session.lastUsedMs = nowMs;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  remove(id: number): void {
    this.#sessions.delete(id);
  }

  /** Gives a session an id and a slot. False: every slot is taken by one that must stay. */
  admit(session: FetchSession, nowMs: number): boolean {
    if (this.#sessions.size >= this.#slotsMax && !this.#evict(session.parts.length, nowMs)) {
      return false;
    }
    let partitions = session.parts.length;
    for (const other of this.#sessions.values()) partitions += other.parts.length;
    if (partitions > this.#partitionsMax) return false;
    let id = this.#randomId();
    while (id === INVALID_SESSION_ID || this.#sessions.has(id)) id = this.#randomId();
    session.id = id;
    session.createdMs = nowMs;
    session.lastUsedMs = nowMs;
    this.#sessions.set(id, session);
    return true;
  }

  #evict(partitions: number, nowMs: number): boolean {
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return false;
    let victim: FetchSession | null = nowMs - oldest.lastUsedMs > EVICTION_MS ? oldest : null;
    if (victim === null) {
      for (const session of this.#sessions.values()) {
        if (nowMs - session.createdMs <= EVICTION_MS) continue;
        if (session.parts.length >= (victim?.parts.length ?? partitions)) continue;
        victim = session;
      }
    }
    if (victim === null) return false;
    this.#sessions.delete(victim.id);
    return true;
  }
}

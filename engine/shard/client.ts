/**
 * The client side of the shards, for one thread: submits appends, gets completions and advance notices on its event loop,
 * reads the partition table. Nothing here allocates per append.
 */

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { DIRECT_PAUSE_MS, DIRECT_SLOW_MS, SUBMIT_RING_RECORDS } from '../base/limits.ts';
import { SharedMemory } from '../base/shared-memory.ts';
import type { WasmMemory } from '../base/webassembly.ts';
import { DescriptorCache } from '../io/descriptor-cache.ts';
import type { FileSystem } from '../io/file-system.ts';
import { realFileSystem } from '../io/real-file-system.ts';
import { PartitionReader } from '../log/reader.ts';
import { Doorbell } from '../ring/doorbell.ts';
import { SlabArena } from '../ring/slab-arena.ts';
import {
  COMPLETION_APPEND_TIME,
  COMPLETION_BASE_OFFSET,
  COMPLETION_KIND,
  COMPLETION_START_OFFSET,
  COMPLETION_TOKEN,
  getInt53,
  KIND_ADVANCED,
  KIND_COMPLETED,
  KIND_COMPLETED_WITH_DETAIL,
  KIND_NUDGED,
  SUBMIT_NUDGE_FLAG,
} from './append-records.ts';
import { AwaitedAppends } from './awaited-appends.ts';
import { DirectPath, type PartitionPlace } from './direct-path.ts';
import type {
  AppendDetail,
  AppendOutcome,
  CompletionHandler,
  EngineClient,
  EngineClientHandle,
} from './engine-api.ts';
import type { OpenFiles } from './open-files.ts';
import {
  type Marks,
  PartitionTable,
  SHARD_WORD,
  SLOT_WORDS,
  WAITERS_WORD,
} from './partition-table.ts';
import { ShardLink } from './shard-link.ts';
import { clientDoorbellWord, type EngineShared } from './shared-state.ts';

/** Everything a client is made of; `ports[s]` carries the details of refused appends from shard s. */
export interface ClientParts {
  readonly clientIndex: number;
  readonly shared: EngineShared;
  readonly memory: WasmMemory;
  readonly rings: SharedArrayBuffer;
  readonly ports: readonly MessagePort[];
  readonly slabBytes: number;
  readonly slabGiantBytes: number;
  readonly openFiles: OpenFiles;
  readonly hasDirectPath: boolean;
}

/** Attaches the calling thread to an engine opened elsewhere, by a handle that the opener made for it alone. */
export function attachEngine(handle: EngineClientHandle): EngineClient {
  return new ShardClient(handle as unknown as ClientParts, realFileSystem);
}

/** An append done by this thread whose completion has not been reported yet. */
interface DoneAppend {
  token: number;
  baseOffset: number;
  logStartOffset: number;
}

/** Completions taken between two returns of their places to the shard. */
const COMPLETIONS_AT_ONCE = 256;

/** Such rounds for one shard in one turn of the event loop. */
const DRAIN_PASSES_MAX = 16;

export class ShardClient implements EngineClient {
  readonly clientIndex: number;
  readonly memory: SharedMemory;
  readonly slab: SlabArena;
  readonly table: PartitionTable;
  onCompletion: CompletionHandler = () => undefined;
  onAdvance: (slot: number) => void = () => undefined;
  onSpace: () => void = () => undefined;
  onDrained: (() => void) | null = null;
  /** Set when the shards run on this very thread: does their work and then this client's. */
  runInline: (() => void) | null = null;

  readonly #fs: FileSystem;
  readonly #links: ShardLink[] = [];
  /** Null: every append goes through its shard. */
  readonly #directPath: DirectPath | null;
  readonly #done: DoneAppend[] = [];
  #doneCount = 0;
  /** The file system made this thread wait: until then the shards do the waiting. */
  #directAgainMs = 0;
  // Own watches that this thread's own appends answered.
  readonly #advanced: number[] = [];
  #isDrainPending = false;
  readonly #doorbell: Doorbell;
  readonly #waiterBit: number;
  // One byte per slot: watched by this client since its last advance.
  readonly #watched: Uint8Array;
  #watchedMax = -1;
  #isFull = false;
  #isSpacePending = false;
  #isInlinePending = false;
  #isClosed = false;
  readonly #descriptors: DescriptorCache;
  readonly #awaited: AwaitedAppends;

  constructor(parts: ClientParts, fs: FileSystem) {
    const { shared, clientIndex } = parts;
    this.#fs = fs;
    this.clientIndex = clientIndex;
    this.memory = SharedMemory.attach(parts.memory);
    this.slab = new SlabArena({
      ordinaryBytes: parts.slabBytes,
      giantBytes: parts.slabGiantBytes,
    });
    assert(this.slab.capacityBytes <= this.memory.bytes.length, 'client: slab out of its memory');
    this.slab.onRoom = () => this.#spaceLater();
    this.table = new PartitionTable(shared.table);
    this.#watched = new Uint8Array(this.table.capacity);
    this.#waiterBit = 1 << clientIndex;
    this.#awaited = new AwaitedAppends(this);
    const rings = new Int32Array(parts.rings);
    const control = new Int32Array(shared.control);
    this.#descriptors = new DescriptorCache(fs, parts.openFiles.reading);
    this.#directPath = parts.hasDirectPath
      ? new DirectPath(
          shared,
          this.table,
          this.memory,
          new DescriptorCache(fs, parts.openFiles.direct),
        )
      : null;
    for (let shard = 0; shard < shared.shards; shard++) {
      const port = parts.ports[shard]!;
      this.#links.push(new ShardLink(shard, { rings, control, port }));
    }
    this.#doorbell = new Doorbell(control, clientDoorbellWord(shared.shards, clientIndex));
    this.#sleep();
  }

  get outstanding(): number {
    let sum = 0;
    for (const link of this.#links) sum += link.outstanding + link.heldCount;
    return sum + this.#doneCount;
  }

  get freeAppends(): number {
    let free = SUBMIT_RING_RECORDS;
    for (const link of this.#links) {
      free = Math.min(free, SUBMIT_RING_RECORDS - 1 - link.outstanding - link.heldCount);
    }
    return free;
  }

  submit(slot: number, at: number, size: number, token: number, flags: number): boolean {
    const link = this.#links[this.table.words[slot * SLOT_WORDS + SHARD_WORD]!]!;
    if (this.#mayHold(link, size, flags)) {
      link.hold(slot, at, size, token);
      return true;
    }
    if (link.heldCount > 0) link.submitHeld(0);
    const isTaken = link.submit(slot, at, size, token, flags);
    if (!isTaken) this.#isFull = true;
    return isTaken;
  }

  ring(): void {
    const links = this.#links;
    for (let i = 0; i < links.length; i++) {
      const link = links[i]!;
      if (!link.hasNews) continue;
      link.hasNews = false;
      if (link.heldCount > 0) this.#appendHeld(link);
      if (link.outstanding > 0) link.doorbell.ring();
    }
    if (this.runInline !== null && !this.#isInlinePending) {
      this.#isInlinePending = true;
      queueMicrotask(() => {
        this.#isInlinePending = false;
        this.runInline?.();
      });
    }
  }

  /** Nothing of this client is under way in the shard, and this append is one of a few. */
  #mayHold(link: ShardLink, size: number, flags: number): boolean {
    return this.#directPath !== null && flags === 0 && link.mayHold(size) && link.doorbell.isAsleep;
  }

  /** Does the held appends here and now, or hands those over that the shard has to do, in their order. */
  #appendHeld(link: ShardLink): void {
    const path = this.#directPath!;
    const startMs = systemClock.monotonic();
    let done = 0;
    if (startMs < this.#directAgainMs) {
      link.submitHeld(0);
      return;
    }
    for (; done < link.heldCount; done++) {
      const { slot, at, size, token } = link.held[done]!;
      if (!path.append(link, slot, at, size)) break;
      this.#noteDone(token, path.baseOffset, path.logStartOffset);
      this.#tellWaiters(link, slot);
    }
    if (done > 0) {
      const endMs = systemClock.monotonic();
      if (endMs - startMs > DIRECT_SLOW_MS) this.#directAgainMs = endMs + DIRECT_PAUSE_MS;
      link.countDirect(done);
      this.#drainSoon();
    }
    link.submitHeld(done);
  }

  #noteDone(token: number, baseOffset: number, logStartOffset: number): void {
    if (this.#doneCount === this.#done.length) {
      this.#done.push({ token: 0, baseOffset: 0, logStartOffset: 0 });
    }
    const done = this.#done[this.#doneCount++]!;
    done.token = token;
    done.baseOffset = baseOffset;
    done.logStartOffset = logStartOffset;
  }

  /** As the shard does behind an append: this client's own notice stays here, others' are the shard's business. */
  #tellWaiters(link: ShardLink, slot: number): void {
    const word = slot * SLOT_WORDS + WAITERS_WORD;
    const { words } = this.table;
    // Ordered after the store of SEQUENCE that published the marks. Partner: watch sets its bit, then reads the marks.
    const waiters = Atomics.load(words, word);
    if (waiters === 0) return;
    if ((waiters & this.#waiterBit) !== 0) {
      Atomics.and(words, word, ~this.#waiterBit);
      this.#advanced.push(slot);
    }
    // Completion rings have one producer, the shard.
    if ((waiters & ~this.#waiterBit) !== 0) {
      link.submit(slot, 0, 0, 0, SUBMIT_NUDGE_FLAG);
    }
  }

  /** Callbacks never run inside `ring`. */
  #drainSoon(): void {
    if (this.#isDrainPending) return;
    this.#isDrainPending = true;
    queueMicrotask(() => {
      this.#isDrainPending = false;
      this.drain();
    });
  }

  watch(slot: number): void {
    this.#watched[slot] = 1;
    if (slot > this.#watchedMax) this.#watchedMax = slot;
    // Dekker again: bit set, then marks read; the shard publishes the marks, then looks at the bits. Partner:
    // Shard's look at WAITERS behind PartitionTable.end.
    Atomics.or(this.table.words, slot * SLOT_WORDS + WAITERS_WORD, this.#waiterBit);
  }

  marks(slot: number, out: Marks): boolean {
    return this.table.read(slot, out);
  }

  reader(slot: number, directory: string): PartitionReader {
    return new PartitionReader({
      fs: this.#fs,
      directory,
      marks: this.table.source(slot),
      descriptors: this.#descriptors,
    });
  }

  append(slot: number, batch: Uint8Array, flags = 0): Promise<AppendOutcome> {
    return this.#awaited.append(slot, batch, flags);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Resolves the promise of #sleep, which then finds the client closed.
    this.#doorbell.ring();
    for (const link of this.#links) link.close();
    this.#awaited.close();
    this.#descriptors.closeAll();
    this.#directPath?.close();
  }

  /** Takes in everything that completed or advanced. The doorbell does it; a caller that polls may do it earlier. */
  drain(): void {
    if (this.#isClosed) return;
    let work = this.#drainDone();
    for (const link of this.#links) {
      this.#current = link;
      for (let pass = 0; pass < DRAIN_PASSES_MAX; pass++) {
        const count = link.completions.read(this.#onRecord, COMPLETIONS_AT_ONCE);
        if (count === 0) break;
        work += count;
        // Credits come back when the records' places have: not while the ring still counts them.
        link.outstanding -= this.#completed;
        this.#completed = 0;
      }
      if (link.takeRescan()) {
        work++;
        this.#rescan(link);
      }
    }
    if (work === 0 || this.#isClosed) return;
    if (this.#isFull) {
      this.#isFull = false;
      this.#space();
    }
    this.onDrained?.();
  }

  /** Reports what this thread appended itself. */
  #drainDone(): number {
    const count = this.#doneCount + this.#advanced.length;
    // Whoever waits for the records hears first: the producer is told what it expects anyway.
    for (let i = 0; i < this.#advanced.length; i++) this.#notice(this.#advanced[i]!);
    this.#advanced.length = 0;
    for (let i = 0; i < this.#doneCount; i++) {
      const { token, baseOffset, logStartOffset } = this.#done[i]!;
      this.#complete(token, 0, baseOffset, -1, logStartOffset, null);
    }
    this.#doneCount = 0;
    return count;
  }

  #notice(slot: number): void {
    this.#watched[slot] = 0;
    this.onAdvance(slot);
  }

  #complete(
    token: number,
    errorCode: number,
    baseOffset: number,
    logAppendTimeMs: number,
    logStartOffset: number,
    detail: AppendDetail | null,
  ): void {
    if (token >= 0) {
      this.onCompletion(token, errorCode, baseOffset, logAppendTimeMs, logStartOffset, detail);
    } else {
      this.#awaited.settle(token, {
        errorCode,
        baseOffset,
        logAppendTimeMs,
        logStartOffset,
        detail,
      });
    }
  }

  #current: ShardLink | null = null;
  #completed = 0;

  readonly #onRecord = (words: Int32Array, at: number): void => {
    const kind = words[at + COMPLETION_KIND]! >> 16;
    if (kind === KIND_ADVANCED) {
      this.#notice(words[at]!);
      return;
    }
    this.#completed++;
    if (kind === KIND_NUDGED) return;
    let detail: AppendDetail | null = null;
    if (kind !== KIND_COMPLETED) {
      // Posted before the record was committed, in the order of the records.
      const received = receiveMessageOnPort(this.#current!.port)?.message as unknown;
      if (kind === KIND_COMPLETED_WITH_DETAIL) detail = received as AppendDetail;
      else this.#directPath?.learn(received as PartitionPlace);
    }
    const token = words[at + COMPLETION_TOKEN]!;
    const errorCode = (words[at + COMPLETION_KIND]! << 16) >> 16;
    const baseOffset = getInt53(words, at + COMPLETION_BASE_OFFSET);
    const logAppendTimeMs = getInt53(words, at + COMPLETION_APPEND_TIME);
    const logStartOffset = getInt53(words, at + COMPLETION_START_OFFSET);
    this.#complete(token, errorCode, baseOffset, logAppendTimeMs, logStartOffset, detail);
  };

  /** Goes to sleep on the doorbell; one promise is outstanding at any time, and it does not keep the process alive. */
  #sleep(): void {
    if (this.#isClosed) return;
    this.#doorbell.lieDown();
    const woken = this.#hasRecords() ? null : this.#doorbell.waitAsync();
    if (woken !== null) {
      woken.then(this.#onWoken);
      return;
    }
    // More came in meanwhile: take it after the event loop has had its turn, or a fast shard would starve the sockets.
    this.#doorbell.getUp();
    setImmediate(this.#onWoken);
  }

  readonly #onWoken = (): void => {
    this.drain();
    this.#sleep();
  };

  #hasRecords(): boolean {
    for (const link of this.#links) {
      if (link.hasRecords()) return true;
    }
    return false;
  }

  #rescan(link: ShardLink): void {
    for (let slot = 0; slot <= this.#watchedMax; slot++) {
      if (this.#watched[slot] === 0) continue;
      if (this.table.words[slot * SLOT_WORDS + SHARD_WORD] !== link.shard) continue;
      this.#notice(slot);
    }
  }

  #spaceLater(): void {
    if (this.#isSpacePending) return;
    this.#isSpacePending = true;
    queueMicrotask(() => {
      this.#isSpacePending = false;
      if (!this.#isClosed) this.#space();
    });
  }

  #space(): void {
    this.#awaited.retry();
    this.onSpace();
  }
}

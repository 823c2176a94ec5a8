/**
 * Keeps some of the disk free, for on a full one nothing can be put right: even to delete a topic takes a few bytes of metadata
 * first, and a start takes some as well. So appends are refused a little before the disk is full, and taken again when there is
 * more room.
 *
 * They spend an allowance; when it is gone the file system is asked. Of what is kept all allowances together are less than a half:
 * so it is never spent, whichever shard finds the room gone first. What clients append themselves (direct-path.ts) is counted
 * afterwards.
 *
 * On the shard's thread.
 */

import type { Clock } from '../base/clock.ts';
import { FREE_SPACE_ASKED_AGAIN_MS, KEPT_FREE_SHARE, MIB } from '../base/limits.ts';
import type { FileSystem } from '../io/file-system.ts';

/** When it was short, there must be so much of what is kept beyond it before appends are taken again. */
const RESUME_SHARE = 0.25;

export interface FreeSpaceOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** A path on the disk. */
  readonly path: string;
  /** To be kept free, but never more than `KEPT_FREE_SHARE` of the disk; 0: the disk may fill up. */
  readonly keptBytes: number;
  /** How many append to it. */
  readonly shards: number;
  readonly log: (line: string) => void;
}

export class FreeSpace {
  readonly #options: FreeSpaceOptions;
  #allowance = 0;
  #isShort = false;
  #askAgainAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: FreeSpaceOptions) {
    this.#options = options;
  }

  /** Appends are refused at present. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Whether `bytes` may be appended; counts them. */
  take(bytes: number): boolean {
    this.#allowance -= bytes;
    return this.#allowance >= 0 || this.#ask(bytes);
  }

  #ask(bytes: number): boolean {
    const { fs, clock, path, keptBytes, shards, log } = this.#options;
    this.#allowance = 0;
    if (this.#isShort && clock.monotonic() < this.#askAgainAtMs) return false;
    const { totalBytes, usableBytes } = fs.volume(path);
    if (keptBytes === 0 || usableBytes < 0) {
      this.#allowance = Number.POSITIVE_INFINITY;
      return true;
    }
    const kept = Math.min(keptBytes, totalBytes * KEPT_FREE_SHARE);
    const room = usableBytes - kept - bytes;
    const isShort = room < (this.#isShort ? kept * RESUME_SHARE : 0);
    if (isShort !== this.#isShort) {
      log(
        isShort
          ? `${path}: ${inMib(usableBytes)} MiB are free on the disk and ${inMib(kept)} are kept: appends are refused until there is more`
          : `${path}: ${inMib(usableBytes)} MiB are free on the disk: appends are taken again`,
      );
    }
    this.#isShort = isShort;
    this.#askAgainAtMs = clock.monotonic() + FREE_SPACE_ASKED_AGAIN_MS;
    if (!isShort) this.#allowance = Math.min(room, kept) / (2 * shards);
    return !isShort;
  }
}

function inMib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

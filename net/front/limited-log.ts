/**
 * Lines that clients can cause, as many as they like: more than a few a second would fill a disk and hide all others. What is
 * left out is counted, and said with the next line.
 *
 * One thread; synchronous.
 */
import { type Clock, systemClock } from '../../engine/base/clock.ts';
import type { Log } from '../control-channel.ts';

const WINDOW_MS = 1000;
const LINES_MAX = 10;

export class LimitedLog {
  readonly #log: Log;
  readonly #clock: Clock;
  #windowEndsMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #leftOut = 0;

  constructor(log: Log, clock: Clock = systemClock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(line: string): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs >= this.#windowEndsMs) {
      this.#windowEndsMs = nowMs + WINDOW_MS;
      this.#lines = 0;
    }
    if (this.#lines === LINES_MAX) {
      this.#leftOut++;
      return;
    }
    this.#lines++;
    const others = this.#leftOut === 0 ? '' : ` (${this.#leftOut} more lines were left out)`;
    this.#leftOut = 0;
    this.#log(line + others, 'warn');
  }
}

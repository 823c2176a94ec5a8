/**
 * Waiting times between attempts: doubling from a first to a longest, with up to 20 % of chance on top so
 * that many clients do not return in step. Randomness is injected.
 *
 * Any thread; pure but for its counter.
 */

export interface BackoffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly random?: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Attempts since the last success. */
  get attempts(): number {
    return this.#attempts;
  }

  /** How long to wait before the next attempt; longer each time. */
  nextMs(): number {
    const { firstMs, longestMs, random = Math.random } = this.#options;
    const plainMs = Math.min(longestMs, firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    return plainMs * (0.8 + 0.4 * random());
  }

  /** Starts over after a success. */
  reset(): void {
    this.#attempts = 0;
  }
}

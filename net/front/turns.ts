/**
 * Whose turn it is. A front works in turns: all connections with something to say are advanced once, and answers that are
 * small leave at once. A piece of a large one takes as long as the kernel takes to copy it twice and to wake its reader,
 * which is several times what a small request takes altogether; so each turn sends one such piece, behind all that is
 * small, and those with more of them take turns. Whatever readers there are and however much they fetch, somebody else's
 * request waits for one piece at most.
 *
 * Thread of the front.
 */

export interface Advancing {
  /** In the list of those that the turn advances. */
  isTouched: boolean;
  /** Sends what is ready: of large answers one piece, and without `mayBeLarge` none, but asks for its turn by `defer`. */
  advance(mayBeLarge: boolean): void;
}

export class Turns<T extends Advancing> {
  #touched: T[] = [];
  #touchedBefore: T[] = [];
  /** In the order in which they asked. */
  readonly #deferred = new Set<T>();
  readonly #schedule: () => void;

  /** `schedule` is called when there is something to do in a turn. */
  constructor(schedule: () => void) {
    this.#schedule = schedule;
  }

  /** It is advanced before the turn ends. */
  touch(one: T): void {
    if (one.isTouched) return;
    one.isTouched = true;
    this.#touched.push(one);
    this.#schedule();
  }

  /** It has a large answer to send. */
  defer(one: T): void {
    this.#deferred.add(one);
    this.#schedule();
  }

  /** It is gone: no turn for a large answer any more. */
  forget(one: T): void {
    this.#deferred.delete(one);
  }

  advanceTouched(): void {
    const touched = this.#touched;
    this.#touched = this.#touchedBefore;
    this.#touchedBefore = touched;
    for (const one of touched) {
      one.isTouched = false;
      one.advance(false);
    }
    touched.length = 0;
  }

  /** One of those that asked sends one piece; for the others there are turns to come. */
  advanceDeferred(): void {
    for (const one of this.#deferred) {
      this.#deferred.delete(one);
      one.advance(true);
      break;
    }
    if (this.#deferred.size > 0) this.#schedule();
  }
}

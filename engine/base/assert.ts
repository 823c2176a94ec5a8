/**
 * The one way to state an invariant. Always on, in production too: a broken invariant means that nothing
 * after it can be trusted, so the process ends and starts again from what is on disk.
 *
 * Any thread. Messages are plain strings: a template that formats values on the passing path would cost
 * more than the check, so callers on hot paths test first and build the message only when they fail.
 */

import { MillraceError } from './errors.ts';

/** Thrown when an invariant does not hold. Nobody catches it except to report it and end the process. */
export class AssertionFailed extends MillraceError<'assertion', null> {
  constructor(message: string) {
    super('assertion', message, null);
    this.name = 'AssertionFailed';
  }
}

/** Throws `AssertionFailed` when `condition` is falsy. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}

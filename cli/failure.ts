/**
 * How commands fail: one line that says what is wrong, and an exit code. 2 is the caller's mistake (wrong use,
 * wrong setting), 1 is the world's.
 *
 * Any thread; pure.
 */

import { MillraceError, messageOf } from '../engine/base/errors.ts';

/** The command was called in a way that it cannot be. */
export class UsageError extends MillraceError<'usage', null> {
  constructor(message: string) {
    super('usage', message, null);
    this.name = 'UsageError';
  }
}

const EXIT_FAILED = 1;
const EXIT_WRONG_USE = 2;

/** Codes of errors that are the caller's to put right. */
const useCodes: ReadonlySet<string> = new Set(['usage', 'setting', 'argument']);

/** The line for stderr. With MILLRACE_DEBUG set, the stack too. */
export function failureLine(error: unknown): string {
  if (process.env.MILLRACE_DEBUG && error instanceof Error) return `millrace: ${error.stack}`;
  return `millrace: ${messageOf(error).replaceAll('\n', ' ')}`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof MillraceError && useCodes.has(error.code) ? EXIT_WRONG_USE : EXIT_FAILED;
}

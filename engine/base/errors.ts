/**
 * The one base class of every error that Millrace throws. The kind of error is a string literal in `code`
 * and its facts are typed `data`, both plain values: they survive structured cloning between threads, where
 * a subclass would not. Messages are lower-case sentences with the values in them.
 *
 * Any thread.
 */

/** An error of a known kind: `code` says which, `data` holds its facts, `cause` what led to it. */
export class MillraceError<C extends string = string, D = unknown> extends Error {
  readonly code: C;
  readonly data: D;

  constructor(code: C, message: string, data: D, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MillraceError';
    this.code = code;
    this.data = data;
  }
}

/** Whether `error` is a `MillraceError`, and of kind `code` when one is given. */
export function isMillraceError<C extends string>(
  error: unknown,
  code?: C,
): error is MillraceError<C> {
  return error instanceof MillraceError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

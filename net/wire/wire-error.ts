/**
 * What the codec throws. A malformed message ends the connection it came from and nothing else; the other two
 * kinds are mistakes of the caller: a value that the version cannot carry, a version that does not exist.
 *
 * Any thread. Built only on the failing path.
 */

import { MillraceError } from '../../engine/base/errors.ts';

/**
 * - `malformed`: the bytes are not such a message (overrun, negative or absurd length, null where none may be)
 * - `unsupported-version`: no such version, or a value set that this version has no field for
 * - `invalid-value`: a value that does not fit its field (null, too long, out of range)
 */
export type WireErrorCode = 'malformed' | 'unsupported-version' | 'invalid-value';

export class WireError extends MillraceError<WireErrorCode, null> {
  constructor(code: WireErrorCode, message: string) {
    super(code, message, null);
    this.name = 'WireError';
  }
}

/** Throws a `malformed` error: kept out of line so that the readers around it stay small enough to inline. */
export function failMalformed(message: string): never {
  throw new WireError('malformed', message);
}

/**
 * The errors of the client. All are `MillraceError`s with one of the codes below; an error that a broker
 * answered has code 'broker' and carries the protocol's number and name. `isRetriable` of the data says
 * whether trying again may help: the producer and the fetcher do that themselves, so what reaches the
 * caller has been retried already.
 *
 * Any thread.
 */

import { errorName, isRetriable } from '../engine/base/error-codes.ts';
import { MillraceError } from '../engine/base/errors.ts';

export type ClientErrorCode =
  /** No broker of the list could be reached. */
  | 'connect'
  /** The connection ended with requests outstanding; whether they took effect is unknown. */
  | 'disconnected'
  /** A request or a delivery took longer than it may. */
  | 'timeout'
  /** The client, producer or fetcher was closed. */
  | 'closed'
  /** The peer does not speak Kafka's protocol, or broke it. */
  | 'malformed'
  /** The broker serves no version of an API that this client knows. */
  | 'unsupported-version'
  /** The broker answered with an error code. */
  | 'broker'
  /** Fetched bytes fail their checksum or their layout. */
  | 'corrupt'
  /** A record does not fit the limits of the producer. */
  | 'too-large'
  /** An argument is not what it must be. */
  | 'argument';

export interface ClientErrorData {
  /** The protocol's error number; 0 when the error is not a broker's. */
  readonly errorCode: number;
  /** Whether the same call may succeed later. */
  readonly isRetriable: boolean;
}

export class ClientError extends MillraceError<ClientErrorCode, ClientErrorData> {
  constructor(code: ClientErrorCode, message: string, cause?: unknown) {
    const isTransient = code === 'connect' || code === 'disconnected' || code === 'timeout';
    super(code, message, { errorCode: 0, isRetriable: isTransient }, cause);
    this.name = 'ClientError';
  }
}

/** An error that a broker answered: `what` says what was asked, `message` is the broker's own text. */
export class BrokerError extends MillraceError<ClientErrorCode, ClientErrorData> {
  constructor(errorCode: number, what: string, message?: string | null) {
    super(
      'broker',
      `${what}: ${errorName(errorCode)}${message ? ` (${message.replace(/\.$/, '')})` : ''}`,
      { errorCode, isRetriable: isRetriable(errorCode) },
    );
    this.name = 'BrokerError';
  }
}

/** Whether trying again may cure `error`. Errors that are not the client's own are never retried. */
export function isTransient(error: unknown): boolean {
  return (
    (error instanceof ClientError || error instanceof BrokerError) &&
    error.data.isRetriable === true
  );
}

/** The protocol's number in `error`, 0 when no broker answered it. */
export function errorCodeOf(error: unknown): number {
  return error instanceof BrokerError ? error.data.errorCode : 0;
}

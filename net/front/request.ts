/**
 * One request of a connection, from its frame to the end of its answer. Pooled: fields are set by the connection when the
 * frame arrives and mean nothing after the answer.
 *
 * Thread of the front.
 */
import type { Chunk } from './chunks.ts';
import type { Connection } from './connection.ts';
import type { Response } from './output.ts';

export const RequestState = { FREE: 0, WAITING: 1, RUNNING: 2, ANSWERED: 3 } as const;
export type RequestState = (typeof RequestState)[keyof typeof RequestState];

/** Work that can be given up when its connection ends. */
export interface Abortable {
  abort(): void;
}

export class Request {
  state: RequestState = RequestState.FREE;
  connection: Connection | null = null;
  apiKey = 0;
  apiVersion = 0;
  correlationId = 0;
  /** The frame [at, end) in slab memory, and the first byte behind the header. */
  at = 0;
  bodyAt = 0;
  end = 0;
  /** Where the client id stands, and its size: -1 for null. */
  clientIdAt = 0;
  clientIdSize = -1;
  /** Holds the frame; null while it lies in the landing region, and after the request let go of it. */
  chunk: Chunk | null = null;
  /** The next request of the connection. */
  next: Request | null = null;
  /** Null: none is sent (acks=0). */
  response: Response | null = null;
  /** While it runs: what to stop when the connection ends. Null: it runs to its end. */
  work: Abortable | null = null;
}

/**
 * Reads the header of a request in place: numbers and positions, no string, nothing allocated. What the bytes
 * mean stands in `../header.ts`, whose reader this equals.
 *
 * Any thread; the bytes are not changed.
 */

import { requestHeaderVersion } from '../header.ts';
import { Reader } from '../reader.ts';
import type { ByteSource } from './bytes.ts';

/** What `readRequestHead` fills in. */
export interface RequestHead {
  apiKey: number;
  apiVersion: number;
  correlationId: number;
  /** Position of the client id's UTF-8 bytes, and their size: -1 for null. */
  clientIdAt: number;
  clientIdSize: number;
  /** Position of the first byte of the body. */
  bodyAt: number;
}

const reader = new Reader();

/** Reads the header of the request in [at, end). Throws `WireError` 'malformed'. */
export function readRequestHead(
  source: ByteSource,
  at: number,
  end: number,
  out: RequestHead,
): void {
  reader.reset(source.bytes, at, end);
  out.apiKey = reader.int16();
  out.apiVersion = reader.int16();
  out.correlationId = reader.int32();
  out.clientIdSize = reader.stringSize(false);
  out.clientIdAt = reader.at;
  if (out.clientIdSize > 0) reader.skip(out.clientIdSize);
  if (requestHeaderVersion(out.apiKey, out.apiVersion) === 2) reader.skipTags();
  out.bodyAt = reader.at;
}

/**
 * What goes before the body of a response: the frame's size, the correlation id, and an empty tag section where the
 * version has one.
 *
 * Any thread; allocates nothing.
 */

import { responseHeaderVersion } from '../header.ts';
import type { ByteTarget } from './bytes.ts';

/** Bytes of the size field before every frame; the size does not count them. */
export const FRAME_SIZE_BYTES = 4;

/** Bytes before the body, the size field included. */
export function responseHeadBytes(apiKey: number, apiVersion: number): number {
  return FRAME_SIZE_BYTES + 4 + responseHeaderVersion(apiKey, apiVersion);
}

/** What a response answers to. */
export interface ResponseTo {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
}

/**
 * Writes the head of a response whose body has `bodyBytes` bytes and returns the position of the body. Who does not
 * know the size yet passes 0 and calls `putFrameSize` in the end.
 */
export function putResponseHead(
  target: ByteTarget,
  at: number,
  { apiKey, apiVersion, correlationId }: ResponseTo,
  bodyBytes: number,
): number {
  const headBytes = responseHeadBytes(apiKey, apiVersion);
  target.view.setInt32(at, headBytes - FRAME_SIZE_BYTES + bodyBytes);
  target.view.setInt32(at + 4, correlationId);
  if (headBytes > 8) target.view.setInt8(at + 8, 0);
  return at + headBytes;
}

/** Fills in the size of the frame that begins at `frameAt`, size field included, and ends before `end`. */
export function putFrameSize(target: ByteTarget, frameAt: number, end: number): void {
  target.view.setInt32(frameAt, end - frameAt - FRAME_SIZE_BYTES);
}

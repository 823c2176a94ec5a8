/**
 * Where the codecs of this folder read from and write to, and the few writing steps they share. Writers take a
 * position and return the one behind what they wrote; the caller has made sure of the room with the size functions that
 * stand beside each writer. An overrun is an error of the caller and throws a RangeError before it harms anything.
 *
 * Any thread; nothing allocates except for texts that are not null.
 */

import { sizeOfUnsignedVarint, writeUnsignedVarint } from '../../../engine/base/varint.ts';

/** Memory that holds a request: `SharedMemory` is one. */
export interface ByteSource {
  readonly bytes: Uint8Array;
}

/** Memory that a response is written into: bytes and a view of the same range. */
export interface ByteTarget {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Where a client finds a leader that moved (Produce 10+, Fetch 16+). */
export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** What nearly every response has: no leader moved. */
export const NO_ENDPOINTS: readonly NodeEndpoint[] = [];

/** Writes an array's count. */
export function putCount(
  target: ByteTarget,
  at: number,
  count: number,
  isFlexible: boolean,
): number {
  if (isFlexible) return putVarint(target, at, count + 1);
  target.view.setInt32(at, count);
  return at + 4;
}

export function sizeOfCount(count: number, isFlexible: boolean): number {
  return isFlexible ? sizeOfUnsignedVarint(count + 1) : 4;
}

/** Writes an unsigned varint. Typed arrays swallow writes beyond their end, so that is checked first. */
export function putVarint(target: ByteTarget, at: number, value: number): number {
  if (at + sizeOfUnsignedVarint(value) > target.bytes.length) failRoom(at, target);
  return writeUnsignedVarint(target.bytes, at, value);
}

/** Writes a string, or null. */
export function putText(
  target: ByteTarget,
  at: number,
  text: string | null,
  isFlexible: boolean,
): number {
  const size = text === null ? -1 : Buffer.byteLength(text);
  const textAt = putStringSize(target, at, size, isFlexible);
  if (text === null) return textAt;
  if (textAt + size > target.bytes.length) failRoom(textAt, target);
  bufferOf(target).write(text, textAt, 'utf8');
  return textAt + size;
}

export function sizeOfText(text: string | null, isFlexible: boolean): number {
  if (text === null) return isFlexible ? 1 : 2;
  return sizeOfString(Buffer.byteLength(text), isFlexible);
}

/** Bytes that a string of `size` bytes takes with its length. */
export function sizeOfString(size: number, isFlexible: boolean): number {
  return (isFlexible ? sizeOfUnsignedVarint(size + 1) : 2) + size;
}

/** Writes the length of a string: -1 for null. */
export function putStringSize(
  target: ByteTarget,
  at: number,
  size: number,
  isFlexible: boolean,
): number {
  if (isFlexible) return putVarint(target, at, size + 1);
  target.view.setInt16(at, size);
  return at + 2;
}

/** Copies [from, from + size) of `source`. A loop, because names are short and a `subarray` would be garbage. */
export function putBytes(
  target: ByteTarget,
  at: number,
  source: Uint8Array,
  from: number,
  size: number,
): number {
  const bytes = target.bytes;
  if (at + size > bytes.length || from + size > source.length) failRoom(at, target);
  for (let index = 0; index < size; index++) bytes[at + index] = source[from + index]!;
  return at + size;
}

/** Bytes that a tagged field `nodeEndpoints` takes, its tag and size included; 0 when there are none. */
export function sizeOfNodeEndpoints(endpoints: readonly NodeEndpoint[]): number {
  if (endpoints.length === 0) return 0;
  const size = nodeEndpointsBytes(endpoints);
  return 1 + sizeOfUnsignedVarint(size) + size;
}

function nodeEndpointsBytes(endpoints: readonly NodeEndpoint[]): number {
  let size = sizeOfCount(endpoints.length, true);
  for (const endpoint of endpoints) {
    size += 4 + sizeOfText(endpoint.host, true) + 4 + sizeOfText(endpoint.rack, true) + 1;
  }
  return size;
}

/** Writes the tag section of a response, whose only member (tag 0) is `nodeEndpoints`. */
export function putNodeEndpointTags(
  target: ByteTarget,
  at: number,
  endpoints: readonly NodeEndpoint[],
): number {
  if (endpoints.length === 0) return putVarint(target, at, 0);
  at = putVarint(target, at, 1);
  at = putVarint(target, at, 0);
  at = putVarint(target, at, nodeEndpointsBytes(endpoints));
  at = putCount(target, at, endpoints.length, true);
  for (const endpoint of endpoints) {
    target.view.setInt32(at, endpoint.nodeId);
    at = putText(target, at + 4, endpoint.host, true);
    target.view.setInt32(at, endpoint.port);
    at = putText(target, at + 4, endpoint.rack, true);
    at = putVarint(target, at, 0);
  }
  return at;
}

function bufferOf({ bytes }: ByteTarget): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
}

function failRoom(at: number, target: ByteTarget): never {
  throw new RangeError(`no room at ${at} of ${target.bytes.length} bytes`);
}

/**
 * Reads the primitive types of the Kafka protocol from a range of bytes. Every read is checked against the end
 * of the range, every length and count against the bytes that are left, so that whatever the input says, what is
 * allocated stays in proportion to its size. One `Reader` is reused for many messages.
 *
 * Any thread; the bytes may lie in shared memory. They are not changed and not kept beyond the next `reset`.
 */

import { getInt64 } from '../../engine/base/int64.ts';
import { INT16_MAX, WIRE_ELEMENTS_MAX } from '../../engine/base/limits.ts';
import { failMalformed } from './wire-error.ts';

/** Below this, reading characters one by one is faster than the call into the runtime's decoder. */
const SHORT_STRING_BYTES = 24;

const EMPTY = Buffer.alloc(0);

export class Reader {
  /** Position of the next byte to read. */
  at = 0;
  /** Position behind the last byte that may be read. */
  end = 0;
  /** When set, bytes and records are copied out instead of being views: for input that will be reused. */
  isCopying = false;
  #bytes: Uint8Array = EMPTY;
  #buffer: Buffer = EMPTY;
  #view: DataView = new DataView(EMPTY.buffer, EMPTY.byteOffset, 0);
  #elementsLeft = WIRE_ELEMENTS_MAX;

  constructor(bytes?: Uint8Array, at = 0, end = bytes?.length ?? 0) {
    if (bytes !== undefined) this.reset(bytes, at, end);
  }

  /** Starts over on [at, end) of `bytes`. Free of allocation when `bytes` is the same object as before. */
  reset(bytes: Uint8Array, at = 0, end = bytes.length): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#buffer = Buffer.isBuffer(bytes)
        ? bytes
        : Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    if (at < 0 || end > bytes.length || at > end) failMalformed(`no range ${at} to ${end}`);
    this.at = at;
    this.end = end;
    this.#elementsLeft = WIRE_ELEMENTS_MAX;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.end - this.at;
  }

  #take(size: number): number {
    const at = this.at;
    const next = at + size;
    if (next > this.end) failMalformed(`${size} bytes wanted, ${this.end - at} left`);
    this.at = next;
    return at;
  }

  bool(): boolean {
    return this.#bytes[this.#take(1)] !== 0;
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  int64(): number {
    return getInt64(this.#view, this.#take(8));
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  uuid(): string {
    const at = this.#take(16);
    return this.#buffer.toString('base64url', at, at + 16);
  }

  /** An unsigned varint of at most 32 bits. */
  unsignedVarint(): number {
    const bytes = this.#bytes;
    let at = this.#take(1);
    let byte = bytes[at]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      at = this.#take(1);
      byte = bytes[at]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return failMalformed('a varint has more than 5 bytes');
  }

  /** A string, null when its length says so. */
  nullableString(): string | null {
    const size = this.int16();
    if (size < 0) {
      return size === -1 ? null : failMalformed(`a string of ${size} bytes`);
    }
    return this.#characters(size);
  }

  string(): string {
    return this.nullableString() ?? failMalformed('null where a string must be');
  }

  compactNullableString(): string | null {
    const size = this.unsignedVarint() - 1;
    if (size < 0) return null;
    if (size > INT16_MAX) failMalformed(`a string of ${size} bytes`);
    return this.#characters(size);
  }

  compactString(): string {
    return this.compactNullableString() ?? failMalformed('null where a string must be');
  }

  nullableBytes(): Uint8Array | null {
    const size = this.int32();
    if (size < 0) return size === -1 ? null : failMalformed(`a field of ${size} bytes`);
    return this.#range(size);
  }

  bytes(): Uint8Array {
    return this.nullableBytes() ?? failMalformed('null where bytes must be');
  }

  compactNullableBytes(): Uint8Array | null {
    const size = this.unsignedVarint() - 1;
    return size < 0 ? null : this.#range(size);
  }

  compactBytes(): Uint8Array {
    return this.compactNullableBytes() ?? failMalformed('null where bytes must be');
  }

  /**
   * The count of an array whose elements take at least `bytesMin` bytes each, -1 for null. A count that the bytes
   * left cannot hold is malformed, so a caller may allocate for it.
   */
  count(bytesMin: number): number {
    return this.#checkedCount(this.int32(), bytesMin);
  }

  compactCount(bytesMin: number): number {
    return this.#checkedCount(this.unsignedVarint() - 1, bytesMin);
  }

  #checkedCount(count: number, bytesMin: number): number {
    if (count < 0) return count === -1 ? -1 : failMalformed(`an array of ${count} elements`);
    if (count * bytesMin > this.end - this.at) {
      failMalformed(`an array of ${count} elements in ${this.end - this.at} bytes`);
    }
    return count;
  }

  /** Counts `count` more heap objects against what one message may hold. */
  spend(count: number): void {
    this.#elementsLeft -= count;
    if (this.#elementsLeft < 0) failMalformed(`more than ${WIRE_ELEMENTS_MAX} array elements`);
  }

  /** Size of a string whose bytes begin at `at` then, -1 for null: for who reads them in place, and skips them. */
  stringSize(isCompact: boolean): number {
    const size = isCompact ? this.unsignedVarint() - 1 : this.int16();
    if (size < -1 || size > INT16_MAX) failMalformed(`a string of ${size} bytes`);
    if (size > this.end - this.at)
      failMalformed(`${size} bytes wanted, ${this.end - this.at} left`);
    return size;
  }

  /** Size of bytes or records that begin at `at` then, -1 for null: for who reads them in place, and skips them. */
  bytesSize(isCompact: boolean): number {
    const size = isCompact ? this.unsignedVarint() - 1 : this.int32();
    if (size < -1) failMalformed(`a field of ${size} bytes`);
    if (size > this.end - this.at)
      failMalformed(`${size} bytes wanted, ${this.end - this.at} left`);
    return size;
  }

  /** Passes over `size` bytes. */
  skip(size: number): void {
    this.#take(size);
  }

  /** Passes over a section of tagged fields. */
  skipTags(): void {
    const count = this.unsignedVarint();
    for (let index = 0; index < count; index++) {
      this.unsignedVarint();
      this.#take(this.unsignedVarint());
    }
  }

  #range(size: number): Uint8Array {
    const at = this.#take(size);
    return this.isCopying
      ? new Uint8Array(this.#bytes.subarray(at, at + size))
      : this.#bytes.subarray(at, at + size);
  }

  #characters(size: number): string {
    const at = this.#take(size);
    if (size > SHORT_STRING_BYTES) return this.#buffer.toString('utf8', at, at + size);
    const bytes = this.#bytes;
    let text = '';
    for (let index = at; index < at + size; index++) {
      const byte = bytes[index]!;
      if (byte > 0x7f) return this.#buffer.toString('utf8', at, at + size);
      text += String.fromCharCode(byte);
    }
    return text;
  }
}

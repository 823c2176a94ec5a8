/**
 * Writes the primitive types of the Kafka protocol into one buffer that grows as needed and is reused for many
 * messages. `bytes` up to `size` is what was written; both are valid until the next write or `reset`.
 *
 * Any thread. The bytes belong to the writer: who keeps or sends them later takes a `copy`.
 */

import { setInt64 } from '../../engine/base/int64.ts';
import { INT16_MAX, WRITER_KEPT_BYTES } from '../../engine/base/limits.ts';
import { WireError } from './wire-error.ts';

/** Below this, writing characters one by one is faster than the call into the runtime's encoder. */
const SHORT_STRING_CHARACTERS = 24;

export class Writer {
  /** Holds what was written in [0, size). Replaced when it grows. */
  bytes: Buffer;
  /** Bytes written, and so the position of the next. */
  size = 0;
  #view: DataView;
  readonly #sizeFirst: number;

  constructor(sizeFirst = 1024) {
    this.#sizeFirst = sizeFirst;
    this.bytes = Buffer.allocUnsafeSlow(sizeFirst);
    this.#view = viewOf(this.bytes);
  }

  /** Forgets what was written. */
  reset(): void {
    this.size = 0;
    if (this.bytes.length > WRITER_KEPT_BYTES) this.#replace(this.#sizeFirst);
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.size));
  }

  /** Makes room for `size` more bytes and returns the position where they go. */
  claim(size: number): number {
    const at = this.size;
    const next = at + size;
    if (next > this.bytes.length) this.#grow(next);
    this.size = next;
    return at;
  }

  #grow(size: number): void {
    const previous = this.bytes;
    this.#replace(Math.max(size, previous.length * 2));
    this.bytes.set(previous.subarray(0, this.size));
  }

  #replace(size: number): void {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.#view = viewOf(this.bytes);
  }

  bool(value: boolean): void {
    const at = this.claim(1);
    this.bytes[at] = value ? 1 : 0;
  }

  int8(value: number): void {
    const at = this.claim(1);
    this.bytes[at] = value;
  }

  int16(value: number): void {
    const at = this.claim(2);
    this.#view.setInt16(at, value);
  }

  uint16(value: number): void {
    const at = this.claim(2);
    this.#view.setUint16(at, value);
  }

  int32(value: number): void {
    const at = this.claim(4);
    this.#view.setInt32(at, value);
  }

  uint32(value: number): void {
    const at = this.claim(4);
    this.#view.setUint32(at, value);
  }

  int64(value: number): void {
    const at = this.claim(8);
    setInt64(this.#view, at, value);
  }

  float64(value: number): void {
    const at = this.claim(8);
    this.#view.setFloat64(at, value);
  }

  uuid(value: string): void {
    const at = this.claim(16);
    if (value.length !== 22 || this.bytes.write(value, at, 16, 'base64url') !== 16) {
      throw new WireError('invalid-value', `not a uuid of 22 base64url characters: ${value}`);
    }
  }

  unsignedVarint(value: number): void {
    let at = this.claim(5);
    const bytes = this.bytes;
    let rest = value >>> 0;
    while (rest > 0x7f) {
      bytes[at++] = rest | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.size = at;
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  string(value: string): void {
    const lengthAt = this.claim(2);
    const size = this.#characters(value);
    this.#view.setInt16(lengthAt, size);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.int8(0);
    else this.compactString(value);
  }

  compactString(value: string): void {
    const lengthAt = this.claim(1);
    const size = this.#characters(value);
    this.#fillSize(lengthAt, size + 1);
  }

  nullableBytes(value: Uint8Array | null): void {
    if (value === null) this.int32(-1);
    else this.sizedBytes(value);
  }

  /** Bytes behind their length. */
  sizedBytes(value: Uint8Array): void {
    this.int32(value.length);
    this.raw(value);
  }

  compactNullableBytes(value: Uint8Array | null): void {
    if (value === null) this.int8(0);
    else this.compactBytes(value);
  }

  compactBytes(value: Uint8Array): void {
    this.unsignedVarint(value.length + 1);
    this.raw(value);
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    const at = this.claim(value.length);
    this.bytes.set(value, at);
  }

  /** The count of an array; -1 stands for null. */
  count(count: number): void {
    this.int32(count);
  }

  compactCount(count: number): void {
    this.unsignedVarint(count + 1);
  }

  /** Starts something whose size goes before it as a varint. Pass the result to `endSized`. */
  beginSized(): number {
    return this.claim(1);
  }

  /** Fills in the size of what was written since `beginSized` returned `mark`. */
  endSized(mark: number): void {
    this.#fillSize(mark, this.size - mark - 1);
  }

  /** Puts a varint into the one byte kept at `at`, moving what follows when it takes more. */
  #fillSize(at: number, value: number): void {
    if (value < 0x80) {
      this.bytes[at] = value;
      return;
    }
    const end = this.size;
    let extra = 1;
    for (let rest = value >>> 14; rest !== 0; rest >>>= 7) extra++;
    this.claim(extra);
    this.bytes.copyWithin(at + 1 + extra, at + 1, end);
    this.size = at;
    this.unsignedVarint(value);
    this.size = end + extra;
  }

  /** The characters of `value` in UTF-8, and their size. */
  #characters(value: string): number {
    const length = value.length;
    if (length <= SHORT_STRING_CHARACTERS) {
      const at = this.claim(length);
      const bytes = this.bytes;
      let index = 0;
      for (; index < length; index++) {
        const character = value.charCodeAt(index);
        if (character > 0x7f) break;
        bytes[at + index] = character;
      }
      if (index === length) return length;
      this.size = at;
    }
    // UTF-8 takes at most three bytes per UTF-16 unit; what is not used is given back.
    const at = this.claim(length * 3);
    const size = this.bytes.write(value, at, 'utf8');
    if (size > INT16_MAX) {
      throw new WireError('invalid-value', `a string of ${size} bytes, at most ${INT16_MAX} fit`);
    }
    this.size = at + size;
    return size;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

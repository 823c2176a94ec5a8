/**
 * Variable-length integers of Kafka's formats: seven bits a byte, least significant group first, the high
 * bit set on all but the last byte. Unsigned ones carry lengths and counts of the wire protocol; zigzag ones
 * (Protocol Buffers' sint) carry the deltas and lengths inside a record.
 *
 * Any thread; pure except for one word: a read returns the value and leaves the position behind it in
 * `varint.end`, because returning both would allocate. `varint.end` is -1 when the bytes do not hold a
 * varint: more than 5 (or 10) bytes, an overrun of `limit`. Nothing throws and nothing allocates. The hot
 * walk over records has its own inlined copies (format/validate.ts, format/records.ts), tested against these.
 */

/** Position behind the last varint read on this thread, or -1 when it was malformed. Read it at once. */
export const varint = { end: 0 };

const TWO_28 = 2 ** 28;
const TWO_32 = 2 ** 32;

/** Reads an unsigned varint of at most 32 bits from [at, limit). */
export function readUnsignedVarint(bytes: Uint8Array, at: number, limit: number): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= limit) break;
    const byte = bytes[at++]!;
    if (byte < 0x80) {
      // The fifth byte holds bits 28 to 31 only; more would not fit 32 bits.
      if (shift === 28 && byte > 0x0f) break;
      varint.end = at;
      return (value | (byte << shift)) >>> 0;
    }
    value |= (byte & 0x7f) << shift;
  }
  varint.end = -1;
  return 0;
}

/** Reads a zigzag varint (int32) from [at, limit). */
export function readVarint(bytes: Uint8Array, at: number, limit: number): number {
  const raw = readUnsignedVarint(bytes, at, limit);
  return (raw >>> 1) ^ -(raw & 1);
}

/** Reads a zigzag varlong (int64) from [at, limit): exact within +-2^53, the nearest double outside. */
export function readVarlong(bytes: Uint8Array, at: number, limit: number): number {
  let low = 0; // bits 0 to 27
  let high = 0; // bits 28 to 63, below 2^36: kept as a double
  let scale = 1;
  for (let index = 0; index < 10; index++) {
    if (at >= limit) break;
    const byte = bytes[at++]!;
    const group = byte & 0x7f;
    if (index < 4) low |= group << (index * 7);
    else {
      // The tenth byte holds bit 63 alone.
      if (index === 9 && byte > 1) break;
      high += group * scale;
      scale *= 128;
    }
    if (byte < 0x80) {
      varint.end = at;
      return unzigzag(high, low);
    }
  }
  varint.end = -1;
  return 0;
}

/** The signed value of the zigzag number high * 2^28 + low. */
function unzigzag(high: number, low: number): number {
  // Halving first keeps every intermediate exact: (raw >>> 1) = high * 2^27 + (low >>> 1).
  const half = high * (TWO_28 / 2) + (low >>> 1);
  return (low & 1) === 0 ? half : -half - 1;
}

/** Writes an unsigned varint (0 to 2^32-1) and returns the position behind it. */
export function writeUnsignedVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes[at++] = rest | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Writes a zigzag varint (int32) and returns the position behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  return writeUnsignedVarint(bytes, at, (value << 1) ^ (value >> 31));
}

/** Writes a zigzag varlong, an integer within +-2^53, and returns the position behind it. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return writeVarint(bytes, at, value);
  // The sign takes the lowest bit: doubling would lose it beyond 2^52, so the first byte is split off.
  const isNegative = value < 0;
  const magnitude = isNegative ? -(value + 1) : value;
  bytes[at++] = ((magnitude % 64) << 1) | (isNegative ? 1 : 0) | 0x80;
  let rest = Math.floor(magnitude / 64);
  while (rest >= TWO_32) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  return writeUnsignedVarint(bytes, at, rest);
}

/** Bytes that an unsigned varint takes. */
export function sizeOfUnsignedVarint(value: number): number {
  const bits = 32 - Math.clz32(value);
  return bits <= 7 ? 1 : Math.ceil(bits / 7);
}

/** Bytes that a zigzag varint takes. */
export function sizeOfVarint(value: number): number {
  return sizeOfUnsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
}

/** Bytes that a zigzag varlong takes. */
export function sizeOfVarlong(value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return sizeOfVarint(value);
  let rest = Math.floor((value < 0 ? -(value + 1) : value) / 64);
  let size = 1;
  while (rest >= TWO_32) {
    rest = Math.floor(rest / 128);
    size++;
  }
  return size + sizeOfUnsignedVarint(rest);
}

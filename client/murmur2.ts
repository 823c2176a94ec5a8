/**
 * The hash that Kafka's Java client (and every client that wants to agree with it) chooses a keyed record's
 * partition with: Austin Appleby's MurmurHash2, 32 bits, seed 0x9747b28c
 * (org.apache.kafka.common.utils.Utils.murmur2).
 *
 * Any thread; pure.
 */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** The hash of bytes [from, to) as a signed 32-bit integer, the way Java prints it. */
export function murmur2(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let hash = SEED ^ (to - from);
  let at = from;
  for (const wholeEnd = to - ((to - from) & 3); at < wholeEnd; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, M);
    word ^= word >>> R;
    hash = Math.imul(hash, M) ^ Math.imul(word, M);
  }
  const rest = to - at;
  if (rest === 3) hash ^= bytes[at + 2]! << 16;
  if (rest >= 2) hash ^= bytes[at + 1]! << 8;
  if (rest >= 1) {
    hash ^= bytes[at]!;
    hash = Math.imul(hash, M);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  hash ^= hash >>> 15;
  return hash;
}

/** The partition of a key among `partitionCount`: the hash without its sign bit, modulo the count. */
export function partitionForKey(
  bytes: Uint8Array,
  from: number,
  to: number,
  partitionCount: number,
): number {
  return (murmur2(bytes, from, to) & 0x7fffffff) % partitionCount;
}

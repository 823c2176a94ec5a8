/**
 * Kafka's UUIDs: 16 bytes, written as 22 characters of unpadded base64url (org.apache.kafka.common.Uuid).
 * Two are reserved: zero means "none", and 1 marks the metadata topic.
 *
 * Any thread; pure. Randomness is injected as a source of 16 bytes.
 */

import { assert } from './assert.ts';
import { MillraceError } from './errors.ts';

const UUID_BYTES = 16;
const UUID_CHARACTERS = 22;

/** The UUID that stands for "no UUID" on the wire. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** The UUID of Kafka's metadata topic, never given to another. */
export const ONE_UUID = 'AAAAAAAAAAAAAAAAAAAAAQ';

/** The text form of the 16 bytes at `at`. */
export function uuidFromBytes(bytes: Uint8Array, at = 0): string {
  assert(at >= 0 && at + UUID_BYTES <= bytes.length, 'uuid: 16 bytes are needed');
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, UUID_BYTES).toString('base64url');
}

/** The 16 bytes of a UUID in text form. Throws `MillraceError` 'uuid' when the text is not one. */
export function uuidToBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== UUID_BYTES || text.length > UUID_CHARACTERS + 2) {
    throw new MillraceError('uuid', `not a uuid of 22 base64url characters: ${text}`, { text });
  }
  return new Uint8Array(bytes);
}

/**
 * A random version 4 UUID. `random` fills the bytes it is handed. As in Kafka, the reserved ones are avoided,
 * and so is a leading '-', which command-line tools would take for an option.
 */
export function randomUuid(random: (bytes: Uint8Array) => void): string {
  const bytes = new Uint8Array(UUID_BYTES);
  for (;;) {
    random(bytes);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const text = uuidFromBytes(bytes);
    if (!text.startsWith('-')) return text;
  }
}

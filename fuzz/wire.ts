/**
 * Fuzzes the wire codec. Each event takes a random message of a random version and checks two things. The message comes
 * back from its bytes, and the same bytes from it. And its bytes, when torn, changed or stuffed with large numbers, are
 * either refused as malformed or decode to something no larger than they justify, that encodes and decodes again. For
 * Produce and Fetch the codecs that read in place must agree with the schema on all of it.
 */

import { isDeepStrictEqual } from 'node:util';
import { assert } from '../engine/base/assert.ts';
import { Prng } from '../engine/base/prng.ts';
import type { FetchRequest } from '../net/wire/api/fetch.ts';
import { readRequestHeader, requestHeaderVersion } from '../net/wire/header.ts';
import { fetchRequestOf, produceRequestOf } from '../net/wire/hot/as-messages.ts';
import { readRequestHead } from '../net/wire/hot/request-head.ts';
import type { MessageCodec } from '../net/wire/message.ts';
import { randomValue } from '../net/wire/random-values.ts';
import { Reader } from '../net/wire/reader.ts';
import { allMessages } from '../net/wire/registry.ts';
import { WireError } from '../net/wire/wire-error.ts';
import { Writer } from '../net/wire/writer.ts';

export const name = 'wire';

export interface FuzzOptions {
  readonly seed: number;
  readonly eventsMax: number;
  /** Plants a defect, a byte that changes on the way: a run that passes all the same cannot find anything. */
  readonly isCanary?: boolean;
}

/** Stands for input that was refused. */
const REFUSED = Symbol('refused');

/** Heap objects that a byte of input may turn into: a field of default values per struct of one byte. */
const OBJECTS_PER_BYTE_MAX = 32;

/** Runs `eventsMax` events; throws `AssertionFailed` when one finds a defect. */
export async function run({ seed, eventsMax, isCanary = false }: FuzzOptions): Promise<void> {
  const random = new Prng(seed);
  const messages = await allMessages();
  const hot = messages.filter(({ name }) => /^(?:Produce|Fetch)Re/.test(name));
  for (let event = 0; event < eventsMax; event++) {
    const message = random.pick(random.chance(0.2) ? hot : messages);
    const version = random.between(message.versions[0], message.versions[1]);
    const where = `${message.name} v${version}, event ${event} of seed ${seed}`;
    const bytes = checkRoundTrip({ message, version, random, where, isCanary });
    for (let round = 0; round < 4; round++) {
      checkHostile({ message, version, where, bytes: mutate(bytes, random) });
    }
    checkHeader(randomHeader(random), where);
  }
}

interface RoundTrip {
  readonly message: MessageCodec;
  readonly version: number;
  readonly random: Prng;
  readonly where: string;
  readonly isCanary: boolean;
}

function checkRoundTrip({ message, version, random, where, isCanary }: RoundTrip): Buffer {
  const value = randomValue(message, version, random);
  const bytes = encode(message, value, version);
  if (isCanary && bytes.length > 0) bytes[bytes.length - 1]! ^= 0x40;
  const decoded = decode(message, bytes, version);
  assert(isDeepStrictEqual(decoded, value), `${where}: does not come back from its bytes`);
  assert(encode(message, decoded, version).equals(bytes), `${where}: encodes differently again`);
  checkHot(message, bytes, version, decoded, where);
  return bytes;
}

interface Hostile {
  readonly message: MessageCodec;
  readonly version: number;
  readonly where: string;
  readonly bytes: Buffer;
}

function checkHostile({ message, version, where, bytes }: Hostile): void {
  const decoded = decode(message, bytes, version);
  checkHot(message, bytes, version, decoded, where);
  if (decoded === REFUSED) return;
  const objects = countObjects(decoded);
  assert(
    objects <= OBJECTS_PER_BYTE_MAX * (bytes.length + 8),
    `${where}: ${bytes.length} hostile bytes became ${objects} objects`,
  );
  let again: Buffer;
  try {
    again = encode(message, decoded, version);
  } catch (error) {
    // Bytes that are not UTF-8 become longer ones that are: beyond the longest string only.
    assert(error instanceof WireError && error.code === 'invalid-value', `${where}: ${error}`);
    return;
  }
  assert(
    isDeepStrictEqual(decode(message, again, version), decoded),
    `${where}: hostile bytes decode to something that does not come back`,
  );
}

/** What the codec for reading in place makes of the same bytes. */
function checkHot(
  message: MessageCodec,
  bytes: Buffer,
  version: number,
  expected: unknown,
  where: string,
): void {
  let actual: unknown;
  if (message.name === 'ProduceRequest') {
    actual = refusedOr(() => produceRequestOf(bytes, version));
  } else if (message.name === 'FetchRequest') {
    actual = refusedOr(() => fetchRequestOf(bytes, version));
    if (expected !== REFUSED) (expected as FetchRequest).clusterId = null;
  } else return;
  assert(isDeepStrictEqual(actual, expected), `${where}: read in place it says something else`);
}

function checkHeader(bytes: Buffer, where: string): void {
  const header = { apiKey: 0, apiVersion: 0, correlationId: 0, clientId: null as string | null };
  const head = {
    apiKey: 0,
    apiVersion: 0,
    correlationId: 0,
    clientIdAt: 0,
    clientIdSize: 0,
    bodyAt: 0,
  };
  const reader = new Reader(bytes);
  const read = refusedOr(() => readRequestHeader(reader, header));
  const readInPlace = refusedOr(() => readRequestHead({ bytes }, 0, bytes.length, head));
  assert(read === readInPlace, `${where}: a header is refused in one way only`);
  if (read === REFUSED) return;
  const { clientIdAt, clientIdSize } = head;
  assert(
    head.bodyAt === reader.at &&
      head.apiKey === header.apiKey &&
      head.apiVersion === header.apiVersion &&
      head.correlationId === header.correlationId &&
      (clientIdSize < 0
        ? header.clientId === null
        : header.clientId === bytes.toString('utf8', clientIdAt, clientIdAt + clientIdSize)),
    `${where}: read in place a header says something else`,
  );
}

function randomHeader(random: Prng): Buffer {
  const writer = new Writer();
  const apiKey = random.chance(0.9) ? random.below(93) : random.between(-0x8000, 0x7fff);
  const apiVersion = random.below(20);
  writer.int16(apiKey);
  writer.int16(apiVersion);
  writer.int32(random.uint32());
  writer.nullableString(random.pick([null, '', 'rdkafka', 'x'.repeat(60), 'ü']));
  if (requestHeaderVersion(apiKey, apiVersion) === 2) writer.int8(0);
  return random.chance(0.3) ? mutate(writer.copy(), random) : writer.copy();
}

function decode(message: MessageCodec, bytes: Buffer, version: number): unknown {
  return refusedOr(() => message.read(new Reader(bytes), version));
}

function refusedOr(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError && error.code === 'malformed') return REFUSED;
    throw error;
  }
}

function encode(message: MessageCodec, value: unknown, version: number): Buffer {
  const writer = new Writer(16);
  message.write(writer, value, version);
  return writer.copy();
}

/** Numbers that lengths and counts are most often mishandled for, as they lie on the wire. */
const HOSTILE_NUMBERS = [
  'ffffffff', // -1, and the beginning of a long varint
  '7fffffff',
  '80000000',
  '00000000',
  'ffffffff0f', // the largest varint
  'ffffffff7f', // more than 32 bits
  '8080808000', // a padded varint
  '01000000',
  '8000',
  '7fff',
].map((hex) => Buffer.from(hex, 'hex'));

/** A copy of `bytes`, torn, overwritten, stretched or with bits flipped. */
function mutate(bytes: Buffer, random: Prng): Buffer {
  const at = random.below(bytes.length + 1);
  switch (random.below(5)) {
    case 0:
      return Buffer.from(bytes.subarray(0, at));
    case 1:
      return Buffer.concat([
        bytes.subarray(0, at),
        random.pick(HOSTILE_NUMBERS),
        bytes.subarray(at),
      ]);
    case 2: {
      const changed = Buffer.from(bytes);
      random.pick(HOSTILE_NUMBERS).copy(changed, at);
      return changed;
    }
    case 3: {
      const changed = Buffer.from(bytes);
      for (let count = random.between(1, 4); count > 0 && changed.length > 0; count--) {
        changed[random.below(changed.length)]! ^= 1 << random.below(8);
      }
      return changed;
    }
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))]);
  }
}

function countObjects(value: unknown): number {
  if (typeof value === 'string') return 1;
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof Uint8Array) return 1;
  let count = 1;
  for (const member of Object.values(value)) count += countObjects(member);
  return count;
}

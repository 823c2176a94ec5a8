/** Random but valid record batches, and random damage: what the targets for the log's bytes share. */

import type { Prng } from '../engine/base/prng.ts';
import { type BatchFields, buildBatch, type RecordInput } from '../engine/format/batch-builder.ts';

export const codecs = [0, 1, 2, 3, 4] as const;

function randomBytes(random: Prng, sizeMax: number): Uint8Array {
  // Text that compresses and noise that does not.
  const bytes = new Uint8Array(random.below(sizeMax + 1));
  if (random.chance(0.5)) random.fill(bytes);
  else bytes.fill(0x61 + random.below(26));
  return bytes;
}

export function randomRecords(random: Prng, countMax: number): RecordInput[] {
  const timestamp = random.between(0, 2_000_000_000_000);
  return Array.from({ length: random.between(1, countMax) }, () => ({
    key: random.chance(0.3) ? null : randomBytes(random, 20),
    value: random.chance(0.1) ? null : randomBytes(random, random.chance(0.05) ? 5000 : 100),
    timestamp: timestamp + random.between(-1000, 1000),
    headers: Array.from({ length: random.chance(0.7) ? 0 : random.between(1, 3) }, (_, index) => ({
      key: `header ${index}`,
      value: random.chance(0.2) ? null : randomBytes(random, 10),
    })),
  }));
}

export interface RandomBatch {
  readonly bytes: Uint8Array;
  readonly records: readonly RecordInput[];
  readonly fields: BatchFields;
}

export function randomBatch(random: Prng, baseOffset: number, codec: number): RandomBatch {
  const records = randomRecords(random, random.chance(0.2) ? 200 : 8);
  const fields: BatchFields = {
    baseOffset,
    codec,
    leaderEpoch: random.below(5),
    ...(random.chance(0.5)
      ? {
          producerId: random.below(1000),
          producerEpoch: random.below(10),
          baseSequence: random.below(100_000),
        }
      : {}),
  };
  return { bytes: buildBatch({ ...fields, records }), records, fields };
}

/** Changes at least one bit of [from, to); where it began. */
export function damage(bytes: Uint8Array, random: Prng, from: number, to: number): number {
  const at = random.between(from, to - 1);
  const end = Math.min(to, at + (random.chance(0.5) ? 1 : random.between(1, 16)));
  const before = Uint8Array.from(bytes.subarray(at, end));
  switch (random.below(3)) {
    case 0:
      for (let one = at; one < end; one++) bytes[one] = random.uint32();
      break;
    case 1:
      bytes.fill(random.pick([0x00, 0xff, 0x7f, 0x80]), at, end);
      break;
    default:
      break;
  }
  if (before.every((byte, index) => byte === bytes[at + index])) {
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  }
  return at;
}

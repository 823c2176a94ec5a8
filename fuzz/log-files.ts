/**
 * Fuzzes the parsers of the small files beside a log: producer snapshot, leader epochs, partition
 * metadata. What was written is read back the same; damaged bytes are refused as corrupt, or mean
 * something that can be written and read again.
 */

import { isDeepStrictEqual } from 'node:util';
import { assert } from '../engine/base/assert.ts';
import { MillraceError } from '../engine/base/errors.ts';
import { Prng } from '../engine/base/prng.ts';
import { uuidFromBytes } from '../engine/base/uuid.ts';
import {
  type EpochStart,
  formatLeaderEpochs,
  parseLeaderEpochs,
} from '../engine/format/leader-epoch-checkpoint.ts';
import {
  formatPartitionMetadata,
  parsePartitionMetadata,
} from '../engine/format/partition-metadata.ts';
import {
  formatProducerSnapshot,
  parseProducerSnapshot,
} from '../engine/format/producer-snapshot.ts';
import { damage } from './random-batches.ts';
import type { FuzzOptions } from './target.ts';

export const name = 'log-files';

interface FileKind<T> {
  readonly name: string;
  random(random: Prng): T;
  format(value: T): Uint8Array;
  parse(bytes: Uint8Array): T;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const snapshot: FileKind<ReturnType<typeof parseProducerSnapshot>> = {
  name: 'producer snapshot',
  random: (random) =>
    Array.from({ length: random.below(5) }, () => ({
      producerId: random.below(2 ** 40),
      producerEpoch: random.below(32768),
      lastSequence: random.between(-1, 2 ** 31 - 1),
      lastOffset: random.between(-1, 2 ** 50),
      offsetDelta: random.below(1000),
      timestamp: random.between(-1, 2 ** 42),
      coordinatorEpoch: random.between(-1, 10),
      currentTxnFirstOffset: random.between(-1, 2 ** 50),
    })),
  format: formatProducerSnapshot,
  parse: parseProducerSnapshot,
};

const epochs: FileKind<EpochStart[]> = {
  name: 'leader epoch checkpoint',
  random: (random) => {
    let startOffset = 0;
    return Array.from({ length: random.below(6) }, (_, epoch) => {
      startOffset += random.between(1, 1000);
      return { epoch, startOffset };
    });
  },
  format: (value) => Buffer.from(formatLeaderEpochs(value)),
  parse: (bytes) => parseLeaderEpochs(text(bytes)),
};

const metadata: FileKind<string> = {
  name: 'partition metadata',
  random: (random) => {
    const id = new Uint8Array(16);
    random.fill(id);
    id[0] = 1;
    return uuidFromBytes(id);
  },
  format: (value) => Buffer.from(formatPartitionMetadata(value)),
  parse: (bytes) => parsePartitionMetadata(text(bytes)),
};

export async function run({ seed, eventsMax, isCanary = false }: FuzzOptions): Promise<void> {
  const random = new Prng(seed);
  for (let event = 0; event < eventsMax; event++) {
    const where = `event ${event} of seed ${seed}`;
    check(snapshot, random, where, isCanary);
    check(epochs, random, where, isCanary);
    check(metadata, random, where, isCanary);
  }
}

function check<T>(kind: FileKind<T>, random: Prng, where: string, isCanary: boolean): void {
  const about = `${where}: ${kind.name}`;
  const value = kind.random(random);
  const bytes = kind.format(value).slice();
  if (isCanary) damage(bytes, random, 0, bytes.length);
  assert(isDeepStrictEqual(read(kind, bytes, about), value), `${about} does not come back`);

  for (let round = 0; round < 4; round++) {
    const hurt = bytes.slice(0, random.chance(0.3) ? random.below(bytes.length) : bytes.length);
    if (hurt.length > 0) damage(hurt, random, 0, hurt.length);
    const found = read(kind, hurt, about);
    if (found === null) continue;
    const again = kind.parse(kind.format(found));
    assert(isDeepStrictEqual(again, found), `${about}: damaged bytes mean something unstable`);
  }
}

/** Null: refused as corrupt. */
function read<T>(kind: FileKind<T>, bytes: Uint8Array, about: string): T | null {
  try {
    return kind.parse(bytes);
  } catch (error) {
    assert(
      error instanceof MillraceError && error.code === 'corrupt',
      `${about}: ${String(error)}`,
    );
    return null;
  }
}

/**
 * Fuzzes the opening of a partition directory. A log of several segments is written, closed or abandoned, and then its
 * files are damaged. Where the damage hit what is derived (indexes, producer snapshots, leader epochs, the manifest) every
 * record is still served, from any offset; where it hit the active segment the log holds exactly the batches before
 * the damage. In both cases the log opens, and goes on.
 */

import { assert } from '../engine/base/assert.ts';
import { ManualClock } from '../engine/base/clock.ts';
import { Prng } from '../engine/base/prng.ts';
import { batchLastOffset } from '../engine/format/batch.ts';
import { buildBatch } from '../engine/format/batch-builder.ts';
import { DescriptorCache } from '../engine/io/descriptor-cache.ts';
import { MemoryFileSystem } from '../engine/io/memory-file-system.ts';
import { createAppendPiece } from '../engine/log/append.ts';
import { LocalMarks } from '../engine/log/cursor.ts';
import { defaultLogConfig, type LogConfig } from '../engine/log/log-config.ts';
import { Manifest } from '../engine/log/manifest.ts';
import { PartitionLog } from '../engine/log/partition-log.ts';
import { PartitionReader, ReadPlan } from '../engine/log/reader.ts';
import { damage } from './random-batches.ts';
import type { FuzzOptions } from './target.ts';

export const name = 'recovery';

const DATA = '/data';
const DIRECTORY = `${DATA}/t-0`;
const MANIFEST = `${DATA}/manifest`;
const READ_BYTES = 64 * 1024;

const config: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 4000,
  indexIntervalBytes: 200,
  messageTimestampAfterMaxMs: Number.POSITIVE_INFINITY,
};

interface Opened {
  readonly log: PartitionLog;
  readonly reader: PartitionReader;
  readonly manifest: Manifest | null;
}

export async function run({ seed, eventsMax, isCanary = false }: FuzzOptions): Promise<void> {
  const random = new Prng(seed);
  for (let event = 0; event < eventsMax; event++) {
    check(random, `event ${event} of seed ${seed}`, isCanary);
  }
}

function check(random: Prng, where: string, isCanary: boolean): void {
  const fs = new MemoryFileSystem();
  fs.mkdir(DATA);
  const usesManifest = random.chance(0.5);
  const first = open(fs, usesManifest);
  const batches: Uint8Array[] = [];
  for (let count = random.between(3, 40); count > 0; count--)
    batches.push(append(first.log, random));
  const sealedCount = batchesBelow(batches, activeBaseOffset(fs));
  if (random.chance(0.5)) {
    first.log.close();
    first.manifest?.close();
  } else first.manifest?.write();

  // A manifest may be believed about what lies below its recovery point: the log itself is hurt without one.
  const isLogHurt = isCanary || (!usesManifest && random.chance(0.5));
  const survivors = isLogHurt ? hurtActive(fs, random, batches, sealedCount) : batches;
  if (!isLogHurt) hurtDerived(fs, random);

  const second = open(fs, usesManifest);
  checkHolds(second, isCanary ? batches : survivors, random, where);
  const more = append(second.log, random);
  checkHolds(second, [...survivors, more], random, `${where}, after an append`);
}

function open(fs: MemoryFileSystem, usesManifest: boolean): Opened {
  const marks = new LocalMarks();
  const manifest = usesManifest ? Manifest.open({ fs, path: MANIFEST, bootId: 'boot' }) : null;
  const log = PartitionLog.open({
    fs,
    clock: new ManualClock(1_000_000),
    directory: DIRECTORY,
    topic: 't',
    partition: 0,
    topicId: null,
    config,
    cursor: marks.cursor,
    leaderEpoch: 0,
    hint: manifest?.take('t-0') ?? null,
    manifest,
    verifyTail: 'crc',
    onGenerationChange: marks.onGenerationChange,
    onTruncate: marks.onTruncate,
  });
  manifest?.write();
  const descriptors = new DescriptorCache(fs, 4);
  const reader = new PartitionReader({ fs, directory: DIRECTORY, marks, descriptors });
  return { log, reader, manifest };
}

/** The bytes as they are stored. */
function append(log: PartitionLog, random: Prng): Uint8Array {
  const bytes = buildBatch({
    records: Array.from({ length: random.between(1, 5) }, () => ({
      value: new Uint8Array(random.below(300)).fill(random.below(256)),
      timestamp: random.between(0, 2_000_000),
    })),
  });
  const piece = createAppendPiece({
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  });
  piece.at = 0;
  piece.size = bytes.length;
  log.appendAsLeader([piece], 1);
  assert(piece.errorCode === 0, `a valid batch was refused with ${piece.errorCode}`);
  return bytes;
}

const lastOffsetOf = (batch: Uint8Array): number =>
  batchLastOffset(new DataView(batch.buffer, batch.byteOffset, batch.length), 0);

const batchesBelow = (batches: readonly Uint8Array[], offset: number): number =>
  batches.filter((batch) => lastOffsetOf(batch) < offset).length;

function activeBaseOffset(fs: MemoryFileSystem): number {
  const names = fs.readdir(DIRECTORY).filter((file) => file.endsWith('.log'));
  return Math.max(...names.map((file) => Number.parseInt(file, 10)));
}

function rewrite(fs: MemoryFileSystem, path: string, change: (bytes: Buffer) => Uint8Array): void {
  fs.writeFileAtomic(path, change(fs.readFile(path)), false);
}

/** Damages, cuts, stretches or removes some of the files that say nothing that the log does not say. */
function hurtDerived(fs: MemoryFileSystem, random: Prng): void {
  const paths = fs
    .readdir(DIRECTORY)
    .filter((file) => /\.(?:index|timeindex|snapshot)$|^leader-epoch-checkpoint$/.test(file))
    .map((file) => `${DIRECTORY}/${file}`);
  if (fs.exists(MANIFEST)) paths.push(MANIFEST);
  for (const path of paths) {
    if (random.chance(0.4)) continue;
    switch (random.below(4)) {
      case 0:
        fs.unlink(path);
        break;
      case 1:
        rewrite(fs, path, (bytes) => bytes.subarray(0, random.below(bytes.length + 1)));
        break;
      case 2:
        rewrite(fs, path, (bytes) => Buffer.concat([bytes, Buffer.alloc(random.below(40), 0xee)]));
        break;
      default:
        rewrite(fs, path, (bytes) => {
          if (bytes.length > 0) damage(bytes, random, 0, bytes.length);
          return bytes;
        });
    }
  }
}

/** Damages or cuts the active segment; the batches that stay. */
function hurtActive(
  fs: MemoryFileSystem,
  random: Prng,
  batches: readonly Uint8Array[],
  sealedCount: number,
): readonly Uint8Array[] {
  const active = batches.slice(sealedCount);
  const victim = random.below(active.length);
  const from = active.slice(0, victim).reduce((sum, batch) => sum + batch.length, 0);
  const to = from + (active[victim] as Uint8Array).length;
  const path = `${DIRECTORY}/${String(activeBaseOffset(fs)).padStart(20, '0')}.log`;
  rewrite(fs, path, (bytes) => {
    if (random.chance(0.3)) return bytes.subarray(0, random.between(from, to - 1));
    // Behind the checksum's field: in front of it lies what a leader changes.
    damage(bytes, random, from + 21, to);
    return bytes;
  });
  return batches.slice(0, sealedCount + victim);
}

/** The log serves exactly these batches, from its start and from some offset in between. */
function checkHolds(
  { log, reader }: Opened,
  batches: readonly Uint8Array[],
  random: Prng,
  where: string,
): void {
  const end = batches.length === 0 ? 0 : lastOffsetOf(batches.at(-1) as Uint8Array) + 1;
  const middle = random.below(end + 1);
  for (const offset of [0, middle]) {
    const wanted = Buffer.concat(batches.filter((batch) => lastOffsetOf(batch) >= offset));
    const got = readFrom(reader, offset, end, where);
    assert(
      got.equals(wanted),
      `${where}: from offset ${offset}, ${got.length} bytes of ${wanted.length}`,
    );
  }
  assert(!log.isOffline, `${where}: the log is offline`);
}

function readFrom(reader: PartitionReader, from: number, end: number, where: string): Buffer {
  const plan = new ReadPlan();
  const pieces: Buffer[] = [];
  let offset = from;
  while (offset < end) {
    const status = reader.locate(offset, 'logEndOffset', READ_BYTES, true, null, plan);
    assert(status === 'ok', `${where}: offset ${offset} of ${end} is ${status}`);
    const buffer = Buffer.alloc(plan.size);
    assert(reader.read(plan, buffer, 0) === plan.size, `${where}: a read at ${offset} is short`);
    // The plan may end inside a batch: only whole ones count.
    let at = 0;
    while (at + 12 <= buffer.length && at + 12 + buffer.readInt32BE(at + 8) <= buffer.length) {
      const size = 12 + buffer.readInt32BE(at + 8);
      offset = lastOffsetOf(buffer.subarray(at, at + size)) + 1;
      at += size;
    }
    assert(at > 0, `${where}: no whole batch at ${offset}`);
    pieces.push(buffer.subarray(0, at));
  }
  return Buffer.concat(pieces);
}

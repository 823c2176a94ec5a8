import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { FREE_SPACE_ASKED_AGAIN_MS, MIB } from '../base/limits.ts';
import { buildBatch } from '../format/batch-builder.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { openEngine } from './engine.ts';
import { FreeSpace } from './free-space.ts';
import type { PartitionTable } from './partition-table.ts';
import { ShardPartition } from './shard-partition.ts';

const TOTAL = 10_000 * MIB;

function disk(usableBytes: number) {
  const fs = new MemoryFileSystem();
  const clock = new ManualClock();
  const lines: string[] = [];
  const setUsable = (bytes: number): void => {
    fs.volumeSize = { totalBytes: TOTAL, usableBytes: bytes };
  };
  setUsable(usableBytes);
  const space = (keptBytes = 64 * MIB, shards = 1): FreeSpace =>
    new FreeSpace({ fs, clock, path: '/data', keptBytes, shards, log: (line) => lines.push(line) });
  return { fs, clock, lines, setUsable, space };
}

describe('free space', () => {
  test('is refused when too little is left, and given again when there is more, with a line for each', () => {
    const { clock, lines, setUsable, space } = disk(67 * MIB);
    const one = space();
    expect(one.take(2 * MIB)).toBe(true);
    setUsable(63 * MIB);
    expect([one.take(2 * MIB), one.isShort]).toEqual([false, true]);
    setUsable(70 * MIB);
    clock.advance(FREE_SPACE_ASKED_AGAIN_MS);
    // A little more does not count: it would be gone at once.
    expect([one.take(1), one.isShort]).toEqual([false, true]);
    setUsable(100 * MIB);
    // It is not looked at again at once.
    expect([one.take(1), one.isShort]).toEqual([false, true]);
    clock.advance(FREE_SPACE_ASKED_AGAIN_MS);
    expect([one.take(1), one.isShort]).toEqual([true, false]);
    expect(lines).toEqual([
      '/data: 63.0 MiB are free on the disk and 64.0 are kept: appends are refused until there is more',
      '/data: 100.0 MiB are free on the disk: appends are taken again',
    ]);
  });

  test('of a small disk only a small part is kept, of one without bounds nothing, and nothing when so set', () => {
    const { fs, setUsable, space } = disk(0);
    expect(space(0).take(MIB)).toBe(true);
    expect(space().take(MIB)).toBe(false);
    fs.volumeSize = { totalBytes: 100 * MIB, usableBytes: 3 * MIB };
    expect(space().take(MIB)).toBe(true);
    fs.volumeSize = { totalBytes: 100 * MIB, usableBytes: MIB };
    expect(space().take(MIB)).toBe(false);
    setUsable(-1);
    expect(space().take(MIB)).toBe(true);
  });

  test('at least half of what is kept is left, however many append', () => {
    const append = fc.record({ by: fc.nat(), bytes: fc.integer({ min: 1, max: MIB }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 200 * MIB }),
        fc.array(append, { minLength: 100, maxLength: 600 }),
        (shards, free, appends) => {
          const { setUsable, space } = disk(free);
          const spaces = Array.from({ length: shards }, () => space(64 * MIB, shards));
          let left = free;
          for (const { by, bytes } of appends) {
            if (!spaces[by % shards]!.take(bytes)) continue;
            left -= bytes;
            setUsable(left);
            expect(left).toBeGreaterThan(32 * MIB - shards * MIB);
          }
        },
      ),
    );
  });

  test('without it a partition appends nothing, of the shard or of clients themselves, and loses nothing', async () => {
    const { fs, clock, setUsable } = disk(100 * MIB);
    const lines: string[] = [];
    await using engine = await openEngine({
      dataDir: '/data',
      shards: 0,
      fileSystem: fs,
      clock,
      log: (line) => lines.push(line),
    });
    const spec = { topic: 't', partition: 0, topicId: null, leaderEpoch: 0 };
    const [ref] = await engine.openPartitions([spec]);
    const batch = buildBatch({
      records: Array.from({ length: 40 }, () => ({ value: Buffer.alloc(25_000), timestamp: 1 })),
    });
    const append = async (): Promise<[number, number]> => {
      const { errorCode, baseOffset } = await engine.client.append(ref!.slot, batch);
      return [errorCode, baseOffset];
    };
    expect(await append()).toEqual([ErrorCode.NONE, 0]);
    setUsable(10 * MIB);
    // What was given before is spent first.
    let last = await append();
    for (let i = 0; i < 100 && last[0] === ErrorCode.NONE; i++) last = await append();
    expect(last).toEqual([ErrorCode.KAFKA_STORAGE_ERROR, -1]);
    expect(lines).toEqual([expect.stringContaining('appends are refused')]);
    setUsable(100 * MIB);
    clock.advance(FREE_SPACE_ASKED_AGAIN_MS);
    const [errorCode, baseOffset] = await append();
    expect([errorCode, baseOffset % 40]).toEqual([ErrorCode.NONE, 0]);
  });

  test('without it clients are not offered to append by themselves', () => {
    const { space } = disk(MIB);
    const one = space();
    const partition = new ShardPartition({} as PartitionTable, 0, '/data/t-0', one);
    partition.isDirty = true;
    const offered: boolean[] = [];
    partition.log = {
      offerDirect: (mayAppend: boolean) => offered.push(mayAppend),
    } as unknown as PartitionLog;
    partition.offer();
    one.take(1);
    partition.offer();
    expect(offered).toEqual([true, false]);
  });
});

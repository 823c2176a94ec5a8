/**
 * A thread that appends, rolls, truncates, retains and deletes without a pause, for `log-threads.test.ts`. What it says
 * of each truncation stands in shared memory before the truncation begins.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../engine/base/clock.ts';
import { Prng } from '../../engine/base/prng.ts';
import { realFileSystem } from '../../engine/io/real-file-system.ts';
import { Cursor } from '../../engine/log/cursor.ts';
import { defaultLogConfig } from '../../engine/log/log-config.ts';
import { PartitionLog } from '../../engine/log/partition-log.ts';
import {
  GENERATION_WORD,
  PartitionState,
  PartitionTable,
  STATE_WORD,
  TRUNCATIONS_WORD,
} from '../../engine/shard/partition-table.ts';
import { batchOf, pieceOf } from './log-in-memory.ts';

/** By number of truncations: the offset cut at, which is also the first that carries the new epoch. */
export interface WriterData {
  readonly table: SharedArrayBuffer;
  readonly cuts: SharedArrayBuffer;
  readonly stop: SharedArrayBuffer;
  readonly directory: string;
  readonly seed: number;
}

if (parentPort !== null && workerData?.cuts !== undefined) run(workerData as WriterData);

function run({
  table: shared,
  cuts: cutBytes,
  stop: stopBytes,
  directory,
  seed,
}: WriterData): void {
  const table = new PartitionTable(shared);
  const cuts = new Float64Array(cutBytes);
  const stop = new Int32Array(stopBytes);
  const random = new Prng(seed);
  const log = PartitionLog.open({
    fs: realFileSystem,
    clock: systemClock,
    directory,
    topic: 't',
    partition: 0,
    topicId: null,
    config: {
      ...defaultLogConfig,
      segmentBytes: 20_000,
      indexIntervalBytes: 300,
      retentionBytes: 150_000,
    },
    cursor: table.cursor(0),
    leaderEpoch: 0,
    publish: { begin: () => table.begin(0), end: () => table.end(0) },
    onGenerationChange: () => void Atomics.add(table.words, GENERATION_WORD, 1),
    onTruncate: () => void Atomics.add(table.words, TRUNCATIONS_WORD, 1),
  });
  Atomics.store(table.words, STATE_WORD, PartitionState.ONLINE);
  let truncations = 0;
  while (Atomics.load(stop, 0) === 0) {
    const dice = random.below(100);
    if (dice < 90) {
      const count = random.between(1, 5);
      const pieces = Array.from({ length: count }, () =>
        pieceOf(batchOf(random.between(1, 3), random.below(400), systemClock.now())),
      );
      log.appendAsLeader(pieces, count);
      if (pieces.some(({ errorCode }) => errorCode !== 0)) throw new Error('an append failed');
    } else if (dice < 94) {
      const end = log.cursor[Cursor.LOG_END_OFFSET]!;
      const start = log.cursor[Cursor.LOG_START_OFFSET]!;
      // At the log end nothing is cut, and the marks do not move.
      if (end === start || truncations + 1 === cuts.length) continue;
      truncations++;
      cuts[truncations] = Math.max(start, end - 1 - random.below(60));
      log.truncateTo(cuts[truncations]!);
      log.setLeaderEpoch(truncations);
    } else if (dice < 96) {
      log.applyRetention(systemClock.now());
    } else if (dice < 97) {
      const end = log.cursor[Cursor.LOG_END_OFFSET]!;
      log.deleteRecordsBefore(Math.max(0, end - random.below(200)));
    } else {
      log.flush();
    }
  }
  log.close();
}

/** The sequence lock of a slot: a reader on another thread sees all of one state of the cursor or all of another. */

import { expect, test } from 'vitest';
import {
  CURSOR_LENGTH,
  Marks,
  PartitionState,
  PartitionTable,
  SLOT_WORDS,
  STATE_WORD,
} from '../../engine/shard/partition-table.ts';
import { startPeer } from './peer.ts';

const STATES_MET = 2000;

test('partition table: a snapshot taken while another thread writes is never torn and never goes back', async () => {
  const table = new PartitionTable(new SharedArrayBuffer(PartitionTable.bytes(4)));
  const slot = 2;
  Atomics.store(table.words, slot * SLOT_WORDS + STATE_WORD, PartitionState.ONLINE);
  for (let i = 0; i < CURSOR_LENGTH; i++) table.cursor(slot)[i] = i;
  const stop = new SharedArrayBuffer(4);
  const { ready, result } = startPeer('./seqlock-writer.ts', { table: table.shared, slot, stop });
  await ready;
  const marks = new Marks();
  let torn = 0;
  let backwards = 0;
  let last = -1;
  // States met, not time passed: on a busy machine the two threads may take turns instead of meeting.
  for (let distinct = 0; distinct < STATES_MET; ) {
    if (!table.read(slot, marks)) torn++;
    const round = marks.cursor[0]! / 100;
    for (let i = 0; i < CURSOR_LENGTH; i++) if (marks.cursor[i] !== round * 100 + i) torn++;
    if (round < last) backwards++;
    if (round !== last) distinct++;
    last = round;
  }
  Atomics.store(new Int32Array(stop), 0, 1);
  expect(await result).toBeGreaterThanOrEqual(last);
  expect(torn).toBe(0);
  expect(backwards).toBe(0);
});

/** A thread that changes one slot's cursor until it is told to stop, always to numbers that belong together. */

import { parentPort, workerData } from 'node:worker_threads';
import { Prng } from '../../engine/base/prng.ts';
import { CURSOR_LENGTH, PartitionTable } from '../../engine/shard/partition-table.ts';
import { pause } from './peer.ts';

const data = workerData as { table: SharedArrayBuffer; slot: number; stop: SharedArrayBuffer };
const prng = new Prng(1);
const random = () => prng.float();
const stop = new Int32Array(data.stop);
const table = new PartitionTable(data.table);
const cursor = table.cursor(data.slot);
parentPort!.postMessage('ready');
let round = 0;
while (Atomics.load(stop, 0) === 0) {
  round++;
  table.begin(data.slot);
  for (let i = 0; i < CURSOR_LENGTH; i++) cursor[i] = round * 100 + i;
  table.end(data.slot);
  // A reader must have a chance: real writers are outside most of the time.
  pause(random, 2000);
}
parentPort!.postMessage(round);

/** A thread that changes one slot's cursor until it is told to stop, always to numbers that belong together. */

import { parentPort, workerData } from 'node:worker_threads';
import { CURSOR_LENGTH, PartitionTable } from '../../engine/shard/partition-table.ts';

const data = workerData as { table: SharedArrayBuffer; slot: number; stop: SharedArrayBuffer };
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
}
parentPort!.postMessage(round);

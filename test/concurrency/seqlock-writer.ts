/** A thread that changes one slot's cursor over and over, always to numbers that belong together. */

import { parentPort, workerData } from 'node:worker_threads';
import { CURSOR_LENGTH, PartitionTable } from '../../engine/shard/partition-table.ts';

const data = workerData as { table: SharedArrayBuffer; slot: number; rounds: number };
const table = new PartitionTable(data.table);
const cursor = table.cursor(data.slot);
parentPort!.postMessage('ready');
for (let round = 1; round <= data.rounds; round++) {
  table.begin(data.slot);
  for (let i = 0; i < CURSOR_LENGTH; i++) cursor[i] = round * 100 + i;
  table.end(data.slot);
}
parentPort!.postMessage(data.rounds);

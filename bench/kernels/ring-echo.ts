/** The other thread of the ring bench: sends every record back, asleep on its doorbell in between. */

import { workerData } from 'node:worker_threads';
import { Doorbell } from '../../engine/ring/doorbell.ts';
import { RECORD_WORDS } from '../../engine/ring/ring-layout.ts';
import { RingReader } from '../../engine/ring/ring-reader.ts';
import { RingWriter } from '../../engine/ring/ring-writer.ts';

export interface EchoData {
  readonly there: SharedArrayBuffer;
  readonly back: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly capacity: number;
}

const { there, back, control, capacity } = workerData as EchoData;
const reader = new RingReader({ words: new Int32Array(there), base: 0, capacity });
const writer = new RingWriter({ words: new Int32Array(back), base: 0, capacity });
const mine = new Doorbell(new Int32Array(control), 0);
const theirs = new Doorbell(new Int32Array(control), 32);
let isOver = false;

const onRecord = (words: Int32Array, from: number): void => {
  if (words[from] === -1) isOver = true;
  const to = writer.tryClaim();
  for (let i = 0; i < RECORD_WORDS; i++) writer.words[to + i] = words[from + i]!;
};

while (!isOver) {
  if (reader.read(onRecord, capacity) > 0) {
    writer.commit();
    theirs.ring();
    continue;
  }
  mine.lieDown();
  if (reader.hasRecords()) mine.getUp();
  else mine.wait(1000);
}

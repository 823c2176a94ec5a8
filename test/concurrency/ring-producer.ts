/** A thread that pours numbered, checksummed records into a ring, ringing the consumer's doorbell after each commit. */

import { parentPort, workerData } from 'node:worker_threads';
import { Prng } from '../../engine/base/prng.ts';
import { Doorbell } from '../../engine/ring/doorbell.ts';
import { RECORD_WORDS } from '../../engine/ring/ring-layout.ts';
import { RING_FULL, RingWriter } from '../../engine/ring/ring-writer.ts';
import { pause } from './peer.ts';

export interface RingProducerData {
  readonly ring: SharedArrayBuffer;
  readonly capacity: number;
  readonly control: SharedArrayBuffer;
  readonly doorbellWord: number;
  readonly count: number;
  readonly seed: number;
  /** Records claimed before one commit, at most. */
  readonly commitMax: number;
  readonly pauseStepsMax: number;
}

const data = workerData as RingProducerData;
const prng = new Prng(data.seed);
const random = () => prng.float();
const words = new Int32Array(data.ring);
const writer = new RingWriter({ words, base: 0, capacity: data.capacity });
const doorbell = new Doorbell(new Int32Array(data.control), data.doorbellWord);

parentPort!.postMessage('ready');
let sum = 0;
let claimed = 0;
let fulls = 0;
for (let n = 0; n < data.count; ) {
  const at = writer.tryClaim();
  if (at === RING_FULL) {
    // Claims that were never committed would never be read.
    writer.commit();
    doorbell.ring();
    claimed = 0;
    fulls++;
    continue;
  }
  for (let i = 0; i < RECORD_WORDS; i++) words[at + i] = Math.imul(n, 2654435761) + i;
  sum = (Math.imul(sum, 31) + n) | 0;
  n++;
  claimed++;
  if (claimed >= data.commitMax * random()) {
    writer.commit();
    claimed = 0;
    pause(random, data.pauseStepsMax);
    doorbell.ring();
  }
}
writer.commit();
doorbell.ring();
parentPort!.postMessage({ sum, fulls });

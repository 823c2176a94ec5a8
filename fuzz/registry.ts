/** All fuzz targets, and how many events a second of smoke is worth for each. */

import * as batches from './batches.ts';
import * as frames from './frames.ts';
import * as logFiles from './log-files.ts';
import * as records from './records.ts';
import * as recovery from './recovery.ts';
import type { FuzzTarget } from './target.ts';
import * as wire from './wire.ts';

export interface Registered {
  readonly target: FuzzTarget;
  /** Events of a smoke run: about a second. */
  readonly smokeEvents: number;
}

export const registry: readonly Registered[] = [
  { target: { name: wire.name, run: wire.run }, smokeEvents: 1000 },
  { target: { name: batches.name, run: batches.run }, smokeEvents: 1500 },
  { target: { name: records.name, run: records.run }, smokeEvents: 600 },
  { target: { name: logFiles.name, run: logFiles.run }, smokeEvents: 5000 },
  { target: { name: recovery.name, run: recovery.run }, smokeEvents: 400 },
  { target: { name: frames.name, run: frames.run }, smokeEvents: 300 },
];

export const SMOKE_SEED = 20_251_031;

/** All fuzz targets, and how many events a second of smoke is worth for each. */

import * as batches from './batches.ts';
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
  { target: wire, smokeEvents: 1000 },
  { target: batches, smokeEvents: 1500 },
  { target: records, smokeEvents: 600 },
  { target: logFiles, smokeEvents: 5000 },
  { target: recovery, smokeEvents: 400 },
];

export const SMOKE_SEED = 20_251_031;

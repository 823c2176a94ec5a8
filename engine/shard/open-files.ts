/**
 * How many segment files each thread may keep open, of what an engine may keep open in all. A cache that is too small costs a few
 * microseconds for each file that is closed and opened again; too many open files, and connections are refused.
 */

import {
  DIRECT_DESCRIPTORS_MAX,
  READ_DESCRIPTORS_MAX,
  WRITE_DESCRIPTORS_MAX,
} from '../base/limits.ts';

/** Open files of one thread at most. */
export interface OpenFiles {
  /** Of each shard. */
  readonly writing: number;
  /** Of each client, and of each that appends by itself. */
  readonly reading: number;
  readonly direct: number;
}

/** Half of `total` for writing; of the rest two thirds for reading. */
export function shareOpenFiles(total: number, shards: number, clients: number): OpenFiles {
  const share = (part: number, threads: number, max: number): number =>
    Math.min(max, Math.max(1, Math.floor((total * part) / threads)));
  return {
    writing: share(1 / 2, shards, WRITE_DESCRIPTORS_MAX),
    reading: share(1 / 3, clients, READ_DESCRIPTORS_MAX),
    direct: share(1 / 6, clients, DIRECT_DESCRIPTORS_MAX),
  };
}

/**
 * What all logs of one thread share, so that an idle log costs almost nothing: the descriptors of files being
 * written, the staging region in which small batches are gathered for one write, the buffer that recovery
 * walks in, the buffers of index entries. Everything is used within one call, never across.
 *
 * One per thread that runs logs.
 */

import type { Clock } from '../base/clock.ts';
import { DescriptorCache } from '../io/descriptor-cache.ts';
import type { FileSystem } from '../io/file-system.ts';
import { Appender } from './appender.ts';
import { type DeletionSink, UnlinkAtOnce } from './deletions.ts';
import { PendingPool } from './segment-index.ts';
import { WalkBuffer } from './segment-walk.ts';

/** Files kept open for writing: beyond it one is closed for each that is opened, some three microseconds. */
const DESCRIPTORS_MAX = 4096;

export interface LogResourcesOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly descriptorsMax?: number;
  /** Takes files that are out of use. Default: they are unlinked at once. */
  readonly deletions?: DeletionSink;
}

export class LogResources {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly descriptors: DescriptorCache;
  readonly deletions: DeletionSink;
  readonly appender = new Appender();
  readonly walkBuffer = new WalkBuffer();
  readonly pendingPool = new PendingPool();

  constructor(options: LogResourcesOptions) {
    this.fs = options.fs;
    this.clock = options.clock;
    this.descriptors = new DescriptorCache(options.fs, options.descriptorsMax ?? DESCRIPTORS_MAX);
    this.deletions = options.deletions ?? new UnlinkAtOnce(options.fs);
  }

  /** Closes all descriptors; the logs must be closed before. */
  close(): void {
    this.descriptors.closeAll();
  }
}

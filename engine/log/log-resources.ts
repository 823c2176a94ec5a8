/** What all logs of one thread share, so that an idle log costs almost nothing. */

import type { Clock } from '../base/clock.ts';
import type { DescriptorCache } from '../io/descriptor-cache.ts';
import type { FileSystem } from '../io/file-system.ts';

/** Files that are out of use: already renamed, to be unlinked when their time has come. */
export interface DeletionSink {
  /** `path` is a file, or a directory to be removed with all its files. */
  add(path: string, dueMs: number): void;
}

export interface LogResourcesOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** Files kept open for writing; the least recently used is closed. Default 1024. */
  readonly descriptorsMax?: number;
  /** Default: unlinked at once. */
  readonly deletions?: DeletionSink;
}

export declare class LogResources {
  constructor(options: LogResourcesOptions);
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly descriptors: DescriptorCache;
  readonly deletions: DeletionSink;
  /** Closes all descriptors; the logs must be closed before. */
  close(): void;
}

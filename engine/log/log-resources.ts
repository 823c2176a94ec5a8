/**
 * What all logs of one thread share, so that an idle log costs almost nothing: the descriptors of files being
 * written, the staging region in which small batches are gathered for one write, the buffer that recovery
 * walks in, the buffers of index entries. Everything is used within one call, never across.
 *
 * One per thread that runs logs.
 */

import type { Clock } from '../base/clock.ts';
import { WRITE_DESCRIPTORS_MAX } from '../base/limits.ts';
import { DescriptorCache } from '../io/descriptor-cache.ts';
import type { FileSystem } from '../io/file-system.ts';
import { Appender } from './appender.ts';
import { type DeletionSink, UnlinkAtOnce } from './deletions.ts';
import type { Journal } from './journal.ts';
import { type KafkaCheckpoints, readKafkaCheckpoints } from './kafka-checkpoints.ts';
import { PendingPool } from './segment-index.ts';
import { WalkBuffer } from './segment-walk.ts';

export interface LogResourcesOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** Files kept open for writing: beyond it one is closed for each that is opened, some three microseconds. */
  readonly descriptorsMax?: number;
  /** Takes files that are out of use. Default: they are unlinked at once. */
  readonly deletions?: DeletionSink;
  /** Where durable appends of several logs go together; null: each log's files are synced. */
  readonly journal?: Journal | null;
  /** Default: false, everything is done on the thread of the logs. */
  readonly postpones?: boolean;
}

export class LogResources {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly descriptors: DescriptorCache;
  readonly deletions: DeletionSink;
  readonly journal: Journal | null;
  readonly appender = new Appender();
  readonly walkBuffer = new WalkBuffer();
  readonly pendingPool = new PendingPool();
  /** Appends leave to others what takes long before a batch is stored: appender.ts. */
  postpones: boolean;
  /** Batches that the appends of this pass still prepare here, if they are small. */
  preparedHereLeft = 0;
  /** The last `partition.metadata` that was written, and the topic id in it: the topic's other partitions link to it. */
  topicIdFile: { readonly topicId: string; readonly path: string } | null = null;
  #checkpointsOf = '';
  #checkpoints: KafkaCheckpoints | null = null;

  constructor(options: LogResourcesOptions) {
    this.fs = options.fs;
    this.clock = options.clock;
    this.descriptors = new DescriptorCache(
      options.fs,
      options.descriptorsMax ?? WRITE_DESCRIPTORS_MAX,
    );
    this.deletions = options.deletions ?? new UnlinkAtOnce(options.fs);
    this.journal = options.journal ?? null;
    this.postpones = options.postpones ?? false;
  }

  /** What a Kafka left in the data directory; read once. */
  kafkaCheckpoints(dataDirectory: string): KafkaCheckpoints | null {
    if (this.#checkpointsOf !== dataDirectory) {
      this.#checkpointsOf = dataDirectory;
      this.#checkpoints = readKafkaCheckpoints(this.fs, dataDirectory);
    }
    return this.#checkpoints;
  }

  /** Closes all descriptors; the logs must be closed before. */
  close(): void {
    this.descriptors.closeAll();
  }
}

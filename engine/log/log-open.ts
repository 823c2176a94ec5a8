/**
 * Opens a partition log: makes its directory when it is missing, puts it in order, recovers what it holds.
 *
 * A new partition is a directory with `partition.metadata`; its first `.log` is made by the first append, because
 * a broker may create thousands of partitions that stay empty for long. Crash between the two files: an empty
 * directory opens like a new one.
 *
 * The log's thread.
 */

import type { Clock } from '../base/clock.ts';
import { isMillraceError, MillraceError } from '../base/errors.ts';
import { uuidFromBytes } from '../base/uuid.ts';
import {
  formatPartitionMetadata,
  PARTITION_METADATA_FILE,
  parsePartitionMetadata,
} from '../format/partition-metadata.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';
import { Cursor } from './cursor.ts';
import type { LogConfig } from './log-config.ts';
import { recoverLog } from './log-recovery.ts';
import { LogResources } from './log-resources.ts';
import { type LogHooks, LogState, type PublishHooks } from './log-state.ts';
import { tidyDirectory } from './log-tidy.ts';
import type { Manifest, ManifestEntry } from './manifest.ts';
import { type Inventory, takeInventory } from './segment-files.ts';

export interface PartitionLogOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** Absolute path of the partition's directory; made when missing. */
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
  /** 16 bytes; null when unknown. A directory of another topic id is refused. */
  readonly topicId: Uint8Array | null;
  readonly config: LogConfig;
  readonly cursor: Float64Array;
  readonly leaderEpoch: number;
  /** What all logs of a thread share; made for this log alone when missing. */
  readonly resources?: LogResources;
  /** Where to continue: from `Manifest.take`. Without it the directory is read. */
  readonly hint?: ManifestEntry | null;
  /** Told of what the next start needs to know. */
  readonly manifest?: Manifest | null;
  /** How to look at the tail behind the recovery point: `headers` when only the process, not the system, died. */
  readonly verifyTail?: 'crc' | 'headers';
  /** True (default): the high watermark follows the log end offset; false: replication moves it. */
  readonly autoAdvance?: boolean;
  /** True: flush.messages is left to the caller, who asks `needsSync` and calls `syncPending`. */
  readonly deferSync?: boolean;
  readonly publish?: PublishHooks;
  readonly onGenerationChange?: () => void;
  readonly onTruncate?: () => void;
  /** The log takes no more appends: a write or a flush failed in a way that leaves its bytes in doubt. */
  readonly onOffline?: (cause: unknown) => void;
  /** One line for the operator. */
  readonly log?: (line: string) => void;
}

const nothing = (): void => {};
const noHooks: LogHooks = {
  publish: { begin: nothing, end: nothing },
  onGenerationChange: nothing,
  onTruncate: nothing,
  onOffline: nothing,
  log: nothing,
};

/** Opens or creates. Throws FileError, or MillraceError 'topic-id' when the directory is another topic's. */
export function openLog(options: PartitionLogOptions): LogState {
  const { fs, clock, directory, cursor } = options;
  const resources = options.resources ?? new LogResources({ fs, clock });
  const topicId = options.topicId === null ? null : uuidFromBytes(options.topicId);
  const inventory = prepareDirectory(resources, directory);
  const hint = usableHint(options.hint ?? null, topicId);
  const log = new LogState(
    {
      topic: options.topic,
      partition: options.partition,
      directory,
      topicId: checkTopicId(resources, { directory, topicId, inventory, hint }),
      cursor,
      autoAdvance: options.autoAdvance ?? true,
      deferSync: options.deferSync ?? false,
    },
    {
      resources,
      manifest: options.manifest ?? null,
      hooks: hooksOf(options),
      config: options.config,
      leaderEpoch: options.leaderEpoch,
      activeBaseOffset: inventory.segments.at(-1) ?? 0,
      isNew: inventory.segments.length === 0,
    },
  );
  const isSameBoot = hint?.isSameBoot ?? false;
  const isUnknown = hint === null && inventory.segments.length > 0;
  recoverLog(log, inventory, {
    hint,
    ...(isUnknown ? checkpointsOf(resources, log) : noCheckpoints),
    verifyTail: isSameBoot ? (options.verifyTail ?? 'headers') : 'crc',
  });
  // No leader is older than what its log holds already: epochs never go back along a log.
  log.leaderEpoch = Math.max(options.leaderEpoch, log.epochs.latest);
  const startOffset = cursor[Cursor.LOG_START_OFFSET]!;
  const endOffset = cursor[Cursor.LOG_END_OFFSET]!;
  // What replication had committed is not known here: it will say so.
  const highWatermark = log.identity.autoAdvance ? endOffset : startOffset;
  cursor[Cursor.HIGH_WATERMARK] = highWatermark;
  cursor[Cursor.LAST_STABLE_OFFSET] = log.lastStableOffset(highWatermark);
  cursor[Cursor.APPENDED_COUNT] = 0;
  cursor[Cursor.DIRECT_BYTES] = 0;
  cursor[Cursor.DIRECT_START_MAX] = -1;
  cursor[Cursor.FLUSHED_AT_MS] = clock.now();
  log.hooks.onGenerationChange();
  log.note();
  return log;
}

const noCheckpoints = { recoveryPoint: undefined, logStartOffset: undefined };

/** What a Kafka that wrote the directory knew of the log. One that it did not list was never flushed. */
function checkpointsOf(
  resources: LogResources,
  log: LogState,
): { recoveryPoint: number | undefined; logStartOffset: number | undefined } {
  const checkpoints = resources.kafkaCheckpoints(dirname(log.directory));
  if (checkpoints === null) return noCheckpoints;
  return {
    recoveryPoint: checkpoints.recoveryPoints.get(log.name) ?? 0,
    logStartOffset: checkpoints.startOffsets.get(log.name),
  };
}

function dirname(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function prepareDirectory(resources: LogResources, directory: string): Inventory {
  const { fs } = resources;
  if (!fs.exists(directory)) {
    fs.mkdir(directory);
    return takeInventory([]);
  }
  return tidyDirectory(resources, directory, fs.readdir(directory));
}

/** A hint of another topic that had the same name says nothing about this one. */
function usableHint(hint: ManifestEntry | null, topicId: string | null): ManifestEntry | null {
  if (hint === null || topicId === null || hint.topicId === null) return hint;
  return hint.topicId === topicId ? hint : null;
}

/** The directory's topic id; written into it when it has none. */
function checkTopicId(
  resources: LogResources,
  partition: {
    directory: string;
    topicId: string | null;
    inventory: Inventory;
    hint: ManifestEntry | null;
  },
): string | null {
  const { directory, topicId, inventory, hint } = partition;
  const path = `${directory}/${PARTITION_METADATA_FILE}`;
  if (topicId !== null && hint !== null && hint.topicId === topicId) return topicId;
  if (!inventory.hasMetadata) {
    if (topicId !== null) writeTopicId(resources, path, topicId);
    return topicId;
  }
  const found = readTopicId(resources.fs, path);
  if (found === null) {
    if (topicId !== null) writeTopicId(resources, path, topicId);
    return topicId;
  }
  if (topicId === null || topicId === found) return found;
  throw new MillraceError(
    'topic-id',
    `${directory} belongs to topic id ${found}, not to ${topicId}`,
    { directory, found, expected: topicId },
  );
}

/**
 * The file is the same for all partitions of a topic, so they share one under many names where they can: a name costs a
 * tenth of a new file, and a third of all files of a new topic are these. Nobody writes into such a file; who replaces one does
 * so under a name of its own, and the others keep theirs.
 */
function writeTopicId(resources: LogResources, path: string, topicId: string): void {
  const { fs, topicIdFile } = resources;
  if (topicIdFile?.topicId === topicId && isLinked(fs, topicIdFile.path, path)) return;
  fs.writeFileAtomic(path, Buffer.from(formatPartitionMetadata(topicId), 'latin1'), false);
  resources.topicIdFile = { topicId, path };
}

/** False: the other file is gone, has no room for another name, or a damaged one is in the way. */
function isLinked(fs: FileSystem, from: string, to: string): boolean {
  try {
    fs.link(from, to);
    return true;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return false;
  }
}

/** Null when the file says nothing: it was not synced, and a power failure may have left it empty. */
function readTopicId(fs: FileSystem, path: string): string | null {
  try {
    return parsePartitionMetadata(fs.readFile(path).toString('latin1'));
  } catch (error) {
    if (isMillraceError(error, 'corrupt')) return null;
    throw error;
  }
}

function hooksOf(options: PartitionLogOptions): LogHooks {
  const { publish, onGenerationChange, onTruncate, onOffline, log } = options;
  return {
    publish: publish ?? noHooks.publish,
    onGenerationChange: onGenerationChange ?? nothing,
    onTruncate: onTruncate ?? nothing,
    onOffline: onOffline ?? nothing,
    log: log ?? nothing,
  };
}

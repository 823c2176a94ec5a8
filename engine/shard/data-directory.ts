/**
 * What lies in a data directory beside the logs themselves: names of partition directories, of the shards' manifests and
 * journals, of what a deletion left. On the opening thread.
 */

import { messageOf } from '../base/errors.ts';
import { PARTITION_METADATA_FILE, parsePartitionMetadata } from '../format/partition-metadata.ts';
import { type FileSystem, isFileError } from '../io/file-system.ts';
import type { DiscoveredPartition } from './engine-api.ts';

/** Ends the name of a directory whose partition is deleted (Kafka's LogManager uses the same). */
const DELETED_SUFFIX = '-delete';

/** Of one name, in the usual file systems. */
const NAME_BYTES_MAX = 255;
const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id';

export function partitionDirectory(dataDir: string, topic: string, partition: number): string {
  return `${dataDir}/${topic}-${partition}`;
}

/** Where a deleted partition's directory goes; a long name is cut, for `unique` must fit as well (as Kafka does). */
export function deletedDirectory(directory: string, unique: string): string {
  const suffix = `.${unique}${DELETED_SUFFIX}`;
  const nameAt = directory.lastIndexOf('/') + 1;
  return directory.slice(0, nameAt + NAME_BYTES_MAX - suffix.length) + suffix;
}

export function manifestPath(dataDir: string, shard: number, shards: number): string {
  return `${dataDir}/shard-${shard}-of-${shards}.manifest`;
}

export function journalPath(dataDir: string, shard: number, shards: number): string {
  return `${dataDir}/shard-${shard}-of-${shards}.journal`;
}

export interface DataDirectoryContents {
  readonly partitions: DiscoveredPartition[];
  /** Directories whose deletion did not come to its end. */
  readonly deleted: string[];
  /** Manifests of an engine with another number of shards. */
  readonly foreignManifests: string[];
  /** Journals that were not removed by a clean stop, whatever the number of shards was. */
  readonly journals: string[];
}

export function readDataDirectory(
  fs: FileSystem,
  dataDir: string,
  shards: number,
  log: (line: string) => void,
): DataDirectoryContents {
  const partitions: DiscoveredPartition[] = [];
  const deleted: string[] = [];
  const foreignManifests: string[] = [];
  const journals: string[] = [];
  for (const name of fs.readdir(dataDir)) {
    const path = `${dataDir}/${name}`;
    const manifest = /^shard-\d+-of-(\d+)\.manifest$/.exec(name);
    if (manifest !== null) {
      if (Number(manifest[1]) !== shards) foreignManifests.push(path);
      continue;
    }
    if (/^shard-\d+-of-\d+\.journal$/.test(name)) {
      journals.push(path);
      continue;
    }
    if (name.endsWith(DELETED_SUFFIX)) {
      deleted.push(path);
      continue;
    }
    const match = /^([a-zA-Z0-9._-]{1,249})-(\d{1,10})$/.exec(name);
    if (match === null) continue;
    const topicId = readTopicId(fs, path, log);
    if (topicId === undefined) continue;
    partitions.push({ topic: match[1]!, partition: Number(match[2]), topicId, directory: path });
  }
  return { partitions, deleted, foreignManifests, journals };
}

/** Changes when the machine starts anew; null where the system does not tell. */
export function readBootId(fs: FileSystem): string | null {
  try {
    return fs.readFile(BOOT_ID_PATH).toString('latin1').trim();
  } catch (error) {
    if (!isFileError(error)) throw error;
    return null;
  }
}

/** Null: the directory has no topic id. Undefined: it is not a directory. */
function readTopicId(
  fs: FileSystem,
  path: string,
  log: (line: string) => void,
): string | null | undefined {
  try {
    return parsePartitionMetadata(fs.readFile(`${path}/${PARTITION_METADATA_FILE}`).toString());
  } catch (error) {
    if (isFileError(error, 'not-directory')) return undefined;
    if (!isFileError(error, 'not-found')) log(`${path}: ${messageOf(error)}`);
    return null;
  }
}

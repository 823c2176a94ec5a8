/**
 * What a real Kafka left in a data directory about its partitions: recovery points and log start offsets, in two
 * small text files (OffsetCheckpointFile). Only needed the first time such a directory is opened here; from then on
 * the manifest knows.
 *
 *   0                       version
 *   2                       count
 *   orders 0 4711           topic, partition, offset
 *   orders 1 4712
 *
 * The mark of Kafka's clean shutdown is taken away, as Kafka does when it starts: should it open the directory again
 * after a crash of this process, it must not believe that nothing happened since.
 */

import type { FileSystem } from '../io/file-system.ts';

const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint';
const START_OFFSET_FILE = 'log-start-offset-checkpoint';
const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';

export interface KafkaCheckpoints {
  /** By name of the partition's directory. */
  readonly recoveryPoints: ReadonlyMap<string, number>;
  readonly startOffsets: ReadonlyMap<string, number>;
}

/** The checkpoints in a data directory; null when no Kafka was there. Throws FileError. */
export function readKafkaCheckpoints(
  fs: FileSystem,
  dataDirectory: string,
): KafkaCheckpoints | null {
  const recoveryPath = `${dataDirectory}/${RECOVERY_POINT_FILE}`;
  if (!fs.exists(recoveryPath)) return null;
  const cleanPath = `${dataDirectory}/${CLEAN_SHUTDOWN_FILE}`;
  if (fs.exists(cleanPath)) fs.unlink(cleanPath);
  const startPath = `${dataDirectory}/${START_OFFSET_FILE}`;
  return {
    recoveryPoints: parseCheckpoint(fs.readFile(recoveryPath).toString('utf8')),
    startOffsets: fs.exists(startPath)
      ? parseCheckpoint(fs.readFile(startPath).toString('utf8'))
      : new Map(),
  };
}

/** Lines that are none are skipped: without a recovery point the whole partition is looked at. */
export function parseCheckpoint(text: string): Map<string, number> {
  const offsets = new Map<string, number>();
  for (const line of text.split('\n').slice(2)) {
    const match = /^(\S+) (\d+) (\d+)\s*$/.exec(line);
    if (match) offsets.set(`${match[1]}-${match[2]}`, Number(match[3]));
  }
  return offsets;
}

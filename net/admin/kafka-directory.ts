/**
 * Finds the files of Kafka's metadata log in a data directory that Kafka has written. Main thread, once, at the first
 * start on such a directory.
 */
import { join } from 'node:path';
import { type KraftMetadata, readKraftMetadata } from '../../cluster/kraft-metadata.ts';
import { realFileSystem } from '../../engine/io/real-file-system.ts';

const METADATA_DIRECTORY = '__cluster_metadata-0';
/** `<end offset>-<epoch>.checkpoint` */
const SNAPSHOT = /^(\d{20})-\d{10}\.checkpoint$/;
const SEGMENT = /^\d{20}\.log$/;

/** What Kafka's metadata log in this data directory says; undefined when there is none. */
export function readKafkaMetadata(dataDir: string): KraftMetadata | undefined {
  const directory = join(dataDir, METADATA_DIRECTORY);
  if (!realFileSystem.exists(directory)) return undefined;
  const names = realFileSystem.readdir(directory).sort();
  const read = (name: string): Uint8Array => realFileSystem.readFile(join(directory, name));
  const newest = names.filter((name) => SNAPSHOT.test(name)).at(-1);
  return readKraftMetadata({
    snapshot:
      newest === undefined
        ? null
        : { endOffset: Number(SNAPSHOT.exec(newest)![1]), bytes: read(newest) },
    segments: names.filter((name) => SEGMENT.test(name)).map(read),
  });
}

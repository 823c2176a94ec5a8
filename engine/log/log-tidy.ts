/**
 * Puts a partition directory in order before its log is opened: what a crash left between two file operations.
 * Files that were on their way out go (`.deleted`, `.tmp`, Kafka's half-written `.cleaned`), index files without
 * their `.log` go, and a compaction of Kafka's that had got as far as `.swap` is finished (LogLoader).
 *
 * The log's thread, while it is opened.
 */

import { batchLastOffset } from '../format/batch.ts';
import {
  baseOffsetOfFileName,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../format/index-layout.ts';
import type { FileSystem } from '../io/file-system.ts';
import type { LogResources } from './log-resources.ts';
import { type Inventory, nameBehindSwap, segmentPath, takeInventory } from './segment-files.ts';
import { walkSegment } from './segment-walk.ts';

const DERIVED_SUFFIXES = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX];

/** Tidies the directory whose listing is `names`; returns what is in it then. Throws FileError. */
export function tidyDirectory(
  resources: LogResources,
  directory: string,
  names: readonly string[],
): Inventory {
  const { fs } = resources;
  let inventory = takeInventory(names);
  for (const name of inventory.leftovers) fs.unlink(`${directory}/${name}`);
  if (inventory.swaps.length > 0) {
    finishSwaps(resources, directory, inventory);
    inventory = takeInventory(fs.readdir(directory));
  }
  unlinkOrphans(fs, directory, inventory);
  return inventory;
}

function unlinkOrphans(fs: FileSystem, directory: string, inventory: Inventory): void {
  const { segments, names } = inventory;
  if (names.size <= segments.length) return;
  const bases = new Set(segments);
  for (const name of names) {
    for (const suffix of DERIVED_SUFFIXES) {
      const baseOffset = baseOffsetOfFileName(name, suffix);
      if (baseOffset >= 0 && !bases.has(baseOffset)) fs.unlink(`${directory}/${name}`);
    }
  }
}

/**
 * A `.swap` segment is whole and replaces every segment that begins within its offsets. A `.cleaned` file beside
 * it says that not all of its kind had got so far: then none counts, the segments to be replaced are still there.
 */
function finishSwaps(resources: LogResources, directory: string, inventory: Inventory): void {
  const { fs } = resources;
  const isHalfDone = inventory.leftovers.some((name) => name.endsWith('.cleaned'));
  for (const name of inventory.swaps) {
    const path = `${directory}/${name}`;
    const baseOffset = baseOffsetOfFileName(nameBehindSwap(name), LOG_SUFFIX);
    if (isHalfDone) {
      fs.unlink(path);
      continue;
    }
    if (baseOffset >= 0) {
      const lastOffset = lastOffsetOf(resources, path);
      for (const replaced of inventory.segments) {
        if (replaced < baseOffset || replaced > lastOffset) continue;
        for (const suffix of [LOG_SUFFIX, ...DERIVED_SUFFIXES]) {
          const old = segmentPath(directory, replaced, suffix);
          if (fs.exists(old)) fs.unlink(old);
        }
      }
    }
    fs.rename(path, nameBehindSwap(path));
  }
}

function lastOffsetOf(resources: LogResources, path: string): number {
  const { fs, walkBuffer } = resources;
  const fd = fs.open(path, 'read');
  let lastOffset = -1;
  try {
    const range = { fs, fd, buffer: walkBuffer, from: 0, to: fs.size(fd), checkCrc: false };
    walkSegment(range, (view, at) => {
      lastOffset = batchLastOffset(view, at);
      return true;
    });
  } finally {
    fs.close(fd);
  }
  return lastOffset;
}

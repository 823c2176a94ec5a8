/** The size of the volume that a path lies on. */
import { statfsSync } from 'node:fs';

/** All its bytes, and those this process may still use. -1 each where the system does not tell. */
export function volumeOf(path: string): { totalBytes: number; usableBytes: number } {
  try {
    const { blocks, bavail, bsize } = statfsSync(path);
    return { totalBytes: blocks * bsize, usableBytes: bavail * bsize };
  } catch {
    return { totalBytes: -1, usableBytes: -1 };
  }
}

/** Which Millrace this is, read from the package it lies in. */

import { readFileSync } from 'node:fs';

/** The version of the package. */
export function packageVersion(): string {
  // Two levels up from the build (dist/cli), one from a checkout (cli).
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8');
      const { name, version } = JSON.parse(text) as { name?: string; version?: string };
      if (name === 'millrace' && version !== undefined) return version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return 'of unknown version';
}

/** What `millrace version` prints. */
export function versionText(): string {
  return `millrace ${packageVersion()} (Node.js ${process.version}, ${process.platform} ${process.arch})`;
}

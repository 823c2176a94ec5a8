/**
 * `npm run bench [-- name...]`: the kernel benches of bench/kernels, one question a file. A file
 * registers its benches with mitata when it is imported; this runs what was registered. Names
 * choose files by a part of their name; `--list` shows them.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'mitata';
import { root } from './toolchain.ts';

const directory = join(root, 'bench', 'kernels');
const suffix = '.bench.ts';

const all = readdirSync(directory)
  .filter((name) => name.endsWith(suffix))
  .sort();
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const chosen = all.filter(
  (name) =>
    asked.length === 0 || asked.some((part) => name.slice(0, -suffix.length).includes(part)),
);

if (process.argv.includes('--list')) {
  for (const name of chosen) console.log(name.slice(0, -suffix.length));
} else if (chosen.length === 0) {
  console.error(
    `no bench is called ${asked.join(' or ')}; there are ${all.map((name) => name.slice(0, -suffix.length)).join(', ')}`,
  );
  process.exitCode = 2;
} else {
  for (const name of chosen) await import(join(directory, name));
  await run();
}

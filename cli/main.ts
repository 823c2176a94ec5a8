/**
 * The `millrace` command's entry. It loads only what the named command needs: `millrace start` must be serving
 * before a person has lifted the finger, and every module costs about a millisecond. The compile cache is on
 * already when `bin.mjs` started this file; here it is for `node cli/main.ts`.
 *
 * Main thread. Exit codes: 0 done, 1 failed, 2 wrong use or a wrong setting, 130 interrupted.
 */

import { enableCompileCache } from 'node:module';

enableCompileCache();
const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V' || args[0] === 'version')) {
  const { versionText } = await import('./version.ts');
  process.stdout.write(`${versionText()}\n`);
} else {
  const { runCommandLine } = await import('./command-line.ts');
  await runCommandLine(args);
}

/**
 * The package as a user gets it: `npm pack`, installed into an empty folder, the broker started
 * from there, lines produced and consumed through its command, the module entries imported, and a
 * clean stop. What works only inside the checkout fails here.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerProcess } from '../broker-process.ts';
import { Checks, holds, run, same } from '../interop/checks.ts';
import { checksum, joined, keyedLines } from '../interop/sample-text.ts';

const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..');
const checks = new Checks('packed');
const folder = mkdtempSync(join(tmpdir(), 'millrace-packed-'));
const command = join(folder, 'node_modules', '.bin', 'millrace');

const embedded = `
import { startBroker } from 'millrace';
import * as engine from 'millrace/engine';
import * as client from 'millrace/client';
if (typeof engine.openEngine !== 'function') throw new Error('millrace/engine has no openEngine');
if (Object.keys(client).length === 0) throw new Error('millrace/client is empty');
await using broker = await startBroker({ storage: 'memory', listeners: [{ host: '127.0.0.1', port: 0 }] });
if (!(broker.port > 0)) throw new Error('no port');
console.log('listening');
`;

try {
  await checks.check(
    'npm pack makes a tarball with the build, the command and the documents',
    async () => {
      await run('npm', ['pack', '--pack-destination', folder], { cwd: root, timeoutMs: 180_000 });
      const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
      holds(tarball !== undefined, 'npm pack left no tarball');
      const { stdout } = await run('tar', ['tzf', join(folder, tarball)]);
      const files = stdout.toString().split('\n');
      for (const file of [
        'dist/index.js',
        'dist/index.d.ts',
        'cli/bin.mjs',
        'README.md',
        'LICENSE',
      ]) {
        holds(files.includes(`package/${file}`), `${file} is not in the tarball`);
      }
      const stray = files.filter((name) =>
        /\.test\.(js|d\.ts)$|(?<!\.d)\.ts$|\/bench\/|\/fuzz\//.test(name),
      );
      same(stray, [], 'files that have no place in the tarball');
      return `${files.length - 1} files`;
    },
  );

  await checks.check('it installs into an empty folder', async () => {
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    await run('npm', ['install', '--no-audit', '--no-fund', `./${tarball}`], {
      cwd: folder,
      timeoutMs: 180_000,
    });
  });

  await checks.check('its command tells its version', async () => {
    const { stdout } = await run(command, ['--version'], { cwd: folder });
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    holds(stdout.toString().includes(version), stdout.toString());
  });

  await checks.check(
    'a broker starts from it, takes lines, gives them back and stops cleanly',
    async () => {
      const entry = join(folder, 'node_modules', 'millrace', 'cli', 'bin.mjs');
      const broker = await BrokerProcess.start({ entry });
      try {
        const lines = keyedLines(5000, 7);
        const common = ['--broker', broker.address];
        await run(command, ['topic', 'create', 'packed', '--partitions', '1', ...common], {
          cwd: folder,
        });
        await run(command, ['produce', 'packed', '--key-separator', ':', ...common], {
          cwd: folder,
          input: joined(lines),
        });
        const { stdout } = await run(
          command,
          ['consume', 'packed', '--format', '%k:%s\\n', ...common],
          { cwd: folder },
        );
        same(checksum(stdout), checksum(joined(lines)), 'checksum of the lines');
      } finally {
        same(await broker.stop(), 0, `exit code (${broker.output.slice(-300)})`);
      }
    },
  );

  await checks.check('its modules import, and a broker runs inside a program', async () => {
    writeFileSync(join(folder, 'embedded.js'), embedded);
    const { stdout } = await run(process.execPath, ['embedded.js'], {
      cwd: folder,
      timeoutMs: 30_000,
    });
    same(stdout.toString(), 'listening\n', 'output');
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = checks.end();

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('bench: the throughput of the engine alone is measured and printed', async () => {
  const program = join(import.meta.dirname, 'engine-throughput.ts');
  const options = ['--mb', '2', '--batch-kb', '4', '--partitions', '2', '--in-flight', '4'];
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...options]);
  expect(stdout).toMatch(/\d+ MB\/s, .* CPU-s\/GB/);
  expect(stdout).toMatch(/wake-ups of shards/);
});

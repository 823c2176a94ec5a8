import { expect, test } from 'vitest';
import { workerEntry } from './worker-entry.ts';

test('worker entry: has the extension of the module that asks', () => {
  expect(workerEntry('./shard-thread', 'file:///a/engine/shard/x.ts').href).toBe(
    'file:///a/engine/shard/shard-thread.ts',
  );
  expect(workerEntry('./shard-thread', 'file:///a/dist/engine/shard/x.js').href).toBe(
    'file:///a/dist/engine/shard/shard-thread.js',
  );
});

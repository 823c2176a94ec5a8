/** Several logs with flush.messages=1 at once: helper threads sync them together, and every answer comes after its sync. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JOURNAL_LOG_BYTES_MAX } from '../../engine/base/limits.ts';
import { buildBatch } from '../../engine/format/batch-builder.ts';
import { defaultLogConfig, Marks, openEngine } from '../../engine/index.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-sync-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test('sync pool: what is answered is below the recovery point, in every partition and every round', async () => {
  const engine = await openEngine({ dataDir, shards: 1 });
  const config = { ...defaultLogConfig, flushMessages: 1 };
  const specs = Array.from({ length: 12 }, (_, partition) => {
    return { topic: 'safe', partition, topicId: null, leaderEpoch: 0, config };
  });
  const refs = await engine.openPartitions(specs);
  const marks = new Marks();
  // Too large for the journal.
  const value = Buffer.alloc(JOURNAL_LOG_BYTES_MAX);
  const batch = buildBatch({ records: [{ value, timestamp: 1 }] });
  for (let round = 0; round < 30; round++) {
    const appends = refs.map(async ({ slot }) => {
      const { errorCode, baseOffset } = await engine.client.append(slot, batch);
      expect([errorCode, baseOffset]).toEqual([0, round]);
      engine.client.marks(slot, marks);
      expect(marks.recoveryPoint).toBeGreaterThan(baseOffset);
      expect(marks.highWatermark).toBeGreaterThan(baseOffset);
    });
    await Promise.all(appends);
  }
  await engine.close();
});

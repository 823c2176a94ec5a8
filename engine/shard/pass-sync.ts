/**
 * Brings the logs of a pass to the disk that must be there before their appends are answered (flush.messages): several at
 * once in the shard's journal, with one sync; those that the journal does not take by syncing their files, a few at a time.
 *
 * On the shard's thread, under its lock. A log that still asks for a sync afterwards is left to the caller.
 */

import { isFileError } from '../io/file-system.ts';
import type { Journal } from '../log/journal.ts';
import type { FlushWork, PartitionLog } from '../log/partition-log.ts';
import { SYNC_JOBS_MAX, type SyncPool } from './sync-pool.ts';

/** Below this many logs their own syncs cost less than the bytes written twice. */
const JOURNAL_LOGS_MIN = 2;

/** Below this many logs to sync, waking helpers costs more than they save. */
const SYNC_TOGETHER_MIN = 3;

/** One log may be named several times. */
export function syncLogs(
  logs: readonly PartitionLog[],
  journal: Journal | null,
  pool: SyncPool | null,
): void {
  if (journal !== null && logs.length >= JOURNAL_LOGS_MIN) {
    for (const log of logs) log.toJournal();
    journal.commit();
  }
  if (pool === null) return;
  const rest = logs.filter((log) => log.needsSync);
  if (rest.length < SYNC_TOGETHER_MIN) return;
  for (let from = 0; from < rest.length; from += SYNC_JOBS_MAX) {
    syncTogether(rest.slice(from, from + SYNC_JOBS_MAX), pool);
  }
}

/** Syncs the logs that need no more than their active file. */
function syncTogether(logs: readonly PartitionLog[], pool: SyncPool): void {
  const works = new Map<PartitionLog, FlushWork>();
  const fds: number[] = [];
  for (const log of logs) {
    const work = works.has(log) ? null : log.singleSync();
    if (work === null) continue;
    try {
      fds.push(log.activeFd);
    } catch (error) {
      // The caller's own try will meet it again, and say so.
      if (!isFileError(error)) throw error;
      continue;
    }
    works.set(log, work);
  }
  if (fds.length === 0) return;
  const failed = pool.sync(fds);
  let job = 0;
  for (const [log, work] of works) {
    if (failed[job++] === 0) log.concludeSync(work);
    else log.noteFlushFailed(new Error('fdatasync failed'));
  }
}

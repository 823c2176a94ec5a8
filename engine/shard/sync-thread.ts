/** The entry module of a helper thread that syncs files for a shard: see sync-pool.ts. */

import { workerData } from 'node:worker_threads';
import { realFileSystem } from '../io/real-file-system.ts';
import { helpSyncing } from './sync-pool.ts';

helpSyncing(workerData as SharedArrayBuffer, realFileSystem);

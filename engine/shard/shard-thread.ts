/**
 * The entry module of a shard thread: one shard over the real file system and clock. It never returns to the event loop
 * before the shard is closed; messages are taken from the port synchronously.
 */

import { type MessagePort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { SYNC_HELPERS } from '../base/limits.ts';
import { realFileSystem } from '../io/real-file-system.ts';
import { type FromShard, type ToShard, toPlainError } from './messages.ts';
import { ShardHost, type ShardSettings } from './shard-host.ts';
import { SyncPool } from './sync-pool.ts';
import { keepCompiledCode, workerEntry, workerEnvironment } from './worker-entry.ts';

const { settings, port } = workerData as { settings: ShardSettings; port: MessagePort };
const post = (message: FromShard): void => {
  port.postMessage(message, message.kind === 'prepareWanted' ? [message.order.batches] : []);
};

try {
  keepCompiledCode();
  const syncPool = new SyncPool(realFileSystem, {
    count: SYNC_HELPERS,
    start: (shared) => {
      const helper = new Worker(workerEntry('./sync-thread', import.meta.url), {
        name: `millrace sync ${settings.index}`,
        workerData: shared,
        env: workerEnvironment(),
        resourceLimits: { maxYoungGenerationSizeMb: 1 },
      });
      // It ends when this thread ends.
      helper.unref();
    },
  });
  const host = new ShardHost(settings, {
    fs: realFileSystem,
    clock: systemClock,
    syncPool,
    postpones: true,
    post,
  });
  host.run(() => (receiveMessageOnPort(port)?.message as ToShard | undefined) ?? null);
} catch (error) {
  // The opening thread ends the process: nothing after a broken invariant can be trusted.
  post({ kind: 'fatal', error: toPlainError(error) });
}

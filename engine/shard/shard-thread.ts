/**
 * The entry module of a shard thread: one shard over the real file system and clock. It never returns to the event loop
 * before the shard is closed; messages are taken from the port synchronously.
 */

import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { realFileSystem } from '../io/real-file-system.ts';
import { type FromShard, type ToShard, toPlainError } from './messages.ts';
import { ShardHost, type ShardSettings } from './shard-host.ts';
import { keepCompiledCode } from './worker-entry.ts';

const { settings, port } = workerData as { settings: ShardSettings; port: MessagePort };
const post = (message: FromShard): void => port.postMessage(message);

try {
  keepCompiledCode();
  const host = new ShardHost(settings, { fs: realFileSystem, clock: systemClock, post });
  host.run(() => (receiveMessageOnPort(port)?.message as ToShard | undefined) ?? null);
} catch (error) {
  // The opening thread ends the process: nothing after a broken invariant can be trusted.
  post({ kind: 'fatal', error: toPlainError(error) });
}

/** Starts the second thread of a concurrency test and waits for what it reports. */

import { type Transferable, Worker } from 'node:worker_threads';

export interface Peer {
  readonly worker: Worker;
  /** The thread has loaded its modules: until then it may need this thread's event loop. */
  readonly ready: Promise<void>;
  /** The message that the thread sends at its end. */
  readonly result: Promise<unknown>;
}

/** `entry` is a module beside this one; it posts 'ready' when it is loaded and, at its end, one message with its findings. */
export function startPeer(entry: string, data: unknown, transferList: Transferable[] = []): Peer {
  const worker = new Worker(new URL(entry, import.meta.url), {
    workerData: data,
    transferList,
    execArgv: [],
  });
  let onReady: () => void;
  const ready = new Promise<void>((resolve, reject) => {
    onReady = resolve;
    worker.once('error', reject);
  });
  const result = new Promise<unknown>((resolve, reject) => {
    worker.on('message', (message: unknown) => {
      if (message === 'ready') onReady();
      else resolve(message);
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`thread ended with ${code} before its report`)));
  });
  return { worker, ready, result };
}

/** Burns a random, short time: what a busy or descheduled thread would do between two steps. */
export function pause(random: () => number, stepsMax: number): number {
  const steps = Math.floor(random() ** 4 * stepsMax);
  let x = steps;
  for (let i = 0; i < steps; i++) x = (Math.imul(x, 31) + i) | 0;
  return x;
}

/**
 * `millrace start`: reads the settings, starts a broker, says where it is and how to try it, and stops it cleanly
 * when asked to.
 *
 * Main thread. What is for people goes to stdout once, the log to stderr.
 */

import { resolve } from 'node:path';
import { formatAddress, parseAddress } from '../client/address.ts';
import type { Broker } from '../net/broker.ts';
import { startBroker } from '../net/broker.ts';
import { loadSettings } from '../net/settings/broker-settings.ts';
import { createLog } from './log.ts';
import { packageVersion } from './version.ts';

export interface StartOptions {
  readonly dataDir?: string;
  readonly listen?: string;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly logFormat: string;
  readonly logLevel: string;
}

const DEFAULT_ADDRESS = '127.0.0.1:9092';
const DEFAULT_DATA_DIR = './data';
const EXIT_INTERRUPTED = 130;

export async function start(options: StartOptions): Promise<void> {
  const startedMs = performance.now();
  const log = await createLog(options.logFormat, options.logLevel);
  const settings = loadSettings({
    flags: options.set ?? [],
    env: process.env,
    ...(options.config === undefined ? {} : { file: options.config }),
  });
  const hasListeners = settings.isGiven('listeners');
  const hasDataDir = settings.isGiven('log.dirs') || settings.isGiven('log.dir');
  const listen = options.listen ?? (hasListeners ? undefined : DEFAULT_ADDRESS);
  const dataDir = options.dataDir ?? (hasDataDir ? undefined : DEFAULT_DATA_DIR);
  const stopping = stopSignals();
  const broker = await startBroker({
    settings,
    log,
    ...(dataDir === undefined ? {} : { dataDir: resolve(dataDir) }),
    ...(listen === undefined ? {} : { listeners: [parseAddress(listen)] }),
  });
  if (options.logFormat === 'plain')
    process.stdout.write(welcome(broker, performance.now() - startedMs));
  else log(`listening on ${addresses(broker).join(', ')}, data in ${broker.dataDir}`, 'info');
  const signal = await stopping;
  log(`${signal}: stopping`, 'info');
  await broker.close();
  log('stopped', 'info');
  // Whatever still holds the event loop must not hold the process: everything is on disk.
  process.exit(0);
}

/** Resolves with the first signal that asks to stop; a second one ends the process at once. */
function stopSignals(): Promise<string> {
  return new Promise((resolveSignal) => {
    let isStopping = false;
    const stop = (signal: string): void => {
      if (isStopping) process.exit(EXIT_INTERRUPTED);
      isStopping = true;
      resolveSignal(signal);
    };
    process.on('SIGINT', () => stop('interrupted'));
    process.on('SIGTERM', () => stop('terminated'));
  });
}

function welcome(broker: Broker, tookMs: number): string {
  const option = broker.address === DEFAULT_ADDRESS ? '' : ` --broker ${broker.address}`;
  return `Millrace ${packageVersion()} listens on ${addresses(broker).join(', ')} (up in ${Math.round(tookMs)} ms)
Data lies in ${broker.dataDir ?? 'memory only'}

Try it from another terminal:
  echo hello | npx millrace produce greetings${option}
  npx millrace consume greetings${option}
Kafka clients: bootstrap servers ${broker.address}. Ctrl-C stops the broker.
`;
}

function addresses(broker: Broker): string[] {
  return broker.listeners.map(formatAddress);
}

/**
 * `millrace start`: reads the settings, starts a broker, says where it is and how to try it, and stops it cleanly
 * when asked to.
 *
 * Main thread. What is for people goes to stdout once, the log to stderr.
 */

import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { formatAddress, parseAddress } from '../client/address.ts';
import type { Broker } from '../net/broker.ts';
import { startBroker } from '../net/broker.ts';
import { loadSettings } from '../net/settings/broker-settings.ts';
import { createLog } from './log.ts';
import { firstSignal } from './signals.ts';
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

export async function start(options: StartOptions): Promise<void> {
  const startedMs = performance.now();
  // Most of what a start allocates is garbage at its end, but the heap would have grown for it and stay so while nobody
  // uses the broker: until it is up, the collector is to prefer a small heap. 94 MB become 88.
  setFlagsFromString('--optimize-for-size');
  const log = await createLog(options.logFormat, options.logLevel);
  const settings = loadSettings({
    flags: options.set ?? [],
    env: settingsEnvironment(),
    ...(options.config === undefined ? {} : { file: options.config }),
  });
  const hasListeners = settings.isGiven('listeners');
  const hasDataDir = settings.isGiven('log.dirs') || settings.isGiven('log.dir');
  const listen = options.listen ?? (hasListeners ? undefined : DEFAULT_ADDRESS);
  const dataDir = options.dataDir ?? (hasDataDir ? undefined : DEFAULT_DATA_DIR);
  const stopping = firstSignal();
  const broker = await startBroker({
    settings,
    log,
    ...(dataDir === undefined ? {} : { dataDir: resolve(dataDir) }),
    ...(listen === undefined ? {} : { listeners: [parseAddress(listen)] }),
  });
  setFlagsFromString('--no-optimize-for-size');
  if (options.logFormat === 'plain')
    process.stdout.write(welcome(broker, performance.now() - startedMs));
  else log(`listening on ${addresses(broker).join(', ')}, data in ${broker.dataDir}`, 'info');
  const signal = await stopping;
  log(`${signal}: stopping; once more ends at once`, 'info');
  await broker.close();
  log('stopped', 'info');
}

/** The environment without the variables that are the command's own and not settings. */
function settingsEnvironment(): Record<string, string | undefined> {
  const { MILLRACE_BROKER: _broker, MILLRACE_DEBUG: _debug, ...rest } = process.env;
  return rest;
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

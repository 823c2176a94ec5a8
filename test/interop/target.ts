/**
 * The broker under a foreign-client script: a Millrace process of its own, a real Kafka (`--kafka`,
 * to see what the client does there), or one that runs already (`--bootstrap host:port`).
 */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPeer, peers, whyNoKafka, workDirectory } from '../../bench/toolchain.ts';
import { BrokerProcess, freePort } from '../broker-process.ts';

export interface Target {
  readonly name: 'millrace' | 'kafka' | 'given';
  readonly address: string;
  readonly port: number;
  /** The process, where it is ours. */
  readonly broker: BrokerProcess | null;
  close(): Promise<void>;
}

export interface TargetOptions {
  readonly name: 'millrace' | 'kafka';
  readonly settings?: Readonly<Record<string, string>>;
  /** Kept afterwards when given. */
  readonly dataDir?: string;
}

function kafkaScript(args: readonly string[]): string {
  const done = spawnSync(peers.kafkaScript, args, {
    encoding: 'utf8',
    env: { ...process.env, WORK: workDirectory },
  });
  if (done.status !== 0) throw new Error(`kafka.sh ${args[0]}: ${done.stderr || done.stdout}`);
  return done.stdout;
}

async function startKafka(options: TargetOptions): Promise<Target> {
  const reason = whyNoKafka({ mayFetch: true });
  if (reason !== null) throw new Error(reason);
  if (whyNoKafka({ mayFetch: false }) !== null) fetchPeer('kafka.sh');
  // Its controller takes the port above.
  const port = await freePort(2);
  const runDirectory = join(workDirectory, 'kafka', `run-${port}`);
  const stop = (): void => {
    kafkaScript(['stop', '--port', String(port)]);
    rmSync(runDirectory, { recursive: true, force: true });
  };
  process.once('exit', stop);
  const props = Object.entries(options.settings ?? {}).map(([name, value]) => `${name}=${value}`);
  kafkaScript([
    'start',
    '--port',
    String(port),
    ...(options.dataDir === undefined ? ['--fresh'] : ['--data', options.dataDir]),
    ...(props.length > 0 ? ['--props', ...props] : []),
  ]);
  return {
    name: 'kafka',
    address: `127.0.0.1:${port}`,
    port,
    broker: null,
    close: async () => {
      process.removeListener('exit', stop);
      stop();
    },
  };
}

export async function startTarget(options: TargetOptions): Promise<Target> {
  if (options.name === 'kafka') return startKafka(options);
  const broker = await BrokerProcess.start({
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
  });
  return {
    name: 'millrace',
    address: broker.address,
    port: broker.port,
    broker,
    close: async () => {
      await broker.stop();
    },
  };
}

/** What the command line asks for. */
export async function targetFromArguments(
  settings: Readonly<Record<string, string>> = {},
): Promise<Target> {
  const at = process.argv.indexOf('--bootstrap');
  if (at > 0) {
    const address = process.argv[at + 1] ?? '';
    return {
      name: 'given',
      address,
      port: Number(address.split(':').at(-1)),
      broker: null,
      close: async () => {},
    };
  }
  return startTarget({ name: process.argv.includes('--kafka') ? 'kafka' : 'millrace', settings });
}

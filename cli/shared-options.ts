/** Options that several commands have, and the client they lead to. */

import type { Command } from 'commander';
import type { Client } from '../client/client.ts';

export interface BrokerOption {
  readonly broker: string;
}

const DEFAULT_BROKER = '127.0.0.1:9092';

/** A broker that was started a moment ago may not listen yet; one that is not there should be said soon. */
const REACH_MS = 1000;

/** Adds `--broker`. */
export function withBroker(command: Command): Command {
  return command.option(
    '-b, --broker <host:port>',
    'broker to connect to, or several with commas',
    process.env.MILLRACE_BROKER || DEFAULT_BROKER,
  );
}

/** For options that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** Runs `work` with a client that is closed afterwards. */
export async function withClient<T>(
  options: BrokerOption & { readonly retryMs?: number },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { Client: ClientClass } = await import('../client/client.ts');
  const { isTransient } = await import('../client/client-error.ts');
  const client = new ClientClass({
    brokers: options.broker,
    clientId: 'millrace-cli',
    retryMs: options.retryMs ?? 5000,
  });
  try {
    await client.retry(() => client.anyConnection(), isTransient, REACH_MS);
    return await work(client);
  } finally {
    client.close();
  }
}

/**
 * The composition root of a broker: settings, data directory, engine, control plane, fronts, listeners. Starts what can
 * start side by side, and stops in the reverse order, so that nothing acknowledged is lost and nothing is left running.
 * Main thread.
 */
import type { BrokerSettings } from './settings/broker-settings.ts';

export interface BrokerOptions {
  /** Where data lies; default: the `log.dirs` setting. Created when missing, locked while the broker runs. */
  readonly dataDir?: string;
  /** `memory`: nothing touches the disk and everything vanishes with `close()`. Default `files`. */
  readonly storage?: 'files' | 'memory';
  /** Where to listen; port 0 takes a free one. Default: the `listeners` setting. */
  readonly listeners?: readonly { readonly host: string; readonly port: number }[];
  /** Kafka's names and values, or settings that were loaded before. */
  readonly settings?: Readonly<Record<string, string>> | BrokerSettings;
  /** Threads that serve sockets; 0: this thread does. Default: the setting `millrace.net.threads`. */
  readonly netThreads?: number;
  /** Threads that own partitions; 0: this thread does. Default: the setting `millrace.shard.threads`. */
  readonly shards?: number;
  /** Lines for the operator. Default: silent. */
  readonly log?: (line: string, level: 'debug' | 'info' | 'warn' | 'error') => void;
}

export interface Broker {
  /** The first listener as it is bound. */
  readonly host: string;
  readonly port: number;
  /** `host:port` of the first listener, for a client's bootstrap setting. */
  readonly address: string;
  /** All bound listeners. */
  readonly listeners: readonly {
    readonly name: string;
    readonly host: string;
    readonly port: number;
  }[];
  readonly clusterId: string;
  readonly nodeId: number;
  /** Null with `storage: 'memory'`. */
  readonly dataDir: string | null;
  /** Finishes what is in flight, flushes, closes the logs cleanly. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startBroker(_options: BrokerOptions = {}): Promise<Broker> {
  throw new Error('unreachable');
}

/**
 * The composition root of a broker: settings, data directory, engine, control plane, fronts, listeners. Starts what can
 * start side by side, and stops in the reverse order, so that nothing acknowledged is lost and nothing is left running.
 * Main thread.
 */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { MetadataImage } from '../cluster/metadata-image.ts';
import { MIB } from '../engine/base/limits.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type DirectoryLock, lockDirectory } from '../engine/io/directory-lock.ts';
import { openFilesLimit } from '../engine/io/real-file-system.ts';
import { Acceptor, type BoundListener } from './acceptor.ts';
import { type ControlPlane, openControlPlane } from './admin/control-plane.ts';
import type { Log } from './control-channel.ts';
import { type Endpoint, type FrontSettings, frontSettings } from './front/front-settings.ts';
import { type FrontHost, type FrontHostOptions, InlineFront, ThreadFront } from './front-host.ts';
import { BrokerSettings, loadSettings } from './settings/broker-settings.ts';
import type { ListenerSetting, SettingValues } from './settings/setting-values.ts';

export interface BrokerOptions {
  /** Where data lies; default: the `log.dirs` setting. Created when missing, locked while the broker runs. */
  readonly dataDir?: string;
  /** `memory`: everything vanishes with `close()`. Default `files`. */
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
  readonly log?: Log;
}

export interface Broker {
  /** The first listener as it is bound. */
  readonly host: string;
  readonly port: number;
  /** `host:port` of the first listener, for a client's bootstrap setting. */
  readonly address: string;
  /** All bound listeners. */
  readonly listeners: readonly BoundListener[];
  readonly clusterId: string;
  readonly nodeId: number;
  /** Null with `storage: 'memory'`. */
  readonly dataDir: string | null;
  /** Finishes what is in flight, flushes, closes the logs cleanly. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long requests in flight may take to be answered when the broker is closed. */
const CLOSE_GRACE_MS = 5_000;
/** Room in the largest slab region for what stands around the largest request. */
const GIANT_EXTRA_BYTES = MIB;

/** Files that are neither segments nor connections: listeners, metadata, modules while they are read, event loops. */
const OTHER_FILES = 64;
const OTHER_FILES_OF_A_THREAD = 16;
/** Connections get at least this share, where others do not need that much. */
const CONNECTIONS_SHARE_MIN = 1 / 8;
/** With fewer to come at most, the operator is told. */
const FEW_CONNECTIONS = 1000;

/** Starts a broker. Rejects with one clear line when a setting, the data directory or an address is wrong. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const log = options.log ?? (() => {});
  const settings =
    options.settings instanceof BrokerSettings
      ? options.settings
      : loadSettings(options.settings === undefined ? {} : { settings: options.settings });
  const broker = new RunningBroker(options, settings, log);
  try {
    await broker.start();
  } catch (error) {
    await broker.close().catch(() => {});
    throw error;
  }
  return broker;
}

class RunningBroker implements Broker {
  listeners: readonly BoundListener[] = [];
  clusterId = '';
  nodeId = -1;
  readonly dataDir: string | null;
  readonly #options: BrokerOptions;
  readonly #settings: BrokerSettings;
  readonly #log: Log;
  readonly #acceptor: Acceptor;
  #lock: DirectoryLock | null = null;
  #engine: Engine | null = null;
  #control: ControlPlane | null = null;
  #fronts: FrontHost[] = [];
  #closing: Promise<void> | null = null;

  constructor(options: BrokerOptions, settings: BrokerSettings, log: Log) {
    this.#options = options;
    this.#settings = settings;
    this.#log = log;
    this.dataDir =
      options.storage === 'memory' ? null : resolve(options.dataDir ?? settings.values.logDirs[0]!);
    this.#acceptor = new Acceptor(settings.values, log);
  }

  get host(): string {
    return this.listeners[0]!.host;
  }

  get port(): number {
    return this.listeners[0]!.port;
  }

  get address(): string {
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`;
  }

  async start(): Promise<void> {
    const { values } = this.#settings;
    if (this.dataDir !== null) this.#lock = lockDirectory(this.dataDir);
    const opening = this.#openEngine(values);
    const controlling = openControlPlane({
      dataDir: this.dataDir,
      engine: opening,
      settings: this.#settings,
      log: (line) => this.#log(line, 'info'),
    });
    const listening = this.#acceptor.listen(this.#listenersOf(values));
    // All are waited for, so that whatever did start is closed when another failed.
    const [engine, control, listeners] = await Promise.allSettled([
      opening,
      controlling,
      listening,
    ]);
    if (engine.status === 'fulfilled') this.#engine = engine.value;
    if (control.status === 'fulfilled') this.#control = control.value;
    if (listeners.status === 'fulfilled') this.listeners = listeners.value;
    for (const part of [engine, listeners, control]) {
      if (part.status === 'rejected') throw part.reason;
    }
    await this.#openFronts(this.#engine!, this.#control!);
  }

  #openEngine(values: SettingValues): Promise<Engine> {
    const shards = this.#options.shards ?? (values.shardThreads || undefined);
    return openEngine({
      dataDir: this.dataDir,
      clients: this.#netThreads(values),
      ...(shards === undefined ? {} : { shards }),
      ...(values.slabBytes === 0 ? {} : { slabBytes: values.slabBytes }),
      slabGiantBytes: values.socketRequestMaxBytes + GIANT_EXTRA_BYTES,
      keptFreeBytes: values.keptFreeBytes,
      retentionCheckIntervalMs: values.logRetentionCheckIntervalMs,
      // It speaks only of what should not be.
      log: (line) => this.#log(line, 'warn'),
    });
  }

  #netThreads(values: SettingValues): number {
    return (
      this.#options.netThreads ?? (values.netThreads || defaultNetThreads(availableParallelism()))
    );
  }

  #listenersOf(values: SettingValues): readonly ListenerSetting[] {
    const given = this.#options.listeners;
    if (given === undefined) return values.listeners;
    return given.map(({ host, port }, index) => ({
      name: index === 0 ? 'PLAINTEXT' : `PLAINTEXT_${index}`,
      host,
      port,
      securityProtocol: 'PLAINTEXT' as const,
    }));
  }

  async #openFronts(engine: Engine, control: ControlPlane): Promise<void> {
    const { values } = this.#settings;
    this.clusterId = control.clusterId;
    this.nodeId = control.nodeId;
    const threads = this.#netThreads(values);
    const endpoints = this.#endpoints(values);
    const settings = frontSettings(values, control.nodeId, threads, endpoints);
    const first = endpoints[this.listeners[0]!.name]!;
    await control.announce([{ id: control.nodeId, ...first, rack: values.brokerRack }]);
    this.#fronts = await this.#startFronts(threads, engine, control, settings);
    control.publish = async (delta) => {
      await Promise.all(this.#fronts.map((front) => front.publish(delta)));
    };
    control.onSettingsChanged = (changed) => {
      this.#acceptor.configure(changed);
      const next = frontSettings(changed, control.nodeId, threads, endpoints);
      for (const front of this.#fronts) front.configure(next);
    };
    this.#acceptor.open(this.#fronts, this.#connectionsMax(engine, threads));
  }

  /** What is left of the files that the process may have open. */
  #connectionsMax(engine: Engine, threads: number): number {
    const limit = openFilesLimit();
    const others = OTHER_FILES + OTHER_FILES_OF_A_THREAD * (threads + engine.shards);
    const connectionsMax = Math.max(
      Math.floor(limit * CONNECTIONS_SHARE_MIN),
      limit - engine.openFilesMax - others,
    );
    if (connectionsMax < FEW_CONNECTIONS) {
      this.#log(
        `${limit} files may be open (ulimit -n): at most ${connectionsMax} connections`,
        'warn',
      );
    }
    return connectionsMax;
  }

  async #startFronts(
    threads: number,
    engine: Engine,
    control: ControlPlane,
    settings: FrontSettings,
  ): Promise<FrontHost[]> {
    const image: MetadataImage = control.image;
    const options: FrontHostOptions = {
      engine,
      admin: control.admin,
      image,
      settings,
      log: this.#log,
      onGone: (address) => this.#acceptor.released(address),
      onFatal: (error) => {
        // A broken invariant in a net thread is one of the process: what is on disk is good, start anew.
        process.stderr.write(`millrace: a net thread failed: ${error.stack ?? error.message}\n`);
        process.exit(1);
      },
    };
    if (threads === 0) return [new InlineFront(options)];
    const fronts = Array.from({ length: threads }, () => new ThreadFront(options));
    await Promise.all(fronts.map((front) => front.ready));
    return fronts;
  }

  /** What clients of each listener are told to connect to. */
  #endpoints(values: SettingValues): Record<string, Endpoint> {
    const told: Record<string, Endpoint> = {};
    for (const { name, host, port } of this.listeners) {
      const isGiven = this.#options.listeners !== undefined;
      const advertised = isGiven
        ? undefined
        : values.advertisedListeners.find((listener) => listener.name === name);
      const asked = advertised?.host || host;
      const isAnyAddress = asked === '0.0.0.0' || asked === '::';
      told[name] = { host: isAnyAddress ? 'localhost' : asked, port: advertised?.port || port };
    }
    return told;
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stop(): Promise<void> {
    // The listeners close when their last connection is gone: the fronts see to that.
    const refusing = this.#acceptor.close();
    await Promise.all(this.#fronts.map((front) => front.close(CLOSE_GRACE_MS)));
    await refusing;
    await this.#engine?.close();
    await this.#control?.close();
    this.#lock?.release();
  }
}

/** Measured on two cores: a front on the main thread costs least; more cores carry one net thread for four. */
function defaultNetThreads(cores: number): number {
  return cores <= 2 ? 0 : Math.min(8, Math.ceil(cores / 4));
}

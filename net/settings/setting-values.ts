/**
 * The settings that the broker acts on, typed and in the units their names say. A plain object, so that it travels to
 * net threads as it is. Everything here comes out of a BrokerSettings; Kafka's priorities between settings of one
 * meaning (ms over minutes over hours) are already applied. Infinity stands for "never" and "without limit".
 */
import type { BrokerSettings } from './broker-settings.ts';
import { parseListeners } from './listeners.ts';
import { settingError } from './setting-error.ts';

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

/** One entry of `listeners` or `advertised.listeners`. */
export interface ListenerSetting {
  /** Upper case, unique: INTERNAL, PLAINTEXT, ... */
  readonly name: string;
  /** Empty: all interfaces. */
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: SecurityProtocol;
}

export interface SettingValues {
  /** node.id (or broker.id); -1: not set, the identity kept in the data directory decides. */
  readonly nodeId: number;
  readonly brokerRack: string | null;
  readonly listeners: readonly ListenerSetting[];
  /** What clients are told; empty: the listeners themselves. */
  readonly advertisedListeners: readonly ListenerSetting[];
  readonly logDirs: readonly string[];

  readonly autoCreateTopicsEnable: boolean;
  readonly deleteTopicEnable: boolean;
  readonly numPartitions: number;
  readonly defaultReplicationFactor: number;
  readonly minInsyncReplicas: number;
  readonly messageMaxBytes: number;
  readonly fetchMaxBytes: number;
  readonly maxRequestPartitionSizeLimit: number;
  readonly maxIncrementalFetchSessionCacheSlots: number;
  readonly producerIdExpirationMs: number;
  readonly logRetentionCheckIntervalMs: number;
  readonly requestTimeoutMs: number;

  readonly socketRequestMaxBytes: number;
  /** -1: as the operating system has it. */
  readonly socketReceiveBufferBytes: number;
  readonly socketSendBufferBytes: number;
  readonly socketListenBacklogSize: number;
  /** Infinity: never. */
  readonly connectionsMaxIdleMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  readonly maxConnectionsPerIpOverrides: Readonly<Record<string, number>>;
  readonly maxConnectionCreationRate: number;
  readonly queuedMaxRequests: number;
  /** Infinity: no limit of its own. */
  readonly queuedMaxRequestBytes: number;

  /** millrace.net.threads; 0: chosen from the cores. */
  readonly netThreads: number;
  /** millrace.shard.threads; 0: chosen from the cores. */
  readonly shardThreads: number;
  /** millrace.slab.bytes: receive memory of each client thread; 0: the engine's default. */
  readonly slabBytes: number;
  /** millrace.disk.free.min.bytes: what appends leave of the disk. */
  readonly keptFreeBytes: number;
  /** millrace.flush.tail.bytes, millrace.flush.tail.ms: bounds of the unflushed tail of a partition. */
  readonly flushTailBytes: number;
  readonly flushTailMs: number;
  /** millrace.record.validation: `full` also walks the records inside compressed batches. */
  readonly recordValidation: 'header' | 'full';
}

/** Works out the typed values. Throws `setting` where settings do not fit together. */
export function computeSettingValues(settings: BrokerSettings): SettingValues {
  const number = (name: string): number => settings.value(name) as number;
  const boolean = (name: string): boolean => settings.value(name) as boolean;
  const list = (name: string): readonly string[] =>
    (settings.value(name) as readonly string[] | null) ?? [];
  const unlimitedBelow0 = (value: number): number => (value < 0 ? Number.POSITIVE_INFINITY : value);

  const protocolMap = (settings.text('listener.security.protocol.map') ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const controllerNames = list('controller.listener.names');
  const listeners = parseListeners(list('listeners'), {
    setting: 'listeners',
    protocolMap,
    controllerNames,
  });
  if (listeners.length === 0) {
    const text = settings.text('listeners') ?? '';
    throw settingError('listeners', text, 'at least one listener for clients');
  }
  const advertisedListeners = parseListeners(list('advertised.listeners'), {
    setting: 'advertised.listeners',
    protocolMap,
    controllerNames,
  });
  for (const advertised of advertisedListeners) {
    if (!listeners.some((listener) => listener.name === advertised.name)) {
      const text = settings.text('advertised.listeners') ?? '';
      throw settingError('advertised.listeners', text, 'only names that listeners has as well');
    }
  }
  return {
    nodeId: (settings.value('node.id') as number | null) ?? number('broker.id'),
    brokerRack: settings.value('broker.rack') as string | null,
    listeners,
    advertisedListeners,
    logDirs: list('log.dirs').length > 0 ? list('log.dirs') : list('log.dir'),

    autoCreateTopicsEnable: boolean('auto.create.topics.enable'),
    deleteTopicEnable: boolean('delete.topic.enable'),
    numPartitions: number('num.partitions'),
    defaultReplicationFactor: number('default.replication.factor'),
    minInsyncReplicas: number('min.insync.replicas'),
    messageMaxBytes: number('message.max.bytes'),
    fetchMaxBytes: number('fetch.max.bytes'),
    maxRequestPartitionSizeLimit: number('max.request.partition.size.limit'),
    maxIncrementalFetchSessionCacheSlots: number('max.incremental.fetch.session.cache.slots'),
    producerIdExpirationMs: number('producer.id.expiration.ms'),
    logRetentionCheckIntervalMs: number('log.retention.check.interval.ms'),
    requestTimeoutMs: number('request.timeout.ms'),

    socketRequestMaxBytes: number('socket.request.max.bytes'),
    socketReceiveBufferBytes: number('socket.receive.buffer.bytes'),
    socketSendBufferBytes: number('socket.send.buffer.bytes'),
    socketListenBacklogSize: number('socket.listen.backlog.size'),
    connectionsMaxIdleMs: unlimitedBelow0(number('connections.max.idle.ms')),
    maxConnections: number('max.connections'),
    maxConnectionsPerIp: number('max.connections.per.ip'),
    maxConnectionsPerIpOverrides: parseOverrides(settings.text('max.connections.per.ip.overrides')),
    maxConnectionCreationRate: number('max.connection.creation.rate'),
    queuedMaxRequests: number('queued.max.requests'),
    queuedMaxRequestBytes: unlimitedBelow0(number('queued.max.request.bytes')),

    netThreads: number('millrace.net.threads'),
    shardThreads: number('millrace.shard.threads'),
    slabBytes: number('millrace.slab.bytes'),
    keptFreeBytes: number('millrace.disk.free.min.bytes'),
    flushTailBytes: number('millrace.flush.tail.bytes'),
    flushTailMs: number('millrace.flush.tail.ms'),
    recordValidation: settings.value('millrace.record.validation') as 'header' | 'full',
  };
}

/** `host:count,host:count` */
function parseOverrides(text: string | null): Record<string, number> {
  const overrides: Record<string, number> = {};
  for (const entry of (text ?? '').split(',')) {
    if (entry.trim() === '') continue;
    const match = /^(.+):(\d+)$/.exec(entry.trim());
    if (match === null) {
      throw settingError(
        'max.connections.per.ip.overrides',
        entry,
        'host:count, separated by commas',
      );
    }
    overrides[match[1]!] = Number(match[2]);
  }
  return overrides;
}

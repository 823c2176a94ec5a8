/**
 * The settings that the broker acts on, typed and in the units their names say. A plain object, so that it travels to
 * net threads as it is. Everything here comes out of a BrokerSettings; Kafka's priorities between settings of one
 * meaning (ms over minutes over hours) are already applied. Infinity stands for "never" and "without limit".
 */

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
  /** millrace.flush.tail.bytes, millrace.flush.tail.ms: bounds of the unflushed tail of a partition. */
  readonly flushTailBytes: number;
  readonly flushTailMs: number;
  /** millrace.record.validation: `full` also walks the records inside compressed batches. */
  readonly recordValidation: 'header' | 'full';
}

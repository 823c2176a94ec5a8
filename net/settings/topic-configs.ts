/**
 * What a topic can be told (Kafka 4.3's topic configs): definitions, the broker setting that stands in where the topic
 * has none, validation with Kafka's words, and the LogConfig that all of it amounts to.
 *
 * Main thread; pure but for the settings it reads.
 */
import { defaultLogConfig, type LogConfig } from '../../engine/log/log-config.ts';
import { BROKER_CONFIGS } from './broker-configs.ts';
import type { BrokerSettings } from './broker-settings.ts';
import {
  type ConfigDefinition,
  type ConfigValue,
  formatValue,
  parseDefinitions,
  parseValue,
} from './config-definition.ts';

/**
 * name, type, default, rule, `-`; defaults count only where no broker setting stands in. In the order in which Kafka
 * looks at values, which decides of several wrong ones which is named.
 */
const TABLE = `
segment.bytes int 1073741824 1048576.. -
segment.ms long 604800000 1.. -
segment.jitter.ms long 0 0.. -
segment.index.bytes int 10485760 4.. -
flush.messages long 9223372036854775807 1.. -
flush.ms long 9223372036854775807 0.. -
retention.bytes long -1 - -
retention.ms long 604800000 -1.. -
max.message.bytes int 1048588 0.. -
index.interval.bytes int 4096 0.. -
delete.retention.ms long 86400000 0.. -
min.compaction.lag.ms long 0 0.. -
max.compaction.lag.ms long 9223372036854775807 1.. -
file.delete.delay.ms long 60000 0.. -
min.cleanable.dirty.ratio double 0.5 0..1 -
cleanup.policy list delete compact|delete -
unclean.leader.election.enable boolean false - -
min.insync.replicas int 1 1.. -
compression.type string producer uncompressed|zstd|lz4|snappy|gzip|producer -
compression.gzip.level int -1 1..9|-1 -
compression.lz4.level int 9 1..17 -
compression.zstd.level int 3 -131072..22 -
preallocate boolean true - -
message.timestamp.type string CreateTime CreateTime|LogAppendTime -
message.timestamp.before.max.ms long 9223372036854775807 0.. -
message.timestamp.after.max.ms long 3600000 0.. -
leader.replication.throttled.replicas list "" throttled -
follower.replication.throttled.replicas list "" throttled -
remote.storage.enable boolean false - -
local.retention.ms long -2 -2.. -
local.retention.bytes long -2 -2.. -
remote.log.copy.disable boolean false - -
remote.log.delete.on.disable boolean false - -
`;

/** Accepted and honoured, but never listed unless a topic has it: Streams sets it on its repartition topics. */
const INTERNAL_TABLE = `
internal.segment.bytes int - - -
`;

export interface TopicConfigDefinition extends ConfigDefinition {
  /** The broker setting that stands in where the topic has no value of its own; null: none does. */
  readonly brokerSetting: string | null;
  readonly documentation: string;
}

/** Topic config to broker setting, where the names differ by more than nothing. */
const BROKER_SETTING: Readonly<Record<string, string | null>> = {
  'cleanup.policy': 'log.cleanup.policy',
  'delete.retention.ms': 'log.cleaner.delete.retention.ms',
  'file.delete.delay.ms': 'log.segment.delete.delay.ms',
  'flush.messages': 'log.flush.interval.messages',
  'flush.ms': 'log.flush.interval.ms',
  'follower.replication.throttled.replicas': null,
  'index.interval.bytes': 'log.index.interval.bytes',
  'internal.segment.bytes': null,
  'leader.replication.throttled.replicas': null,
  'local.retention.bytes': 'log.local.retention.bytes',
  'local.retention.ms': 'log.local.retention.ms',
  'max.compaction.lag.ms': 'log.cleaner.max.compaction.lag.ms',
  'max.message.bytes': 'message.max.bytes',
  'message.timestamp.after.max.ms': 'log.message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms': 'log.message.timestamp.before.max.ms',
  'message.timestamp.type': 'log.message.timestamp.type',
  'min.cleanable.dirty.ratio': 'log.cleaner.min.cleanable.ratio',
  'min.compaction.lag.ms': 'log.cleaner.min.compaction.lag.ms',
  preallocate: 'log.preallocate',
  'remote.log.copy.disable': null,
  'remote.log.delete.on.disable': null,
  'remote.storage.enable': null,
  'retention.bytes': 'log.retention.bytes',
  'retention.ms': 'log.retention.ms',
  'segment.bytes': 'log.segment.bytes',
  'segment.index.bytes': 'log.index.size.max.bytes',
  'segment.jitter.ms': 'log.roll.jitter.ms',
  'segment.ms': 'log.roll.ms',
};

const DOCUMENTATION: Readonly<Record<string, string>> = {
  'cleanup.policy':
    'What becomes of old segments: deleted by age and size, compacted by key, or both.',
  'compression.gzip.level': 'The level used when the broker compresses with gzip.',
  'compression.lz4.level': 'The level used when the broker compresses with lz4.',
  'compression.type':
    'The codec records are stored in; producer keeps the one each batch arrived in.',
  'compression.zstd.level': 'The level used when the broker compresses with zstd.',
  'delete.retention.ms': 'How long a tombstone of a compacted topic can still be read.',
  'file.delete.delay.ms': 'How long the files of a deleted segment or partition stay on the disk.',
  'flush.messages': 'Force records to the disk after so many; 1: before each is acknowledged.',
  'flush.ms': 'Force records to the disk at the latest after this time.',
  'follower.replication.throttled.replicas':
    'Replicas whose replication is throttled on the follower: partition:broker pairs, or *.',
  'index.interval.bytes': 'Bytes of log between two entries of the offset index.',
  'leader.replication.throttled.replicas':
    'Replicas whose replication is throttled on the leader: partition:broker pairs, or *.',
  'local.retention.bytes': 'Bytes kept locally of a topic in tiered storage; -2: retention.bytes.',
  'local.retention.ms': 'Time kept locally of a topic in tiered storage; -2: retention.ms.',
  'max.compaction.lag.ms': 'A record is compacted at the latest after this time.',
  'max.message.bytes': 'The largest record batch taken, as it is stored.',
  'message.timestamp.after.max.ms': 'How far a timestamp may lie after the time of the broker.',
  'message.timestamp.before.max.ms': 'How far a timestamp may lie before the time of the broker.',
  'message.timestamp.type':
    'Whether a record keeps the time the producer gave it or gets the time it was appended.',
  'min.cleanable.dirty.ratio': 'The part of a log that must be uncompacted before it is compacted.',
  'min.compaction.lag.ms': 'A record is left uncompacted at least for this time.',
  'min.insync.replicas': 'How many replicas must have a record before acks=all acknowledges it.',
  preallocate: 'Extend the file of a new segment to its full size at once.',
  'remote.log.copy.disable': 'No longer copy segments of a topic to tiered storage.',
  'remote.log.delete.on.disable':
    'Delete what lies in tiered storage when it is disabled for the topic.',
  'remote.storage.enable': 'Keep old segments of the topic in tiered storage.',
  'retention.bytes': 'Old segments go when a partition is larger than this; -1: no limit.',
  'retention.ms': 'Segments go when their newest record is older than this; -1: no limit.',
  'segment.bytes': 'The size of a segment file.',
  'segment.index.bytes': 'The largest size of the index files of a segment.',
  'segment.jitter.ms': 'At most so much is taken off segment.ms, differently for each segment.',
  'segment.ms': 'A segment is closed after this time even if it is not full.',
  'unclean.leader.election.enable':
    'Let a replica that is not in sync become leader, at the cost of lost records.',
};

/** The configs that every topic is described with, by name. */
export const TOPIC_CONFIGS: ReadonlyMap<string, TopicConfigDefinition> = define(TABLE);
/** Those that a topic may have besides. */
const INTERNAL_TOPIC_CONFIGS: ReadonlyMap<string, TopicConfigDefinition> = define(INTERNAL_TABLE);

function define(table: string): Map<string, TopicConfigDefinition> {
  return new Map(
    parseDefinitions(table).map((definition) => {
      const { name } = definition;
      const mapped = BROKER_SETTING[name];
      const brokerSetting = mapped === undefined && BROKER_CONFIGS.has(name) ? name : mapped;
      const documentation = DOCUMENTATION[name] ?? '';
      return [name, { ...definition, brokerSetting: brokerSetting ?? null, documentation }];
    }),
  );
}

/** The definition of a topic config, internal ones included. */
export function topicConfig(name: string): TopicConfigDefinition | undefined {
  return TOPIC_CONFIGS.get(name) ?? INTERNAL_TOPIC_CONFIGS.get(name);
}

export type TopicConfigValues = Readonly<Record<string, string>>;

/** What is wrong with a topic's configs, in Kafka's words; null when nothing is. Names are looked at before values. */
export function validateTopicConfigs(configs: TopicConfigValues): string | null {
  for (const name of Object.keys(configs)) {
    if (topicConfig(name) === undefined) return `Unknown topic config name: ${name}`;
  }
  for (const definition of [...TOPIC_CONFIGS.values(), ...INTERNAL_TOPIC_CONFIGS.values()]) {
    const text = configs[definition.name];
    if (text === undefined) continue;
    const parsed = parseValue(definition, text);
    if (!parsed.ok) return parsed.message;
  }
  const number = (name: string): number => {
    const definition = TOPIC_CONFIGS.get(name)!;
    const parsed = parseValue(definition, configs[name] ?? definition.defaultText!);
    return parsed.ok ? (parsed.value as number) : Number.NaN;
  };
  const minLag = number('min.compaction.lag.ms');
  const maxLag = number('max.compaction.lag.ms');
  if (minLag > maxLag) {
    return `conflict topic config setting min.compaction.lag.ms (${minLag}) > max.compaction.lag.ms (${maxLag})`;
  }
  if (configs['remote.storage.enable']?.trim().toLowerCase() === 'true') {
    return 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.';
  }
  return null;
}

/** Topic configs that a coarser broker setting can stand in for, and what one of its units is in milliseconds. */
const COARSER: Readonly<Record<string, readonly (readonly [setting: string, ms: number])[]>> = {
  'retention.ms': [
    ['log.retention.minutes', 60_000],
    ['log.retention.hours', 3_600_000],
  ],
  'segment.ms': [['log.roll.hours', 3_600_000]],
  'segment.jitter.ms': [['log.roll.jitter.hours', 3_600_000]],
  'flush.ms': [['log.flush.scheduler.interval.ms', 1]],
};

/** The value that a topic without one of its own has. Null only for internal configs. */
function inheritedValue(
  definition: TopicConfigDefinition,
  settings: BrokerSettings,
): ConfigValue | null {
  if (definition.brokerSetting !== null) {
    const value = settings.value(definition.brokerSetting);
    if (value !== null) return unlimited(definition.name, value);
    for (const [setting, unitMs] of COARSER[definition.name] ?? []) {
      const coarser = settings.value(setting) as number | null;
      if (coarser !== null) return unlimited(definition.name, coarser * unitMs);
    }
  }
  if (definition.defaultText === null) return null;
  const parsed = parseValue(definition, definition.defaultText);
  return parsed.ok ? parsed.value : null;
}

/** A negative broker-wide retention time means the same as -1. */
function unlimited(name: string, value: ConfigValue): ConfigValue {
  return name === 'retention.ms' && (value as number) < 0 ? -1 : value;
}

/** The value a topic has: its own or the inherited one. Configs must have been validated. */
export function effectiveValue(
  definition: TopicConfigDefinition,
  configs: TopicConfigValues,
  settings: BrokerSettings,
): ConfigValue | null {
  const text = configs[definition.name];
  if (text !== undefined) {
    const parsed = parseValue(definition, text);
    if (parsed.ok) return parsed.value;
  }
  return inheritedValue(definition, settings);
}

/** The same as text. */
export function effectiveText(
  definition: TopicConfigDefinition,
  configs: TopicConfigValues,
  settings: BrokerSettings,
): string | null {
  const value = effectiveValue(definition, configs, settings);
  return value === null ? null : formatValue(definition, value);
}

/** The log configuration that a topic's own configs and the broker's settings amount to. Configs must be valid. */
export function toLogConfig(configs: TopicConfigValues, settings: BrokerSettings): LogConfig {
  const value = (name: string): ConfigValue | null =>
    effectiveValue(topicConfig(name)!, configs, settings);
  const number = (name: string): number => value(name) as number;
  const orNever = (number: number): number => (number < 0 ? Number.POSITIVE_INFINITY : number);
  const policies = value('cleanup.policy') as readonly string[];
  return {
    ...defaultLogConfig,
    segmentBytes: (value('internal.segment.bytes') as number | null) ?? number('segment.bytes'),
    segmentMs: number('segment.ms'),
    segmentJitterMs: number('segment.jitter.ms'),
    segmentIndexBytes: number('segment.index.bytes'),
    indexIntervalBytes: number('index.interval.bytes'),
    retentionMs: orNever(number('retention.ms')),
    retentionBytes: orNever(number('retention.bytes')),
    maxMessageBytes: number('max.message.bytes'),
    messageTimestampType: value('message.timestamp.type') as LogConfig['messageTimestampType'],
    messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    compressionType: value('compression.type') as LogConfig['compressionType'],
    compressionGzipLevel: number('compression.gzip.level'),
    compressionLz4Level: number('compression.lz4.level'),
    compressionZstdLevel: number('compression.zstd.level'),
    flushMessages: number('flush.messages'),
    flushMs: number('flush.ms'),
    cleanupPolicy: { delete: policies.includes('delete'), compact: policies.includes('compact') },
    preallocate: value('preallocate') as boolean,
    fileDeleteDelayMs: number('file.delete.delay.ms'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    producerIdExpirationMs: settings.values.producerIdExpirationMs,
    flushTailBytes: settings.values.flushTailBytes,
    flushTailMs: settings.values.flushTailMs,
    walkCompressed: settings.values.recordValidation === 'full',
  };
}

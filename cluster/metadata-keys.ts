/**
 * The keys of the metadata store and the values behind them: JSON, one key per thing that is changed as a whole. A topic
 * with all its partitions and configs is one key, so that creating one with a thousand partitions writes one row.
 *
 * | key | value |
 * |---|---|
 * | `topics/<name>` | TopicRecord |
 * | `deleted-topics/<topic id>` | DeletedTopicRecord: a deletion whose files may still be there |
 * | `configs/<kind>/<name>` | configs by name; kind `broker` (name empty: all brokers), `group`, `client-metrics` |
 * | `producer-ids` | the first producer id that no block has covered, as a number |
 *
 * Any thread; pure.
 */

export const TOPICS_PREFIX = 'topics/';
export const DELETED_TOPICS_PREFIX = 'deleted-topics/';
export const CONFIGS_PREFIX = 'configs/';
export const PRODUCER_IDS_KEY = 'producer-ids';

/** What has configs beside topics. */
export type ConfigResourceKind = 'broker' | 'group' | 'client-metrics';

export interface TopicRecord {
  readonly id: string;
  readonly partitions: number;
  /** Broker ids per partition, the preferred leader first; one element stands for all partitions. */
  readonly replicas: readonly (readonly number[])[];
  /** Per partition; one element stands for all. */
  readonly leaderEpochs: readonly number[];
  readonly configs: Readonly<Record<string, string>>;
}

export interface DeletedTopicRecord {
  readonly name: string;
  readonly partitions: number;
}

export function topicKey(name: string): string {
  return TOPICS_PREFIX + name;
}

export function deletedTopicKey(topicId: string): string {
  return DELETED_TOPICS_PREFIX + topicId;
}

export function configsKey(kind: ConfigResourceKind, name: string): string {
  return `${CONFIGS_PREFIX}${kind}/${name}`;
}

/** The element that stands for a partition in an array where one element may stand for all. */
export function ofPartition<T>(values: readonly T[], partition: number): T {
  return values.length === 1 ? values[0]! : values[partition]!;
}

/** One element where all are alike. */
export function collapse<T>(values: readonly T[]): readonly T[] {
  const first = JSON.stringify(values[0]);
  return values.every((value) => JSON.stringify(value) === first) ? values.slice(0, 1) : values;
}

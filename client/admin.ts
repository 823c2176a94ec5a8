/**
 * The admin: topics, their configs and offsets. Each call asks the broker that can answer, retries what a moved
 * controller or leader explains, and throws `BrokerError` with the broker's own words otherwise.
 *
 * One thread; no state but the client's connections.
 */

import { ErrorCode } from '../engine/base/error-codes.ts';
import {
  createPartitionsRequest,
  createPartitionsResponse,
} from '../net/wire/api/create-partitions.ts';
import { createTopicsRequest, createTopicsResponse } from '../net/wire/api/create-topics.ts';
import { deleteRecordsRequest, deleteRecordsResponse } from '../net/wire/api/delete-records.ts';
import { deleteTopicsRequest, deleteTopicsResponse } from '../net/wire/api/delete-topics.ts';
import {
  describeConfigsRequest,
  describeConfigsResponse,
} from '../net/wire/api/describe-configs.ts';
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../net/wire/api/incremental-alter-configs.ts';
import type { Client } from './client.ts';
import { BrokerError, errorCodeOf, isTransient } from './client-error.ts';
import type { Connection } from './connection.ts';
import type { ClusterInfo, TopicInfo } from './metadata.ts';
import { listOffsets, type OffsetQuery, type PartitionOffset } from './offsets.ts';

const createTopicsApi = { request: createTopicsRequest, response: createTopicsResponse };
const deleteTopicsApi = { request: deleteTopicsRequest, response: deleteTopicsResponse };
const createPartitionsApi = {
  request: createPartitionsRequest,
  response: createPartitionsResponse,
};
const describeConfigsApi = { request: describeConfigsRequest, response: describeConfigsResponse };
const alterConfigsApi = {
  request: incrementalAlterConfigsRequest,
  response: incrementalAlterConfigsResponse,
};
const deleteRecordsApi = { request: deleteRecordsRequest, response: deleteRecordsResponse };

/** First DeleteTopics version that takes structures instead of bare names. */
const DELETE_BY_STATE_VERSION = 6;

/** First CreateTopics version in which -1 means the broker's default. */
const BROKER_DEFAULTS_VERSION = 4;

const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;
const SET = 0;
const DELETE = 1;

/** Where a config value comes from, by Kafka's number. */
const configSources = [
  'unknown',
  'topic',
  'dynamic-broker',
  'dynamic-default-broker',
  'static-broker',
  'default',
] as const;

export type ConfigSource = (typeof configSources)[number] | 'other';

export interface NewTopic {
  readonly name: string;
  /** Default: the broker's `num.partitions`. */
  readonly partitions?: number;
  /** Default: the broker's `default.replication.factor`. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface ConfigEntry {
  readonly name: string;
  /** Null when it is sensitive or has no value. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
}

/** What can have configs: a topic by name, or a broker by id. */
export type ConfigResource = { readonly topic: string } | { readonly broker: number };

export class Admin {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Brokers and controller of the cluster. */
  describeCluster(): Promise<ClusterInfo> {
    return this.#client.retry(() => this.#client.metadata.cluster());
  }

  /** Every topic with its partitions, sorted by name. */
  listTopics(): Promise<TopicInfo[]> {
    return this.#client.retry(() => this.#client.metadata.allTopics());
  }

  /** One topic, asked for anew; never creates it. Throws `BrokerError` UNKNOWN_TOPIC_OR_PARTITION. */
  describeTopic(name: string): Promise<TopicInfo> {
    const { metadata } = this.#client;
    const isWorthIt = (error: unknown): boolean =>
      isTransient(error) && errorCodeOf(error) !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    return this.#client.retry(() => {
      metadata.markStale(name);
      return metadata.topic(name, { mayCreate: false });
    }, isWorthIt);
  }

  /** Creates one topic and waits until the broker it asked knows it. */
  async createTopic(
    topic: NewTopic,
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    await this.#onController(async (connection) => {
      const hasDefaults = connection.versionOf(createTopicsApi) >= BROKER_DEFAULTS_VERSION;
      const { topics } = await connection.call(createTopicsApi, {
        topics: [
          {
            name: topic.name,
            numPartitions: topic.partitions ?? (hasDefaults ? -1 : 1),
            replicationFactor: topic.replicationFactor ?? (hasDefaults ? -1 : 1),
            assignments: [],
            configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
          },
        ],
        timeoutMs: this.#client.requestTimeoutMs,
        validateOnly: options.validateOnly ?? false,
      });
      check(topics[0], `cannot create topic '${topic.name}'`);
    });
    this.#client.metadata.markStale(topic.name);
  }

  /** Deletes one topic with all its records. */
  async deleteTopic(name: string): Promise<void> {
    await this.#onController(async (connection) => {
      const takesStates = connection.versionOf(deleteTopicsApi) >= DELETE_BY_STATE_VERSION;
      const { responses } = await connection.call(deleteTopicsApi, {
        ...(takesStates ? { topics: [{ name }] } : { topicNames: [name] }),
        timeoutMs: this.#client.requestTimeoutMs,
      });
      check(responses[0], `cannot delete topic '${name}'`);
    });
    this.#client.metadata.markStale(name);
  }

  /** Raises the number of partitions to `count`. Keyed records go elsewhere afterwards. */
  async setPartitionCount(name: string, count: number): Promise<void> {
    await this.#onController(async (connection) => {
      const { results } = await connection.call(createPartitionsApi, {
        topics: [{ name, count, assignments: null }],
        timeoutMs: this.#client.requestTimeoutMs,
        validateOnly: false,
      });
      check(results[0], `cannot change the partitions of topic '${name}'`);
    });
    this.#client.metadata.markStale(name);
  }

  /** The configs of a topic or a broker with their defaults, sorted by name. */
  async describeConfigs(resource: ConfigResource): Promise<ConfigEntry[]> {
    return this.#client.retry(async () => {
      const connection = await this.#connectionFor(resource);
      const { results } = await connection.call(describeConfigsApi, {
        resources: [{ ...resourceKey(resource), configurationKeys: null }],
      });
      check(results[0], `cannot describe the configs of ${resourceName(resource)}`);
      return results[0]!.configs
        .map(
          (each): ConfigEntry => ({
            name: each.name,
            value: each.value,
            source: configSources[each.configSource] ?? 'other',
            isReadOnly: each.readOnly,
            isSensitive: each.isSensitive,
          }),
        )
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  /** Sets configs, or takes them back to their default where the value is null; leaves all others alone. */
  async alterConfigs(
    resource: ConfigResource,
    configs: Readonly<Record<string, string | null>>,
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    await this.#client.retry(async () => {
      const connection = await this.#connectionFor(resource);
      const { responses } = await connection.call(alterConfigsApi, {
        resources: [
          {
            ...resourceKey(resource),
            configs: Object.entries(configs).map(([name, value]) => ({
              name,
              value,
              configOperation: value === null ? DELETE : SET,
            })),
          },
        ],
        validateOnly: options.validateOnly ?? false,
      });
      check(responses[0], `cannot alter the configs of ${resourceName(resource)}`);
    });
  }

  /** Offsets of a topic's partitions (all when none are named) at a moment. */
  listOffsets(
    topic: string,
    query: OffsetQuery,
    partitions?: readonly number[],
  ): Promise<PartitionOffset[]> {
    return listOffsets(this.#client, topic, query, partitions);
  }

  /**
   * Deletes the records of a partition below `offset` ('end': all). Resolves with the partition's new first
   * offset.
   */
  async deleteRecords(topic: string, partition: number, offset: number | 'end'): Promise<number> {
    const { metadata } = this.#client;
    return this.#client.retry(async () => {
      const info = await metadata.topic(topic, { mayCreate: false });
      const leaderId = info.partitions[partition]?.leaderId ?? -1;
      const what = `cannot delete records of partition ${partition} of '${topic}'`;
      try {
        if (leaderId < 0) throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, what);
        const connection = await this.#client.connectionTo(leaderId);
        const { topics } = await connection.call(deleteRecordsApi, {
          topics: [
            {
              name: topic,
              partitions: [{ partitionIndex: partition, offset: offset === 'end' ? -1 : offset }],
            },
          ],
          timeoutMs: this.#client.requestTimeoutMs,
        });
        const answer = topics[0]?.partitions[0];
        check(answer, what);
        return answer!.lowWatermark;
      } catch (error) {
        metadata.markStale(topic);
        throw error;
      }
    });
  }

  /** A topic's configs can be asked of any broker, a broker's own only of itself. */
  #connectionFor(resource: ConfigResource): Promise<Connection> {
    return 'topic' in resource
      ? this.#client.anyConnection()
      : this.#client.connectionTo(resource.broker);
  }

  #onController(call: (connection: Connection) => Promise<void>): Promise<void> {
    return this.#client.retry(
      async () => call(await this.#client.controllerConnection()),
      isRetriedOnController,
    );
  }
}

/** A change that may have been made already must not be made again: only what says "not here" or "not yet". */
function isRetriedOnController(error: unknown): boolean {
  const errorCode = errorCodeOf(error);
  return (
    errorCode === ErrorCode.NOT_CONTROLLER ||
    errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE ||
    (errorCode === 0 && isTransient(error) && (error as { code?: string }).code === 'connect')
  );
}

function resourceKey(resource: ConfigResource): { resourceType: number; resourceName: string } {
  return 'topic' in resource
    ? { resourceType: TOPIC_RESOURCE, resourceName: resource.topic }
    : { resourceType: BROKER_RESOURCE, resourceName: String(resource.broker) };
}

function resourceName(resource: ConfigResource): string {
  return 'topic' in resource ? `topic '${resource.topic}'` : `broker ${resource.broker}`;
}

function check(
  row: { readonly errorCode: number; readonly errorMessage?: string | null } | undefined,
  what: string,
): void {
  if (row === undefined) throw new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, what, 'no answer');
  if (row.errorCode !== ErrorCode.NONE)
    throw new BrokerError(row.errorCode, what, row.errorMessage);
}

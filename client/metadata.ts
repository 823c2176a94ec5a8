/**
 * What the client knows of the cluster: brokers, and per topic its id and the leader of each partition.
 * Filled from Metadata responses on demand; a topic that produced or fetched with an error that speaks of a
 * moved leader is marked stale and asked for again before its next use. Concurrent askers share one request.
 *
 * One thread. The objects handed out are replaced, never changed.
 */

import { ErrorCode, isRetriable } from '../engine/base/error-codes.ts';
import { ZERO_UUID } from '../engine/base/uuid.ts';
import {
  type MetadataResponse,
  metadataRequest,
  metadataResponse,
} from '../net/wire/api/metadata.ts';
import { BrokerError, ClientError } from './client-error.ts';
import type { Connection } from './connection.ts';

export interface BrokerInfo {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface PartitionInfo {
  readonly partition: number;
  /** -1: none at the moment. */
  readonly leaderId: number;
  /** -1: the broker is too old to tell. */
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly offlineReplicas: readonly number[];
}

export interface TopicInfo {
  readonly name: string;
  /** Null when the broker is too old to have topic ids. */
  readonly topicId: string | null;
  readonly isInternal: boolean;
  /** By partition index; every index from 0 is present. */
  readonly partitions: readonly PartitionInfo[];
}

export interface ClusterInfo {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: readonly BrokerInfo[];
}

export const metadataApi = { request: metadataRequest, response: metadataResponse };

/** First Metadata version that can forbid auto-creation; before it, asking for a topic may create it. */
const CREATION_FLAG_VERSION = 4;

/** First Metadata version in which an empty list means "no topics" and null "all". */
const NULL_MEANS_ALL_VERSION = 1;

/** What is older is asked for again, as Kafka's clients do: partitions are added, leaders rebalanced. */
const AGE_MAX_MS = 300_000;

export class MetadataCache {
  readonly #connect: () => Promise<Connection>;
  readonly #topics = new Map<string, TopicInfo>();
  /** When each topic's information came (monotonic ms). */
  readonly #learntMs = new Map<string, number>();
  readonly #stale = new Set<string>();
  readonly #asking = new Map<string, Promise<TopicInfo>>();
  #brokers = new Map<number, BrokerInfo>();
  #cluster: ClusterInfo | null = null;

  constructor(connect: () => Promise<Connection>) {
    this.#connect = connect;
  }

  /** The broker with that id, undefined when the last metadata did not have it. */
  broker(nodeId: number): BrokerInfo | undefined {
    return this.#brokers.get(nodeId);
  }

  /** All brokers of the last metadata. */
  brokers(): Iterable<BrokerInfo> {
    return this.#brokers.values();
  }

  /** What is known of a topic, undefined when it was never asked for, is stale or old. */
  known(name: string): TopicInfo | undefined {
    const learntMs = this.#learntMs.get(name) ?? Number.NEGATIVE_INFINITY;
    if (this.#stale.has(name) || performance.now() - learntMs > AGE_MAX_MS) return undefined;
    return this.#topics.get(name);
  }

  /** As `known`, also when it is stale: for what does not change when leaders move, such as ids. */
  lastKnown(name: string): TopicInfo | undefined {
    return this.#topics.get(name);
  }

  /** The next use of this topic asks again. */
  markStale(name: string): void {
    this.#stale.add(name);
  }

  /** A topic, from the cache when it is fresh. Throws `BrokerError`, e.g. UNKNOWN_TOPIC_OR_PARTITION. */
  topic(name: string, options: { readonly mayCreate: boolean }): Promise<TopicInfo> {
    const known = this.known(name);
    if (known !== undefined) return Promise.resolve(known);
    const asked = this.#asking.get(name);
    if (asked !== undefined) return asked;
    const asking = this.#ask(name, options.mayCreate).finally(() => this.#asking.delete(name));
    this.#asking.set(name, asking);
    return asking;
  }

  /** The brokers and the controller, asked for anew. */
  async cluster(): Promise<ClusterInfo> {
    await this.#request([], false);
    return this.#cluster!;
  }

  /** Every topic of the cluster, asked for anew, sorted by name. */
  async allTopics(): Promise<TopicInfo[]> {
    const response = await this.#request(null, false);
    const topics: TopicInfo[] = [];
    for (const topic of response.topics) {
      if (topic.errorCode === ErrorCode.NONE) topics.push(topicInfo(topic));
    }
    return topics.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #ask(name: string, mayCreate: boolean): Promise<TopicInfo> {
    const response = await this.#request([name], mayCreate);
    const topic = response.topics.find((each) => each.name === name);
    if (topic === undefined)
      throw new ClientError('malformed', `no metadata of topic '${name}' came`);
    if (topic.errorCode !== ErrorCode.NONE) {
      // A topic without a leader for one partition still serves the others.
      if (!isRetriable(topic.errorCode) || topic.partitions.length === 0) {
        throw new BrokerError(topic.errorCode, `topic '${name}'`);
      }
    }
    const info = topicInfo(topic);
    this.#topics.set(name, info);
    this.#learntMs.set(name, performance.now());
    if (info.partitions.every((partition) => partition.leaderId >= 0)) this.#stale.delete(name);
    return info;
  }

  async #request(names: string[] | null, mayCreate: boolean): Promise<MetadataResponse> {
    const connection = await this.#connect();
    const version = connection.versionOf(metadataApi);
    const all = version < NULL_MEANS_ALL_VERSION ? [] : null;
    const response = await connection.call(metadataApi, {
      topics: names === null ? all : names.map((name) => ({ name })),
      ...(version < CREATION_FLAG_VERSION ? {} : { allowAutoTopicCreation: mayCreate }),
    });
    this.#brokers = new Map(response.brokers.map((broker) => [broker.nodeId, broker]));
    this.#cluster = {
      clusterId: response.clusterId,
      controllerId: response.controllerId,
      brokers: [...this.#brokers.values()].sort((a, b) => a.nodeId - b.nodeId),
    };
    return response;
  }
}

function topicInfo(topic: MetadataResponse['topics'][number]): TopicInfo {
  const partitions = topic.partitions
    .map((each) => ({
      partition: each.partitionIndex,
      leaderId: each.leaderId,
      leaderEpoch: each.leaderEpoch,
      replicas: each.replicaNodes,
      inSyncReplicas: each.isrNodes,
      offlineReplicas: each.offlineReplicas,
    }))
    .sort((a, b) => a.partition - b.partition);
  return {
    name: topic.name ?? '',
    topicId: topic.topicId === ZERO_UUID ? null : topic.topicId,
    isInternal: topic.isInternal,
    partitions,
  };
}

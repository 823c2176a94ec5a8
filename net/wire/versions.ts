/**
 * Which versions of which API exist, as data: what Kafka 4.3.1 serves, and what this broker serves of it. Every
 * other file asks here, so that a new API is one line in `SERVED`.
 *
 * Any thread; constant data. LeaderAndIsr, StopReplica, UpdateMetadata and ControlledShutdown (keys 4 to 7) keep
 * their keys, but no version of them is left.
 */

const NEVER = Number.POSITIVE_INFINITY;

/** Listeners on which an API is served. */
export type ApiListener = 'broker' | 'controller' | 'both';

export interface ApiDescription {
  readonly key: number;
  readonly name: string;
  readonly versionMin: number;
  readonly versionMax: number;
  /** First version with compact lengths and tagged fields, Infinity when there is none. */
  readonly flexibleFrom: number;
  readonly listener: ApiListener;
}

type Row = readonly [number, string, number, number, number, ApiListener];

/** key, name, oldest and newest stable version, first flexible version, listener */
const KAFKA_ROWS = [
  [0, 'Produce', 3, 13, 9, 'broker'],
  [1, 'Fetch', 4, 18, 12, 'both'],
  [2, 'ListOffsets', 1, 11, 6, 'broker'],
  [3, 'Metadata', 0, 13, 9, 'broker'],
  [8, 'OffsetCommit', 2, 10, 8, 'broker'],
  [9, 'OffsetFetch', 1, 10, 6, 'broker'],
  [10, 'FindCoordinator', 0, 6, 3, 'broker'],
  [11, 'JoinGroup', 0, 9, 6, 'broker'],
  [12, 'Heartbeat', 0, 4, 4, 'broker'],
  [13, 'LeaveGroup', 0, 5, 4, 'broker'],
  [14, 'SyncGroup', 0, 5, 4, 'broker'],
  [15, 'DescribeGroups', 0, 6, 5, 'broker'],
  [16, 'ListGroups', 0, 5, 3, 'broker'],
  [17, 'SaslHandshake', 0, 1, NEVER, 'both'],
  [18, 'ApiVersions', 0, 4, 3, 'both'],
  [19, 'CreateTopics', 2, 7, 5, 'both'],
  [20, 'DeleteTopics', 1, 6, 4, 'both'],
  [21, 'DeleteRecords', 0, 2, 2, 'broker'],
  [22, 'InitProducerId', 0, 6, 2, 'broker'],
  [23, 'OffsetForLeaderEpoch', 2, 4, 4, 'broker'],
  [24, 'AddPartitionsToTxn', 0, 5, 3, 'broker'],
  [25, 'AddOffsetsToTxn', 0, 4, 3, 'broker'],
  [26, 'EndTxn', 0, 5, 3, 'broker'],
  [27, 'WriteTxnMarkers', 1, 2, 1, 'broker'],
  [28, 'TxnOffsetCommit', 0, 5, 3, 'broker'],
  [29, 'DescribeAcls', 1, 3, 2, 'both'],
  [30, 'CreateAcls', 1, 3, 2, 'both'],
  [31, 'DeleteAcls', 1, 3, 2, 'both'],
  [32, 'DescribeConfigs', 1, 4, 4, 'both'],
  [33, 'AlterConfigs', 0, 2, 2, 'both'],
  [34, 'AlterReplicaLogDirs', 1, 2, 2, 'broker'],
  [35, 'DescribeLogDirs', 1, 5, 2, 'broker'],
  [36, 'SaslAuthenticate', 0, 2, 2, 'both'],
  [37, 'CreatePartitions', 0, 3, 2, 'both'],
  [38, 'CreateDelegationToken', 1, 3, 2, 'both'],
  [39, 'RenewDelegationToken', 1, 2, 2, 'both'],
  [40, 'ExpireDelegationToken', 1, 2, 2, 'both'],
  [41, 'DescribeDelegationToken', 1, 3, 2, 'both'],
  [42, 'DeleteGroups', 0, 2, 2, 'broker'],
  [43, 'ElectLeaders', 0, 2, 2, 'both'],
  [44, 'IncrementalAlterConfigs', 0, 1, 1, 'both'],
  [45, 'AlterPartitionReassignments', 0, 1, 0, 'both'],
  [46, 'ListPartitionReassignments', 0, 0, 0, 'both'],
  [47, 'OffsetDelete', 0, 0, NEVER, 'broker'],
  [48, 'DescribeClientQuotas', 0, 1, 1, 'broker'],
  [49, 'AlterClientQuotas', 0, 1, 1, 'both'],
  [50, 'DescribeUserScramCredentials', 0, 0, 0, 'both'],
  [51, 'AlterUserScramCredentials', 0, 0, 0, 'both'],
  [52, 'Vote', 0, 2, 0, 'controller'],
  [53, 'BeginQuorumEpoch', 0, 1, 1, 'controller'],
  [54, 'EndQuorumEpoch', 0, 1, 1, 'controller'],
  [55, 'DescribeQuorum', 0, 2, 0, 'both'],
  [56, 'AlterPartition', 2, 3, 2, 'controller'],
  [57, 'UpdateFeatures', 0, 2, 0, 'both'],
  [58, 'Envelope', 0, 0, 0, 'controller'],
  [59, 'FetchSnapshot', 0, 1, 0, 'controller'],
  [60, 'DescribeCluster', 0, 2, 0, 'both'],
  [61, 'DescribeProducers', 0, 0, 0, 'broker'],
  [62, 'BrokerRegistration', 0, 4, 0, 'controller'],
  [63, 'BrokerHeartbeat', 0, 2, 0, 'controller'],
  [64, 'UnregisterBroker', 0, 0, 0, 'both'],
  [65, 'DescribeTransactions', 0, 0, 0, 'broker'],
  [66, 'ListTransactions', 0, 2, 0, 'broker'],
  [67, 'AllocateProducerIds', 0, 0, 0, 'controller'],
  [68, 'ConsumerGroupHeartbeat', 0, 1, 0, 'broker'],
  [69, 'ConsumerGroupDescribe', 0, 1, 0, 'broker'],
  [70, 'ControllerRegistration', 0, 0, 0, 'controller'],
  [71, 'GetTelemetrySubscriptions', 0, 0, 0, 'broker'],
  [72, 'PushTelemetry', 0, 0, 0, 'broker'],
  [73, 'AssignReplicasToDirs', 0, 0, 0, 'controller'],
  [74, 'ListConfigResources', 0, 1, 0, 'broker'],
  [75, 'DescribeTopicPartitions', 0, 0, 0, 'broker'],
  [76, 'ShareGroupHeartbeat', 1, 1, 1, 'broker'],
  [77, 'ShareGroupDescribe', 1, 1, 1, 'broker'],
  [78, 'ShareFetch', 1, 2, 1, 'broker'],
  [79, 'ShareAcknowledge', 1, 2, 1, 'broker'],
  [80, 'AddRaftVoter', 0, 1, 0, 'both'],
  [81, 'RemoveRaftVoter', 0, 0, 0, 'both'],
  [82, 'UpdateRaftVoter', 0, 0, 0, 'controller'],
  [83, 'InitializeShareGroupState', 0, 0, 0, 'broker'],
  [84, 'ReadShareGroupState', 0, 0, 0, 'broker'],
  [85, 'WriteShareGroupState', 0, 1, 0, 'broker'],
  [86, 'DeleteShareGroupState', 0, 0, 0, 'broker'],
  [87, 'ReadShareGroupStateSummary', 0, 1, 0, 'broker'],
  [88, 'StreamsGroupHeartbeat', 0, 0, 0, 'broker'],
  [89, 'StreamsGroupDescribe', 0, 0, 0, 'broker'],
  [90, 'DescribeShareGroupOffsets', 0, 1, 0, 'broker'],
  [91, 'AlterShareGroupOffsets', 0, 0, 0, 'broker'],
  [92, 'DeleteShareGroupOffsets', 0, 0, 0, 'broker'],
] as const satisfies readonly Row[];

/** Every API of Kafka 4.3.1, by ascending key. */
export const KAFKA_APIS: readonly ApiDescription[] = KAFKA_ROWS.map(
  ([key, name, versionMin, versionMax, flexibleFrom, listener]) => ({
    key,
    name,
    versionMin,
    versionMax,
    flexibleFrom,
    listener,
  }),
);

/** Keys by name, for code that would otherwise spell numbers. */
export const ApiKey = Object.fromEntries(KAFKA_ROWS.map(([key, name]) => [name, key])) as {
  readonly [R in (typeof KAFKA_ROWS)[number] as R[1]]: R[0];
};
export type ApiKey = (typeof ApiKey)[keyof typeof ApiKey];

/** What this broker serves, each at every version that Kafka serves. */
const SERVED: ReadonlySet<number> = new Set([
  ApiKey.Produce,
  ApiKey.Fetch,
  ApiKey.ListOffsets,
  ApiKey.Metadata,
  ApiKey.FindCoordinator,
  ApiKey.ApiVersions,
  ApiKey.CreateTopics,
  ApiKey.DeleteTopics,
  ApiKey.DeleteRecords,
  ApiKey.InitProducerId,
  ApiKey.OffsetForLeaderEpoch,
  ApiKey.DescribeConfigs,
  ApiKey.AlterConfigs,
  ApiKey.DescribeLogDirs,
  ApiKey.CreatePartitions,
  ApiKey.IncrementalAlterConfigs,
  ApiKey.DescribeCluster,
  ApiKey.DescribeProducers,
  ApiKey.ListConfigResources,
  ApiKey.DescribeTopicPartitions,
]);

const byKey: readonly (ApiDescription | undefined)[] = KAFKA_APIS.reduce(
  (table, api) => {
    table[api.key] = api;
    return table;
  },
  new Array<ApiDescription | undefined>(KAFKA_APIS.at(-1)!.key + 1).fill(undefined),
);

/** The API of that key, undefined when Kafka has none. */
export function apiOf(key: number): ApiDescription | undefined {
  return byKey[key];
}

/** The APIs this broker serves, by ascending key. */
export const SERVED_APIS: readonly ApiDescription[] = KAFKA_APIS.filter((api) =>
  SERVED.has(api.key),
);

/** Whether this broker serves that version of that API. */
export function isServed(key: number, version: number): boolean {
  const api = byKey[key];
  return (
    api !== undefined && SERVED.has(key) && version >= api.versionMin && version <= api.versionMax
  );
}

/** One line of an ApiVersions response. */
export interface AdvertisedApi {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** InitProducerId 6 has a stable schema (two-phase commit, KIP-939), but Kafka 4.3.1 holds it back from its clients. */
const INIT_PRODUCER_ID_ADVERTISED_MAX = 5;

/**
 * The list that ApiVersions answers, which is Kafka 4.3.1's. Produce is advertised from version 0 on although it is served
 * from 3 on: librdkafka before 2.4 takes a larger minimum for a broker without compression (KAFKA-18659).
 */
export const ADVERTISED_APIS: readonly AdvertisedApi[] = SERVED_APIS.map((api) => ({
  apiKey: api.key,
  minVersion: api.key === ApiKey.Produce ? 0 : api.versionMin,
  maxVersion: api.key === ApiKey.InitProducerId ? INIT_PRODUCER_ID_ADVERTISED_MAX : api.versionMax,
}));

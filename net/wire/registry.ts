/**
 * Finds the schemas of an API by its key. Each file of `api/` is imported when its API is first asked for: a broker
 * needs a dozen of the ninety, and none of them before it listens.
 *
 * Any thread; each thread loads its own.
 */

import type { MessageCodec } from './message.ts';
import { WireError } from './wire-error.ts';

/** The two messages of an API. What they read and write is known to those who know the key. */
export interface Api {
  readonly request: MessageCodec;
  readonly response: MessageCodec;
}

const LOADERS: { readonly [apiKey: number]: () => Promise<Api> } = {
  0: async () => {
    const api = await import('./api/produce.ts');
    return { request: api.produceRequest, response: api.produceResponse };
  },
  1: async () => {
    const api = await import('./api/fetch.ts');
    return { request: api.fetchRequest, response: api.fetchResponse };
  },
  2: async () => {
    const api = await import('./api/list-offsets.ts');
    return { request: api.listOffsetsRequest, response: api.listOffsetsResponse };
  },
  3: async () => {
    const api = await import('./api/metadata.ts');
    return { request: api.metadataRequest, response: api.metadataResponse };
  },
  8: async () => {
    const api = await import('./api/offset-commit.ts');
    return { request: api.offsetCommitRequest, response: api.offsetCommitResponse };
  },
  9: async () => {
    const api = await import('./api/offset-fetch.ts');
    return { request: api.offsetFetchRequest, response: api.offsetFetchResponse };
  },
  10: async () => {
    const api = await import('./api/find-coordinator.ts');
    return { request: api.findCoordinatorRequest, response: api.findCoordinatorResponse };
  },
  11: async () => {
    const api = await import('./api/join-group.ts');
    return { request: api.joinGroupRequest, response: api.joinGroupResponse };
  },
  12: async () => {
    const api = await import('./api/heartbeat.ts');
    return { request: api.heartbeatRequest, response: api.heartbeatResponse };
  },
  13: async () => {
    const api = await import('./api/leave-group.ts');
    return { request: api.leaveGroupRequest, response: api.leaveGroupResponse };
  },
  14: async () => {
    const api = await import('./api/sync-group.ts');
    return { request: api.syncGroupRequest, response: api.syncGroupResponse };
  },
  15: async () => {
    const api = await import('./api/describe-groups.ts');
    return { request: api.describeGroupsRequest, response: api.describeGroupsResponse };
  },
  16: async () => {
    const api = await import('./api/list-groups.ts');
    return { request: api.listGroupsRequest, response: api.listGroupsResponse };
  },
  17: async () => {
    const api = await import('./api/sasl-handshake.ts');
    return { request: api.saslHandshakeRequest, response: api.saslHandshakeResponse };
  },
  18: async () => {
    const api = await import('./api/api-versions.ts');
    return { request: api.apiVersionsRequest, response: api.apiVersionsResponse };
  },
  19: async () => {
    const api = await import('./api/create-topics.ts');
    return { request: api.createTopicsRequest, response: api.createTopicsResponse };
  },
  20: async () => {
    const api = await import('./api/delete-topics.ts');
    return { request: api.deleteTopicsRequest, response: api.deleteTopicsResponse };
  },
  21: async () => {
    const api = await import('./api/delete-records.ts');
    return { request: api.deleteRecordsRequest, response: api.deleteRecordsResponse };
  },
  22: async () => {
    const api = await import('./api/init-producer-id.ts');
    return { request: api.initProducerIdRequest, response: api.initProducerIdResponse };
  },
  23: async () => {
    const api = await import('./api/offset-for-leader-epoch.ts');
    return { request: api.offsetForLeaderEpochRequest, response: api.offsetForLeaderEpochResponse };
  },
  24: async () => {
    const api = await import('./api/add-partitions-to-txn.ts');
    return { request: api.addPartitionsToTxnRequest, response: api.addPartitionsToTxnResponse };
  },
  25: async () => {
    const api = await import('./api/add-offsets-to-txn.ts');
    return { request: api.addOffsetsToTxnRequest, response: api.addOffsetsToTxnResponse };
  },
  26: async () => {
    const api = await import('./api/end-txn.ts');
    return { request: api.endTxnRequest, response: api.endTxnResponse };
  },
  27: async () => {
    const api = await import('./api/write-txn-markers.ts');
    return { request: api.writeTxnMarkersRequest, response: api.writeTxnMarkersResponse };
  },
  28: async () => {
    const api = await import('./api/txn-offset-commit.ts');
    return { request: api.txnOffsetCommitRequest, response: api.txnOffsetCommitResponse };
  },
  29: async () => {
    const api = await import('./api/describe-acls.ts');
    return { request: api.describeAclsRequest, response: api.describeAclsResponse };
  },
  30: async () => {
    const api = await import('./api/create-acls.ts');
    return { request: api.createAclsRequest, response: api.createAclsResponse };
  },
  31: async () => {
    const api = await import('./api/delete-acls.ts');
    return { request: api.deleteAclsRequest, response: api.deleteAclsResponse };
  },
  32: async () => {
    const api = await import('./api/describe-configs.ts');
    return { request: api.describeConfigsRequest, response: api.describeConfigsResponse };
  },
  33: async () => {
    const api = await import('./api/alter-configs.ts');
    return { request: api.alterConfigsRequest, response: api.alterConfigsResponse };
  },
  34: async () => {
    const api = await import('./api/alter-replica-log-dirs.ts');
    return { request: api.alterReplicaLogDirsRequest, response: api.alterReplicaLogDirsResponse };
  },
  35: async () => {
    const api = await import('./api/describe-log-dirs.ts');
    return { request: api.describeLogDirsRequest, response: api.describeLogDirsResponse };
  },
  36: async () => {
    const api = await import('./api/sasl-authenticate.ts');
    return { request: api.saslAuthenticateRequest, response: api.saslAuthenticateResponse };
  },
  37: async () => {
    const api = await import('./api/create-partitions.ts');
    return { request: api.createPartitionsRequest, response: api.createPartitionsResponse };
  },
  38: async () => {
    const api = await import('./api/create-delegation-token.ts');
    return {
      request: api.createDelegationTokenRequest,
      response: api.createDelegationTokenResponse,
    };
  },
  39: async () => {
    const api = await import('./api/renew-delegation-token.ts');
    return { request: api.renewDelegationTokenRequest, response: api.renewDelegationTokenResponse };
  },
  40: async () => {
    const api = await import('./api/expire-delegation-token.ts');
    return {
      request: api.expireDelegationTokenRequest,
      response: api.expireDelegationTokenResponse,
    };
  },
  41: async () => {
    const api = await import('./api/describe-delegation-token.ts');
    return {
      request: api.describeDelegationTokenRequest,
      response: api.describeDelegationTokenResponse,
    };
  },
  42: async () => {
    const api = await import('./api/delete-groups.ts');
    return { request: api.deleteGroupsRequest, response: api.deleteGroupsResponse };
  },
  43: async () => {
    const api = await import('./api/elect-leaders.ts');
    return { request: api.electLeadersRequest, response: api.electLeadersResponse };
  },
  44: async () => {
    const api = await import('./api/incremental-alter-configs.ts');
    return {
      request: api.incrementalAlterConfigsRequest,
      response: api.incrementalAlterConfigsResponse,
    };
  },
  45: async () => {
    const api = await import('./api/alter-partition-reassignments.ts');
    return {
      request: api.alterPartitionReassignmentsRequest,
      response: api.alterPartitionReassignmentsResponse,
    };
  },
  46: async () => {
    const api = await import('./api/list-partition-reassignments.ts');
    return {
      request: api.listPartitionReassignmentsRequest,
      response: api.listPartitionReassignmentsResponse,
    };
  },
  47: async () => {
    const api = await import('./api/offset-delete.ts');
    return { request: api.offsetDeleteRequest, response: api.offsetDeleteResponse };
  },
  48: async () => {
    const api = await import('./api/describe-client-quotas.ts');
    return { request: api.describeClientQuotasRequest, response: api.describeClientQuotasResponse };
  },
  49: async () => {
    const api = await import('./api/alter-client-quotas.ts');
    return { request: api.alterClientQuotasRequest, response: api.alterClientQuotasResponse };
  },
  50: async () => {
    const api = await import('./api/describe-user-scram-credentials.ts');
    return {
      request: api.describeUserScramCredentialsRequest,
      response: api.describeUserScramCredentialsResponse,
    };
  },
  51: async () => {
    const api = await import('./api/alter-user-scram-credentials.ts');
    return {
      request: api.alterUserScramCredentialsRequest,
      response: api.alterUserScramCredentialsResponse,
    };
  },
  52: async () => {
    const api = await import('./api/vote.ts');
    return { request: api.voteRequest, response: api.voteResponse };
  },
  53: async () => {
    const api = await import('./api/begin-quorum-epoch.ts');
    return { request: api.beginQuorumEpochRequest, response: api.beginQuorumEpochResponse };
  },
  54: async () => {
    const api = await import('./api/end-quorum-epoch.ts');
    return { request: api.endQuorumEpochRequest, response: api.endQuorumEpochResponse };
  },
  55: async () => {
    const api = await import('./api/describe-quorum.ts');
    return { request: api.describeQuorumRequest, response: api.describeQuorumResponse };
  },
  56: async () => {
    const api = await import('./api/alter-partition.ts');
    return { request: api.alterPartitionRequest, response: api.alterPartitionResponse };
  },
  57: async () => {
    const api = await import('./api/update-features.ts');
    return { request: api.updateFeaturesRequest, response: api.updateFeaturesResponse };
  },
  58: async () => {
    const api = await import('./api/envelope.ts');
    return { request: api.envelopeRequest, response: api.envelopeResponse };
  },
  59: async () => {
    const api = await import('./api/fetch-snapshot.ts');
    return { request: api.fetchSnapshotRequest, response: api.fetchSnapshotResponse };
  },
  60: async () => {
    const api = await import('./api/describe-cluster.ts');
    return { request: api.describeClusterRequest, response: api.describeClusterResponse };
  },
  61: async () => {
    const api = await import('./api/describe-producers.ts');
    return { request: api.describeProducersRequest, response: api.describeProducersResponse };
  },
  62: async () => {
    const api = await import('./api/broker-registration.ts');
    return { request: api.brokerRegistrationRequest, response: api.brokerRegistrationResponse };
  },
  63: async () => {
    const api = await import('./api/broker-heartbeat.ts');
    return { request: api.brokerHeartbeatRequest, response: api.brokerHeartbeatResponse };
  },
  64: async () => {
    const api = await import('./api/unregister-broker.ts');
    return { request: api.unregisterBrokerRequest, response: api.unregisterBrokerResponse };
  },
  65: async () => {
    const api = await import('./api/describe-transactions.ts');
    return { request: api.describeTransactionsRequest, response: api.describeTransactionsResponse };
  },
  66: async () => {
    const api = await import('./api/list-transactions.ts');
    return { request: api.listTransactionsRequest, response: api.listTransactionsResponse };
  },
  67: async () => {
    const api = await import('./api/allocate-producer-ids.ts');
    return { request: api.allocateProducerIdsRequest, response: api.allocateProducerIdsResponse };
  },
  68: async () => {
    const api = await import('./api/consumer-group-heartbeat.ts');
    return {
      request: api.consumerGroupHeartbeatRequest,
      response: api.consumerGroupHeartbeatResponse,
    };
  },
  69: async () => {
    const api = await import('./api/consumer-group-describe.ts');
    return {
      request: api.consumerGroupDescribeRequest,
      response: api.consumerGroupDescribeResponse,
    };
  },
  70: async () => {
    const api = await import('./api/controller-registration.ts');
    return {
      request: api.controllerRegistrationRequest,
      response: api.controllerRegistrationResponse,
    };
  },
  71: async () => {
    const api = await import('./api/get-telemetry-subscriptions.ts');
    return {
      request: api.getTelemetrySubscriptionsRequest,
      response: api.getTelemetrySubscriptionsResponse,
    };
  },
  72: async () => {
    const api = await import('./api/push-telemetry.ts');
    return { request: api.pushTelemetryRequest, response: api.pushTelemetryResponse };
  },
  73: async () => {
    const api = await import('./api/assign-replicas-to-dirs.ts');
    return { request: api.assignReplicasToDirsRequest, response: api.assignReplicasToDirsResponse };
  },
  74: async () => {
    const api = await import('./api/list-config-resources.ts');
    return { request: api.listConfigResourcesRequest, response: api.listConfigResourcesResponse };
  },
  75: async () => {
    const api = await import('./api/describe-topic-partitions.ts');
    return {
      request: api.describeTopicPartitionsRequest,
      response: api.describeTopicPartitionsResponse,
    };
  },
  76: async () => {
    const api = await import('./api/share-group-heartbeat.ts');
    return { request: api.shareGroupHeartbeatRequest, response: api.shareGroupHeartbeatResponse };
  },
  77: async () => {
    const api = await import('./api/share-group-describe.ts');
    return { request: api.shareGroupDescribeRequest, response: api.shareGroupDescribeResponse };
  },
  78: async () => {
    const api = await import('./api/share-fetch.ts');
    return { request: api.shareFetchRequest, response: api.shareFetchResponse };
  },
  79: async () => {
    const api = await import('./api/share-acknowledge.ts');
    return { request: api.shareAcknowledgeRequest, response: api.shareAcknowledgeResponse };
  },
  80: async () => {
    const api = await import('./api/add-raft-voter.ts');
    return { request: api.addRaftVoterRequest, response: api.addRaftVoterResponse };
  },
  81: async () => {
    const api = await import('./api/remove-raft-voter.ts');
    return { request: api.removeRaftVoterRequest, response: api.removeRaftVoterResponse };
  },
  82: async () => {
    const api = await import('./api/update-raft-voter.ts');
    return { request: api.updateRaftVoterRequest, response: api.updateRaftVoterResponse };
  },
  83: async () => {
    const api = await import('./api/initialize-share-group-state.ts');
    return {
      request: api.initializeShareGroupStateRequest,
      response: api.initializeShareGroupStateResponse,
    };
  },
  84: async () => {
    const api = await import('./api/read-share-group-state.ts');
    return { request: api.readShareGroupStateRequest, response: api.readShareGroupStateResponse };
  },
  85: async () => {
    const api = await import('./api/write-share-group-state.ts');
    return { request: api.writeShareGroupStateRequest, response: api.writeShareGroupStateResponse };
  },
  86: async () => {
    const api = await import('./api/delete-share-group-state.ts');
    return {
      request: api.deleteShareGroupStateRequest,
      response: api.deleteShareGroupStateResponse,
    };
  },
  87: async () => {
    const api = await import('./api/read-share-group-state-summary.ts');
    return {
      request: api.readShareGroupStateSummaryRequest,
      response: api.readShareGroupStateSummaryResponse,
    };
  },
  88: async () => {
    const api = await import('./api/streams-group-heartbeat.ts');
    return {
      request: api.streamsGroupHeartbeatRequest,
      response: api.streamsGroupHeartbeatResponse,
    };
  },
  89: async () => {
    const api = await import('./api/streams-group-describe.ts');
    return { request: api.streamsGroupDescribeRequest, response: api.streamsGroupDescribeResponse };
  },
  90: async () => {
    const api = await import('./api/describe-share-group-offsets.ts');
    return {
      request: api.describeShareGroupOffsetsRequest,
      response: api.describeShareGroupOffsetsResponse,
    };
  },
  91: async () => {
    const api = await import('./api/alter-share-group-offsets.ts');
    return {
      request: api.alterShareGroupOffsetsRequest,
      response: api.alterShareGroupOffsetsResponse,
    };
  },
  92: async () => {
    const api = await import('./api/delete-share-group-offsets.ts');
    return {
      request: api.deleteShareGroupOffsetsRequest,
      response: api.deleteShareGroupOffsetsResponse,
    };
  },
};

const loaded: (Api | undefined)[] = [];

/** The API of that key when it is loaded already; saves the turn of the event loop that `apiByKey` takes. */
export function loadedApi(apiKey: number): Api | undefined {
  return loaded[apiKey];
}

/** The API of that key, loaded if need be. Rejects with a `WireError` 'unsupported-version' when there is none. */
export async function apiByKey(apiKey: number): Promise<Api> {
  const known = loaded[apiKey];
  if (known !== undefined) return known;
  const load = LOADERS[apiKey];
  if (load === undefined) throw new WireError('unsupported-version', `there is no API ${apiKey}`);
  const api = await load();
  loaded[apiKey] = api;
  return api;
}

/** Every message there is, for tests and tools that take messages by name. */
export async function allMessages(): Promise<MessageCodec[]> {
  const apis = await Promise.all(Object.keys(LOADERS).map((key) => apiByKey(Number(key))));
  const others = await Promise.all([
    import('./header.ts'),
    import('./records/control-records.ts'),
    import('./records/consumer-protocol.ts'),
    import('./records/principal.ts'),
    import('./records/consumer-offsets.ts'),
    import('./records/consumer-group-state.ts'),
    import('./records/share-group-state.ts'),
    import('./records/streams-group-state.ts'),
    import('./records/transaction-log.ts'),
  ]);
  return [
    ...apis.flatMap((api) => [api.request, api.response]),
    ...others.flatMap((module) => Object.values(module).filter(isMessage)),
  ];
}

function isMessage(value: unknown): value is MessageCodec {
  return typeof value === 'object' && value !== null && 'fields' in value && 'versions' in value;
}

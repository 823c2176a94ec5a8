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

/** By API key. Each module exports its request and its response. */
const MODULES: { readonly [apiKey: number]: () => Promise<object> } = {
  0: () => import('./api/produce.ts'),
  1: () => import('./api/fetch.ts'),
  2: () => import('./api/list-offsets.ts'),
  3: () => import('./api/metadata.ts'),
  8: () => import('./api/offset-commit.ts'),
  9: () => import('./api/offset-fetch.ts'),
  10: () => import('./api/find-coordinator.ts'),
  11: () => import('./api/join-group.ts'),
  12: () => import('./api/heartbeat.ts'),
  13: () => import('./api/leave-group.ts'),
  14: () => import('./api/sync-group.ts'),
  15: () => import('./api/describe-groups.ts'),
  16: () => import('./api/list-groups.ts'),
  17: () => import('./api/sasl-handshake.ts'),
  18: () => import('./api/api-versions.ts'),
  19: () => import('./api/create-topics.ts'),
  20: () => import('./api/delete-topics.ts'),
  21: () => import('./api/delete-records.ts'),
  22: () => import('./api/init-producer-id.ts'),
  23: () => import('./api/offset-for-leader-epoch.ts'),
  24: () => import('./api/add-partitions-to-txn.ts'),
  25: () => import('./api/add-offsets-to-txn.ts'),
  26: () => import('./api/end-txn.ts'),
  27: () => import('./api/write-txn-markers.ts'),
  28: () => import('./api/txn-offset-commit.ts'),
  29: () => import('./api/describe-acls.ts'),
  30: () => import('./api/create-acls.ts'),
  31: () => import('./api/delete-acls.ts'),
  32: () => import('./api/describe-configs.ts'),
  33: () => import('./api/alter-configs.ts'),
  34: () => import('./api/alter-replica-log-dirs.ts'),
  35: () => import('./api/describe-log-dirs.ts'),
  36: () => import('./api/sasl-authenticate.ts'),
  37: () => import('./api/create-partitions.ts'),
  38: () => import('./api/create-delegation-token.ts'),
  39: () => import('./api/renew-delegation-token.ts'),
  40: () => import('./api/expire-delegation-token.ts'),
  41: () => import('./api/describe-delegation-token.ts'),
  42: () => import('./api/delete-groups.ts'),
  43: () => import('./api/elect-leaders.ts'),
  44: () => import('./api/incremental-alter-configs.ts'),
  45: () => import('./api/alter-partition-reassignments.ts'),
  46: () => import('./api/list-partition-reassignments.ts'),
  47: () => import('./api/offset-delete.ts'),
  48: () => import('./api/describe-client-quotas.ts'),
  49: () => import('./api/alter-client-quotas.ts'),
  50: () => import('./api/describe-user-scram-credentials.ts'),
  51: () => import('./api/alter-user-scram-credentials.ts'),
  52: () => import('./api/vote.ts'),
  53: () => import('./api/begin-quorum-epoch.ts'),
  54: () => import('./api/end-quorum-epoch.ts'),
  55: () => import('./api/describe-quorum.ts'),
  56: () => import('./api/alter-partition.ts'),
  57: () => import('./api/update-features.ts'),
  58: () => import('./api/envelope.ts'),
  59: () => import('./api/fetch-snapshot.ts'),
  60: () => import('./api/describe-cluster.ts'),
  61: () => import('./api/describe-producers.ts'),
  62: () => import('./api/broker-registration.ts'),
  63: () => import('./api/broker-heartbeat.ts'),
  64: () => import('./api/unregister-broker.ts'),
  65: () => import('./api/describe-transactions.ts'),
  66: () => import('./api/list-transactions.ts'),
  67: () => import('./api/allocate-producer-ids.ts'),
  68: () => import('./api/consumer-group-heartbeat.ts'),
  69: () => import('./api/consumer-group-describe.ts'),
  70: () => import('./api/controller-registration.ts'),
  71: () => import('./api/get-telemetry-subscriptions.ts'),
  72: () => import('./api/push-telemetry.ts'),
  73: () => import('./api/assign-replicas-to-dirs.ts'),
  74: () => import('./api/list-config-resources.ts'),
  75: () => import('./api/describe-topic-partitions.ts'),
  76: () => import('./api/share-group-heartbeat.ts'),
  77: () => import('./api/share-group-describe.ts'),
  78: () => import('./api/share-fetch.ts'),
  79: () => import('./api/share-acknowledge.ts'),
  80: () => import('./api/add-raft-voter.ts'),
  81: () => import('./api/remove-raft-voter.ts'),
  82: () => import('./api/update-raft-voter.ts'),
  83: () => import('./api/initialize-share-group-state.ts'),
  84: () => import('./api/read-share-group-state.ts'),
  85: () => import('./api/write-share-group-state.ts'),
  86: () => import('./api/delete-share-group-state.ts'),
  87: () => import('./api/read-share-group-state-summary.ts'),
  88: () => import('./api/streams-group-heartbeat.ts'),
  89: () => import('./api/streams-group-describe.ts'),
  90: () => import('./api/describe-share-group-offsets.ts'),
  91: () => import('./api/alter-share-group-offsets.ts'),
  92: () => import('./api/delete-share-group-offsets.ts'),
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
  const load = MODULES[apiKey];
  if (load === undefined) throw new WireError('unsupported-version', `there is no API ${apiKey}`);
  const messages = Object.values(await load()).filter(isMessage);
  const api = {
    request: messages.find(({ name }) => name.endsWith('Request'))!,
    response: messages.find(({ name }) => name.endsWith('Response'))!,
  };
  loaded[apiKey] = api;
  return api;
}

/** Every message there is, for tests and tools that take messages by name. */
export async function allMessages(): Promise<MessageCodec[]> {
  const apis = await Promise.all(Object.keys(MODULES).map((key) => apiByKey(Number(key))));
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

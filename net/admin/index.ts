/**
 * The administrative half of the broker, on the main thread: every API that changes or describes metadata. Net threads
 * hand over decoded request bodies and get decoded response bodies back. Nothing throws across this boundary: each
 * answer has one row per thing asked, with its own error code, as Kafka answers.
 *
 * Handlers lie one API a file and are loaded when they are first asked, which keeps them out of the start.
 */

import { internalTopicConfigs } from '../../cluster/internal-topics.ts';
import { INTERNAL_TOPICS, topicNameProblem } from '../../cluster/topic-names.ts';
import { isRefusal, type TopicCreation } from '../../cluster/topic-plans.ts';
import { assert } from '../../engine/base/assert.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import type { AdminContext, AdminHandler, AdminServices } from './admin-services.ts';
import { outcomesOf } from './failures.ts';

export type { AdminContext, AdminServices } from './admin-services.ts';

/** What became of a name that a Metadata request asked to auto-create. */
export interface AutoCreation {
  readonly name: string;
  /** NONE: the topic exists now, and every image knows it. */
  readonly errorCode: number;
}

// biome-ignore lint/suspicious/noExplicitAny: each handler knows its own bodies; the API key chooses both together
type AnyHandler = { readonly handle: AdminHandler<any, object> };

const HANDLERS: ReadonlyMap<number, () => Promise<AnyHandler>> = new Map([
  [19, (): Promise<AnyHandler> => import('./create-topics.ts')],
  [20, (): Promise<AnyHandler> => import('./delete-topics.ts')],
  [21, (): Promise<AnyHandler> => import('./delete-records.ts')],
  [22, (): Promise<AnyHandler> => import('./init-producer-id.ts')],
  [23, (): Promise<AnyHandler> => import('./offset-for-leader-epoch.ts')],
  [32, (): Promise<AnyHandler> => import('./describe-configs.ts')],
  [33, (): Promise<AnyHandler> => import('./alter-configs.ts')],
  [35, (): Promise<AnyHandler> => import('./describe-log-dirs.ts')],
  [37, (): Promise<AnyHandler> => import('./create-partitions.ts')],
  [44, (): Promise<AnyHandler> => import('./incremental-alter-configs.ts')],
  [61, (): Promise<AnyHandler> => import('./describe-producers.ts')],
  [74, (): Promise<AnyHandler> => import('./list-config-resources.ts')],
]);

export class AdminApi {
  readonly #services: AdminServices;

  constructor(services: AdminServices) {
    this.#services = services;
  }

  /** True for the API keys that `handle` answers. */
  static serves(apiKey: number): boolean {
    return HANDLERS.has(apiKey);
  }

  /** Answers one request with the response body for the same version. Rejects only when the broker itself is broken. */
  async handle(
    apiKey: number,
    version: number,
    body: unknown,
    _context: AdminContext,
  ): Promise<object> {
    const load = HANDLERS.get(apiKey);
    assert(load !== undefined, `admin: no handler for API key ${apiKey}`);
    const { handle } = await load();
    return handle(body, this.#services, version);
  }

  /** Creates the topics a Metadata request names, if settings allow; one row per name, in order. */
  async createForMetadata(names: readonly string[]): Promise<AutoCreation[]> {
    const { controller, settings } = this.#services;
    const wanted = [...new Set(names)].filter((name) => topicNameProblem(name) === null);
    const codes = new Map<string, number>();
    if (settings.values.autoCreateTopicsEnable && wanted.length > 0) {
      const creating = controller.createTopics(wanted.map((name) => autoCreation(name, settings)));
      const outcomes = await outcomesOf(wanted.length, creating);
      for (const [index, outcome] of outcomes.entries()) {
        const exists = !isRefusal(outcome) || outcome.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS;
        codes.set(wanted[index]!, exists ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      }
    }
    return names.map((name) => ({
      name,
      errorCode:
        topicNameProblem(name) === null
          ? (codes.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
          : ErrorCode.INVALID_TOPIC_EXCEPTION,
    }));
  }
}

/** The topics of the coordinators have a form of their own, wherever they are first asked for. */
function autoCreation(name: string, settings: BrokerSettings): TopicCreation {
  const partitionsSetting: Readonly<Record<string, string>> = {
    __consumer_offsets: 'offsets.topic.num.partitions',
    __transaction_state: 'transaction.state.log.num.partitions',
    __share_group_state: 'share.coordinator.state.topic.num.partitions',
  };
  const setting = partitionsSetting[name];
  return {
    name,
    partitions: setting === undefined ? -1 : (settings.value(setting) as number),
    replicationFactor: -1,
    assignments: [],
    configs: INTERNAL_TOPICS.has(name)
      ? Object.entries(internalTopicConfigs(name)).map(([config, value]) => ({
          name: config,
          value,
        }))
      : [],
  };
}

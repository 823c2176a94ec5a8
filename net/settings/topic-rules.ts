/**
 * What topic configs mean under these broker settings, for the controller. Outcomes are remembered by the text of the
 * configs, so that thousands of topics configured alike share one LogConfig, and forgotten when a setting changes.
 *
 * Main thread.
 */
import type { ResolvedTopic, TopicConfigs, TopicRules } from '../../cluster/controller.ts';
import type { BrokerSettings } from './broker-settings.ts';
import {
  effectiveValue,
  TOPIC_CONFIGS,
  toLogConfig,
  validateTopicConfigs,
} from './topic-configs.ts';

export class SettingsTopicRules implements TopicRules {
  readonly #settings: BrokerSettings;
  readonly #resolved = new Map<string, ResolvedTopic>();
  #version = -1;

  constructor(settings: BrokerSettings) {
    this.#settings = settings;
  }

  get defaultPartitions(): number {
    return this.#settings.values.numPartitions;
  }

  get defaultReplicationFactor(): number {
    return this.#settings.values.defaultReplicationFactor;
  }

  problem(configs: TopicConfigs): string | null {
    return validateTopicConfigs(configs);
  }

  resolve(configs: TopicConfigs): ResolvedTopic {
    if (this.#version !== this.#settings.version) {
      this.#resolved.clear();
      this.#version = this.#settings.version;
    }
    const key = JSON.stringify(configs);
    let resolved = this.#resolved.get(key);
    if (resolved === undefined) {
      const minimum = TOPIC_CONFIGS.get('min.insync.replicas')!;
      resolved = {
        log: toLogConfig(configs, this.#settings),
        minInsyncReplicas: effectiveValue(minimum, configs, this.#settings) as number,
      };
      this.#resolved.set(key, resolved);
    }
    return resolved;
  }
}

/**
 * The dynamic configs of brokers, groups and client metrics subscriptions: kept in the store, read from memory. What
 * they mean and whether they are valid is decided by whoever sets them.
 *
 * Main thread.
 */
import { CONFIGS_PREFIX, type ConfigResourceKind, configsKey } from './metadata-keys.ts';
import type { MetadataStore } from './metadata-store.ts';

export type ResourceConfigValues = ReadonlyMap<string, string>;

const NONE: ResourceConfigValues = new Map();

export class ResourceConfigs {
  readonly #store: MetadataStore;
  readonly #configs = new Map<string, ResourceConfigValues>();

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  async load(): Promise<void> {
    const { values } = await this.#store.range(CONFIGS_PREFIX);
    for (const { key, value } of values) {
      this.#configs.set(key, new Map(Object.entries(JSON.parse(value) as Record<string, string>)));
    }
  }

  get(kind: ConfigResourceKind, name: string): ResourceConfigValues {
    return this.#configs.get(configsKey(kind, name)) ?? NONE;
  }

  /** Names of this kind that have at least one config, ascending. */
  names(kind: ConfigResourceKind): string[] {
    const prefix = configsKey(kind, '');
    return [...this.#configs.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
      .sort();
  }

  /** Replaces all configs of one resource; none at all forgets it. Durable when it resolves. */
  async set(kind: ConfigResourceKind, name: string, configs: ResourceConfigValues): Promise<void> {
    const key = configsKey(kind, name);
    const value = JSON.stringify(Object.fromEntries(configs));
    await this.#store.txn({
      compare: [],
      apply: [configs.size === 0 ? { delete: key } : { put: key, value }],
    });
    if (configs.size === 0) this.#configs.delete(key);
    else this.#configs.set(key, configs);
  }
}

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
  #lastChange: Promise<unknown> = Promise.resolve();

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

  /**
   * Runs a change of one resource's configs after those before it. `work` sees them as they stand; the configs it hands
   * to `store` replace all (none at all forgets the resource) and are durable when `store` resolves.
   */
  change<T>(
    kind: ConfigResourceKind,
    name: string,
    work: (
      current: ResourceConfigValues,
      store: (configs: ResourceConfigValues) => Promise<void>,
    ) => Promise<T>,
  ): Promise<T> {
    const result = this.#lastChange.then(() =>
      work(this.get(kind, name), (configs) => this.#set(configsKey(kind, name), configs)),
    );
    this.#lastChange = result.catch(() => {});
    return result;
  }

  async #set(key: string, configs: ResourceConfigValues): Promise<void> {
    const value = JSON.stringify(Object.fromEntries(configs));
    await this.#store.txn({
      compare: [],
      apply: [configs.size === 0 ? { delete: key } : { put: key, value }],
    });
    if (configs.size === 0) this.#configs.delete(key);
    else this.#configs.set(key, configs);
  }
}

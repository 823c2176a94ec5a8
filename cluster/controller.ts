/**
 * Owns the truth about topics: creates and deletes them, adds partitions, changes configs, and carries each change
 * through the same four steps: the metadata store, the engine, the images, the answer. Changes are made one after the
 * other, so each sees the outcome of the one before; reads go to the image and wait for nobody.
 *
 * Crashes between the steps: a topic that is in the store but not in the engine is opened at the next start (creating
 * what is missing). A topic that is deleted in the store but whose files are still there has left a `deleted-topics` key
 * in the same transaction, and the next start finishes the deletion, so files of a deleted topic never come back under a
 * new one of that name. Directories that no key knows are adopted as topics: a data directory of Kafka's, or one whose
 * metadata was lost, serves its records.
 *
 * Main thread. No sockets, no clock; randomness and configs' meaning are injected.
 */
import { assert } from '../engine/base/assert.ts';
import { ErrorCode } from '../engine/base/error-codes.ts';
import { PARTITIONS_PER_REQUEST_MAX } from '../engine/base/limits.ts';
import { randomUuid } from '../engine/base/uuid.ts';
import {
  type Engine,
  type LogConfig,
  Marks,
  type PartitionRef,
  type PartitionSpec,
} from '../engine/index.ts';
import { adoptDirectories } from './adoption.ts';
import type { KraftMetadata } from './kraft-metadata.ts';
import {
  type BrokerImage,
  compactDirectories,
  type ImageDelta,
  MetadataImage,
  type TopicDelta,
} from './metadata-image.ts';
import {
  collapse,
  DELETED_TOPICS_PREFIX,
  type DeletedTopicRecord,
  deletedTopicKey,
  ofPartition,
  TOPICS_PREFIX,
  type TopicRecord,
  topicKey,
} from './metadata-keys.ts';
import type { MetadataStore, Operation } from './metadata-store.ts';
import { ProducerIds } from './producer-ids.ts';
import type { ResourceConfigs } from './resource-configs.ts';
import { INTERNAL_TOPICS } from './topic-names.ts';
import {
  isRefusal,
  type PartitionsCreation,
  type PlanningContext,
  planPartitions,
  planTopic,
  type Refusal,
  refuse,
  requestedPartitions,
  type TopicCreation,
  type TopicPlan,
} from './topic-plans.ts';
import { type Topic, TopicTable } from './topic-table.ts';

export type TopicConfigs = Readonly<Record<string, string>>;

/** What topic configs mean; the settings of the broker stand behind it. */
export interface TopicRules {
  /** What is wrong with a topic's configs, or null. */
  problem(configs: TopicConfigs): string | null;
  /** What they amount to. The same object for configs that amount to the same. */
  resolve(configs: TopicConfigs): ResolvedTopic;
  readonly defaultPartitions: number;
  readonly defaultReplicationFactor: number;
}

export interface ResolvedTopic {
  readonly log: LogConfig;
  readonly minInsyncReplicas: number;
}

export type ControllerEngine = Pick<
  Engine,
  'openPartitions' | 'deletePartitions' | 'configure' | 'discovered' | 'client' | 'producers'
>;

export interface ControllerOptions {
  readonly store: MetadataStore;
  readonly engine: ControllerEngine;
  readonly rules: TopicRules;
  /** Loaded already: broker-wide configs decide what topics inherit. */
  readonly resourceConfigs: ResourceConfigs;
  readonly clusterId: string;
  readonly nodeId: number;
  /** What the metadata of a foreign data directory says that is opened in place. */
  readonly foreign?: KraftMetadata | undefined;
  /** Fills the bytes it is handed. */
  readonly random: (bytes: Uint8Array) => void;
  readonly log: (line: string) => void;
}

export interface CreatedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: TopicConfigs;
}

/** The files and marks of a partition are opened in calls of this many, so that a start with many does not stall. */
const OPEN_PARTITIONS_PER_CALL = 10_000;

export class Controller {
  readonly clusterId: string;
  readonly nodeId: number;
  /** The main thread's own image of what this controller decided. */
  readonly image = new MetadataImage();
  readonly producerIds: ProducerIds;
  /** Configs of everything that is not a topic. */
  readonly resourceConfigs: ResourceConfigs;
  /** Sends a delta to every other holder of an image; resolves when all have applied it. Set by the broker. */
  publish: (delta: ImageDelta) => Promise<void> = async () => {};
  readonly #store: MetadataStore;
  readonly #engine: ControllerEngine;
  readonly #rules: TopicRules;
  readonly #random: (bytes: Uint8Array) => void;
  readonly #log: (line: string) => void;
  readonly #topics = new TopicTable();
  readonly #foreign: KraftMetadata | undefined;
  #brokerIds: number[];
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(options: ControllerOptions) {
    this.clusterId = options.clusterId;
    this.nodeId = options.nodeId;
    this.#store = options.store;
    this.#engine = options.engine;
    this.#rules = options.rules;
    this.#foreign = options.foreign;
    this.#random = options.random;
    this.#log = options.log;
    this.#brokerIds = [options.nodeId];
    this.producerIds = new ProducerIds(options.store);
    this.resourceConfigs = options.resourceConfigs;
  }

  /** Reads the store, finishes what a crash left half done, adopts unknown directories, opens every partition. */
  static async open(options: ControllerOptions): Promise<Controller> {
    const controller = new Controller(options);
    await controller.#load();
    return controller;
  }

  topic(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  topicById(topicId: string): Topic | undefined {
    return this.#topics.getById(topicId);
  }

  topics(): IterableIterator<Topic> {
    return this.#topics.all();
  }

  /** Tells every image which brokers there are. */
  announce(brokers: readonly BrokerImage[]): Promise<void> {
    return this.#change(async () => {
      this.#brokerIds = brokers.map((broker) => broker.id).sort((a, b) => a - b);
      await this.#publish({
        clusterId: this.clusterId,
        controllerId: this.nodeId,
        brokers,
      });
    });
  }

  /** Creates what can be created; one outcome per creation, in order. Names must be distinct. */
  createTopics(
    creations: readonly TopicCreation[],
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<(CreatedTopic | Refusal)[]> {
    return this.#change(async () => {
      const context = this.#planningContext();
      const requested = creations.reduce(
        (sum, creation) => sum + requestedPartitions(creation, context.defaultPartitions),
        0,
      );
      if (requested > PARTITIONS_PER_REQUEST_MAX) {
        const message = 'Excessively large number of partitions per request.';
        return creations.map(() => refuse(ErrorCode.POLICY_VIOLATION, message));
      }
      const plans = creations.map((creation) => planTopic(creation, context));
      const accepted: { plan: TopicPlan; record: TopicRecord }[] = [];
      const outcomes = plans.map((plan): CreatedTopic | Refusal => {
        if (isRefusal(plan)) return plan;
        const record = this.#newRecord(plan);
        accepted.push({ plan, record });
        const { name, partitions, replicationFactor, configs } = plan;
        return { name, topicId: record.id, partitions, replicationFactor, configs };
      });
      if (options.validateOnly !== true && accepted.length > 0) await this.#create(accepted);
      return outcomes;
    });
  }

  /** Deletes topics that exist; when this resolves their names are free. Returns those that existed. */
  deleteTopics(names: readonly string[]): Promise<Set<string>> {
    return this.#change(async () => {
      const topics = names
        .map((name) => this.#topics.get(name))
        .filter((topic) => topic !== undefined);
      if (topics.length === 0) return new Set<string>();
      await this.#commit({
        compare: topics.map(({ name, revision }) => ({ key: topicKey(name), revision })),
        apply: topics.flatMap((topic): Operation[] => {
          const deleted: DeletedTopicRecord = { name: topic.name, partitions: topic.slots.length };
          return [
            { delete: topicKey(topic.name) },
            { put: deletedTopicKey(topic.record.id), value: JSON.stringify(deleted) },
          ];
        }),
      });
      for (const topic of topics) this.#topics.delete(topic);
      await this.#publish({ deletedTopics: topics.map((topic) => topic.name) });
      await this.#engine.deletePartitions(topics.flatMap((topic) => topic.slots));
      await this.#commit({
        compare: [],
        apply: topics.map((topic) => ({ delete: deletedTopicKey(topic.record.id) })),
      });
      return new Set(topics.map((topic) => topic.name));
    });
  }

  /** Adds partitions to topics; one outcome per creation, in order: null when done. Names must be distinct. */
  createPartitions(
    creations: readonly PartitionsCreation[],
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<(Refusal | null)[]> {
    return this.#change(async () => {
      const added = creations.reduce((sum, { name, count }) => {
        const current = this.#topics.get(name)?.record.partitions;
        return current === undefined ? sum : sum + Math.max(0, count - current);
      }, 0);
      if (added > PARTITIONS_PER_REQUEST_MAX) {
        return creations.map(() => refuse(ErrorCode.UNKNOWN_SERVER_ERROR));
      }
      const changes: { topic: Topic; record: TopicRecord }[] = [];
      const outcomes = creations.map((creation): Refusal | null => {
        const topic = this.#topics.get(creation.name);
        if (topic === undefined) return refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
        const { record } = topic;
        const current = {
          partitions: record.partitions,
          replicationFactor: ofPartition(record.replicas, 0).length,
        };
        const replicas = planPartitions(creation, current, this.#brokerIds);
        if (isRefusal(replicas)) return replicas;
        changes.push({ topic, record: withPartitions(record, creation.count, replicas) });
        return null;
      });
      if (options.validateOnly !== true && changes.length > 0) await this.#grow(changes);
      return outcomes;
    });
  }

  /**
   * Works out new configs for topics and carries them out; they hold when this resolves. `decide` sees the configs as
   * they stand and returns the new ones, or why not; it runs in turn with every other change.
   */
  alterTopicConfigs(
    names: readonly string[],
    decide: (name: string, configs: TopicConfigs) => { configs: TopicConfigs } | Refusal,
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<(Refusal | null)[]> {
    return this.#change(async () => {
      const changes: { topic: Topic; record: TopicRecord }[] = [];
      const outcomes = names.map((name): Refusal | null => {
        const topic = this.#topics.get(name);
        if (topic === undefined) {
          const message = `The topic '${name}' does not exist.`;
          return refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message);
        }
        const decision = decide(name, topic.record.configs);
        if (isRefusal(decision)) return decision;
        const { configs } = decision;
        const problem = this.#rules.problem(configs);
        if (problem !== null) return refuse(ErrorCode.INVALID_CONFIG, problem);
        changes.push({ topic, record: { ...topic.record, configs } });
        return null;
      });
      if (options.validateOnly !== true && changes.length > 0) {
        const { revision } = await this.#commitRecords(changes);
        await this.#reconfigure(
          changes.map(({ topic, record }) => this.#topics.set({ ...topic, record, revision })),
        );
      }
      return outcomes;
    });
  }

  /** Takes broker settings into account that changed: those of topics without a value of their own. */
  settingsChanged(): Promise<void> {
    return this.#change(() => this.#reconfigure([...this.#topics.all()]));
  }

  /** Runs changes one after the other: each sees what the one before left. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(work);
    this.#lastChange = result.catch(() => {});
    return result;
  }

  #planningContext(): PlanningContext {
    return {
      brokerIds: this.#brokerIds,
      defaultPartitions: this.#rules.defaultPartitions,
      // A default that more brokers could meet must not keep one broker from serving at all.
      defaultReplicationFactor: Math.min(
        this.#rules.defaultReplicationFactor,
        this.#brokerIds.length,
      ),
      topicExists: (name) => this.#topics.get(name) !== undefined,
      collidingTopic: (name) => this.#topics.colliding(name),
      configProblem: (configs) => this.#rules.problem(configs),
    };
  }

  #newRecord(plan: TopicPlan): TopicRecord {
    return {
      id: randomUuid(this.#random),
      partitions: plan.partitions,
      replicas: collapse(plan.replicas),
      leaderEpochs: [0],
      configs: plan.configs,
    };
  }

  async #create(topics: readonly { plan: TopicPlan; record: TopicRecord }[]): Promise<void> {
    const { revision } = await this.#commit({
      compare: topics.map(({ plan }) => ({ key: topicKey(plan.name), revision: 0 })),
      apply: topics.map(({ plan, record }) => ({
        put: topicKey(plan.name),
        value: JSON.stringify(record),
      })),
    });
    const created = await this.#openTopics(
      topics.map(({ plan, record }) => ({ name: plan.name, record, revision })),
    );
    await this.#publish({ topics: created.map((topic) => this.#topicDelta(topic)) });
  }

  async #grow(changes: readonly { topic: Topic; record: TopicRecord }[]): Promise<void> {
    const { revision } = await this.#commitRecords(changes);
    const specs = changes.flatMap(({ topic, record }) =>
      this.#specs(topic.name, record, topic.slots.length),
    );
    const refs = await this.#open(specs);
    let next = 0;
    const grown = changes.map(({ topic, record }) => {
      const added = refs.slice(next, next + record.partitions - topic.slots.length);
      next += added.length;
      return this.#topics.set({
        name: topic.name,
        record,
        revision,
        slots: [...topic.slots, ...added.map((ref) => ref.slot)],
        directories: [...topic.directories, ...added.map((ref) => ref.directory)],
      });
    });
    await this.#publish({ topics: grown.map((topic) => this.#topicDelta(topic)) });
  }

  #commitRecords(changes: readonly { topic: Topic; record: TopicRecord }[]) {
    return this.#commit({
      compare: changes.map(({ topic }) => ({
        key: topicKey(topic.name),
        revision: topic.revision,
      })),
      apply: changes.map(({ topic, record }) => ({
        put: topicKey(topic.name),
        value: JSON.stringify(record),
      })),
    });
  }

  /** This controller is the only writer of topics, so a comparison that fails is a broken invariant. */
  async #commit(transaction: Parameters<MetadataStore['txn']>[0]): Promise<{ revision: number }> {
    const result = await this.#store.txn(transaction);
    assert(result.ok, 'controller: another writer has changed a topic');
    return result;
  }

  /** Configures the logs of topics whose configs or defaults changed, then tells the images. */
  async #reconfigure(topics: readonly Topic[]): Promise<void> {
    await this.#engine.configure(
      topics.flatMap((topic) => {
        const config = this.#rules.resolve(topic.record.configs).log;
        return topic.slots.map((slot) => ({ slot, config }));
      }),
    );
    await this.#publish({ topics: topics.map((topic) => this.#topicDelta(topic)) });
  }

  async #publish(delta: Omit<ImageDelta, 'version'>): Promise<void> {
    const versioned: ImageDelta = { ...delta, version: this.image.version + 1 };
    this.image.apply(versioned);
    await this.publish(versioned);
  }

  async #load(): Promise<void> {
    const { values } = await this.#store.range(TOPICS_PREFIX);
    const stored = values.map(({ key, value, revision }) => ({
      name: key.slice(TOPICS_PREFIX.length),
      record: JSON.parse(value) as TopicRecord,
      revision,
    }));
    const deleted = await this.#finishDeletions();
    const topics = await this.#openTopics(stored);
    topics.push(...(await this.#adopt(new Set(stored.map((topic) => topic.name)), deleted)));
    this.image.apply({
      version: 1,
      clusterId: this.clusterId,
      controllerId: this.nodeId,
      topics: topics.map((topic) => this.#topicDelta(topic)),
    });
  }

  /** Removes the files of topics whose deletion a crash interrupted. Returns their ids. */
  async #finishDeletions(): Promise<Set<string>> {
    const { values } = await this.#store.range(DELETED_TOPICS_PREFIX);
    const ids = new Set(values.map(({ key }) => key.slice(DELETED_TOPICS_PREFIX.length)));
    if (ids.size === 0) return ids;
    const remaining = this.#engine.discovered.filter(
      ({ topicId }) => topicId !== null && ids.has(topicId),
    );
    const { log } = this.#rules.resolve({});
    const refs = await this.#open(
      remaining.map(({ topic, partition, topicId }) => ({
        topic,
        partition,
        topicId,
        config: log,
        leaderEpoch: 0,
      })),
    );
    await this.#engine.deletePartitions(refs.map((ref) => ref.slot));
    await this.#commit({ compare: [], apply: values.map(({ key }) => ({ delete: key })) });
    this.#log(`finished the deletion of ${ids.size} topics that a crash had interrupted`);
    return ids;
  }

  /** Their logs are opened before the store hears of them: what leader epochs they hold is known only then. */
  async #adopt(known: ReadonlySet<string>, deletedIds: ReadonlySet<string>): Promise<Topic[]> {
    const unknown = this.#engine.discovered.filter(
      ({ topic, topicId }) => !known.has(topic) && !(topicId !== null && deletedIds.has(topicId)),
    );
    const found = adoptDirectories(unknown, {
      nodeId: this.nodeId,
      newId: () => randomUuid(this.#random),
      configsOf: (name) => this.#foreignConfigs(name),
    });
    if (found.length === 0) return [];
    const opened = await this.#openTopics(found.map((topic) => ({ ...topic, revision: 0 })));
    const marks = new Marks();
    const adopted = opened.map((topic) => {
      const leaderEpochs = topic.slots.map((slot) =>
        this.#engine.client.marks(slot, marks) ? marks.leaderEpoch : 0,
      );
      return { topic, record: { ...topic.record, leaderEpochs: collapse(leaderEpochs) } };
    });
    await this.#skipProducerIds(opened);
    const { revision } = await this.#commitRecords(adopted);
    const names = found.map(({ name }) => name);
    this.#log(`adopted ${names.length} topics found in the data directory: ${names.join(', ')}`);
    return adopted.map(({ topic, record }) => this.#topics.set({ ...topic, record, revision }));
  }

  /** Configs that this broker does not take are left out, each with a line. */
  #foreignConfigs(topic: string): TopicConfigs | undefined {
    const configs = this.#foreign?.topicConfigs.get(topic);
    if (configs === undefined) return undefined;
    const taken = Object.entries(configs).filter(([name, value]) => {
      const problem = this.#rules.problem(Object.fromEntries([[name, value]]));
      if (problem !== null) this.#log(`config of adopted topic ${topic} is left out: ${problem}`);
      return problem === null;
    });
    return Object.fromEntries(taken);
  }

  /** Adopted logs remember producers: a new one with the id of an old one would be taken for it. */
  async #skipProducerIds(topics: readonly Topic[]): Promise<void> {
    let first = this.#foreign?.nextProducerId ?? 0;
    const slots = topics.flatMap((topic) => topic.slots);
    for (const producers of await Promise.all(slots.map((slot) => this.#engine.producers(slot)))) {
      for (const { producerId } of producers) first = Math.max(first, producerId + 1);
    }
    if (first > 0) await this.producerIds.skipTo(first);
  }

  async #openTopics(
    topics: readonly { name: string; record: TopicRecord; revision: number }[],
  ): Promise<Topic[]> {
    const refs = await this.#open(
      topics.flatMap(({ name, record }) => this.#specs(name, record, 0)),
    );
    let next = 0;
    return topics.map((topic) => {
      const own = refs.slice(next, next + topic.record.partitions);
      next += own.length;
      return this.#topics.set({
        ...topic,
        slots: own.map((ref) => ref.slot),
        directories: own.map((ref) => ref.directory),
      });
    });
  }

  #specs(name: string, record: TopicRecord, first: number): PartitionSpec[] {
    const config = this.#rules.resolve(record.configs).log;
    const specs: PartitionSpec[] = [];
    for (let partition = first; partition < record.partitions; partition++) {
      specs.push({
        topic: name,
        partition,
        topicId: record.id,
        config,
        leaderEpoch: ofPartition(record.leaderEpochs, partition),
      });
    }
    return specs;
  }

  async #open(specs: readonly PartitionSpec[]): Promise<PartitionRef[]> {
    const refs: PartitionRef[] = [];
    for (let at = 0; at < specs.length; at += OPEN_PARTITIONS_PER_CALL) {
      const some = specs.slice(at, at + OPEN_PARTITIONS_PER_CALL);
      for (const ref of await this.#engine.openPartitions(some)) refs.push(ref);
    }
    for (const { topic, partition, errorCode, errorMessage } of refs) {
      if (errorCode !== 0) this.#log(`partition ${topic}-${partition} is offline: ${errorMessage}`);
    }
    return refs;
  }

  #topicDelta(topic: Topic): TopicDelta {
    const { name, record, slots, directories } = topic;
    const { log, minInsyncReplicas } = this.#rules.resolve(record.configs);
    return {
      name,
      topicId: record.id,
      isInternal: INTERNAL_TOPICS.has(name),
      minInsyncReplicas,
      maxMessageBytes: log.maxMessageBytes,
      messageTimestampType: log.messageTimestampType,
      slots,
      ...compactDirectories(directories),
      leaderIds: collapse(record.replicas.map((brokers) => brokers[0]!)),
      leaderEpochs: record.leaderEpochs,
      replicas: record.replicas,
      isr: record.replicas,
    };
  }
}

function withPartitions(
  record: TopicRecord,
  count: number,
  added: readonly (readonly number[])[],
): TopicRecord {
  const before = Array.from({ length: record.partitions }, (_, partition) =>
    ofPartition(record.replicas, partition),
  );
  const after = Array.from({ length: count - record.partitions }, (_, index) =>
    ofPartition(added, index),
  );
  const epochs = Array.from({ length: count }, (_, partition) =>
    partition < record.partitions ? ofPartition(record.leaderEpochs, partition) : 0,
  );
  return {
    ...record,
    partitions: count,
    replicas: collapse([...before, ...after]),
    leaderEpochs: collapse(epochs),
  };
}

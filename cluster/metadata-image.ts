/**
 * What every thread that answers clients knows of the cluster: brokers, topics, partitions and where their logs lie.
 * The main thread owns the truth and sends deltas; a net thread holds its own image, applies them in order and
 * acknowledges. An administrative call is answered only after every image has acknowledged its delta.
 *
 * Deltas are structured-cloneable and small: a topic travels whole, but as a few arrays of numbers, not as an object
 * per partition. TopicImage objects are replaced, never changed, so a request may keep one while it works.
 */

export interface BrokerImage {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface PartitionImage {
  readonly partition: number;
  /** Slot of the partition table, the engine's name for the partition; -1 while the log could not be opened. */
  readonly slot: number;
  /** Where its segment files lie. */
  readonly directory: string;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offline: readonly number[];
}

export interface TopicImage {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionImage[];
  readonly minInsyncReplicas: number;
  readonly maxMessageBytes: number;
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
}

/** A topic as it travels. Arrays with one element stand for "the same for every partition". */
export interface TopicDelta {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly minInsyncReplicas: number;
  readonly maxMessageBytes: number;
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  /** Slot per partition. */
  readonly slots: readonly number[];
  /** Directory of partition 0 without its `-0`, when all follow that pattern; otherwise one directory each. */
  readonly directoryStem: string | null;
  readonly directories: readonly string[] | null;
  readonly leaderIds: readonly number[];
  readonly leaderEpochs: readonly number[];
  readonly replicas: readonly (readonly number[])[];
  readonly isr: readonly (readonly number[])[];
}

export interface ImageDelta {
  /** Version of the image after this delta. */
  readonly version: number;
  readonly clusterId?: string;
  readonly controllerId?: number;
  readonly brokers?: readonly BrokerImage[];
  /** Names that are gone; applied before `topics`, so one delta can replace a topic. */
  readonly deletedTopics?: readonly string[];
  readonly topics?: readonly TopicDelta[];
}

const NO_REPLICAS: readonly number[] = [];

export class MetadataImage {
  clusterId = '';
  controllerId = -1;
  brokers: readonly BrokerImage[] = [];
  version = 0;
  readonly #byName = new Map<string, TopicImage>();
  readonly #byId = new Map<string, TopicImage>();

  topicByName(name: string): TopicImage | undefined {
    return this.#byName.get(name);
  }

  topicById(topicId: string): TopicImage | undefined {
    return this.#byId.get(topicId);
  }

  topics(): IterableIterator<TopicImage> {
    return this.#byName.values();
  }

  get topicCount(): number {
    return this.#byName.size;
  }

  /** Deltas are applied in the order of their versions; the caller acknowledges afterwards. */
  apply(delta: ImageDelta): void {
    if (delta.clusterId !== undefined) this.clusterId = delta.clusterId;
    if (delta.controllerId !== undefined) this.controllerId = delta.controllerId;
    if (delta.brokers !== undefined) this.brokers = delta.brokers;
    if (delta.deletedTopics !== undefined) {
      for (const name of delta.deletedTopics) {
        const topic = this.#byName.get(name);
        if (topic === undefined) continue;
        this.#byName.delete(name);
        this.#byId.delete(topic.topicId);
      }
    }
    if (delta.topics !== undefined) {
      for (const topicDelta of delta.topics) {
        const before = this.#byName.get(topicDelta.name);
        if (before !== undefined && before.topicId !== topicDelta.topicId) {
          this.#byId.delete(before.topicId);
        }
        const topic = expandTopic(topicDelta);
        this.#byName.set(topic.name, topic);
        this.#byId.set(topic.topicId, topic);
      }
    }
    this.version = delta.version;
  }

  /** The whole image as one delta: what a new thread starts from. */
  snapshot(): ImageDelta {
    return {
      version: this.version,
      clusterId: this.clusterId,
      controllerId: this.controllerId,
      brokers: this.brokers,
      topics: [...this.#byName.values()].map(compactTopic),
    };
  }
}

function expandTopic(delta: TopicDelta): TopicImage {
  const partitions: PartitionImage[] = new Array(delta.slots.length);
  for (let partition = 0; partition < delta.slots.length; partition++) {
    partitions[partition] = {
      partition,
      slot: delta.slots[partition]!,
      directory: delta.directories?.[partition] ?? `${delta.directoryStem}-${partition}`,
      leaderId: shared(delta.leaderIds, partition),
      leaderEpoch: shared(delta.leaderEpochs, partition),
      replicas: shared(delta.replicas, partition),
      isr: shared(delta.isr, partition),
      offline: NO_REPLICAS,
    };
  }
  return {
    name: delta.name,
    topicId: delta.topicId,
    isInternal: delta.isInternal,
    partitions,
    minInsyncReplicas: delta.minInsyncReplicas,
    maxMessageBytes: delta.maxMessageBytes,
    messageTimestampType: delta.messageTimestampType,
  };
}

function shared<T>(values: readonly T[], partition: number): T {
  return values.length === 1 ? values[0]! : values[partition]!;
}

/** A topic image as it travels. */
function compactTopic(topic: TopicImage): TopicDelta {
  const partitions = topic.partitions;
  return {
    name: topic.name,
    topicId: topic.topicId,
    isInternal: topic.isInternal,
    minInsyncReplicas: topic.minInsyncReplicas,
    maxMessageBytes: topic.maxMessageBytes,
    messageTimestampType: topic.messageTimestampType,
    slots: partitions.map((p) => p.slot),
    ...compactDirectories(partitions.map((p) => p.directory)),
    leaderIds: collapse(
      partitions.map((p) => p.leaderId),
      (a, b) => a === b,
    ),
    leaderEpochs: collapse(
      partitions.map((p) => p.leaderEpoch),
      (a, b) => a === b,
    ),
    replicas: collapse(
      partitions.map((p) => p.replicas),
      sameList,
    ),
    isr: collapse(
      partitions.map((p) => p.isr),
      sameList,
    ),
  };
}

/** Partition directories as they travel: by their common stem where they have one. */
export function compactDirectories(
  directories: readonly string[],
): Pick<TopicDelta, 'directoryStem' | 'directories'> {
  const stem = directories[0]?.replace(/-0$/, '') ?? '';
  const follow = directories.every((path, partition) => path === `${stem}-${partition}`);
  return follow ? { directoryStem: stem, directories: null } : { directoryStem: null, directories };
}

function collapse<T>(values: readonly T[], equal: (a: T, b: T) => boolean): readonly T[] {
  return values.every((value) => equal(value, values[0]!)) ? values.slice(0, 1) : values;
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

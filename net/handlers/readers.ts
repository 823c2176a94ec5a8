/**
 * The partition readers of one thread, one per partition, made when a partition is first read. A reader keeps descriptors
 * of its own; it is closed when its topic is gone.
 *
 * Thread of the front.
 */
import type { MetadataImage, PartitionImage, TopicImage } from '../../cluster/metadata-image.ts';
import type { EngineClient, PartitionReader } from '../../engine/index.ts';

interface OpenReader {
  readonly reader: PartitionReader;
  readonly topicId: string;
}

export class Readers {
  readonly #engine: EngineClient;
  readonly #bySlot = new Map<number, OpenReader>();

  constructor(engine: EngineClient) {
    this.#engine = engine;
  }

  /** `partition.slot` is not negative. */
  of(topic: TopicImage, partition: PartitionImage): PartitionReader {
    const { slot } = partition;
    const open = this.#bySlot.get(slot);
    if (open !== undefined && open.topicId === topic.topicId) return open.reader;
    open?.reader.close();
    const reader = this.#engine.reader(slot, partition.directory);
    this.#bySlot.set(slot, { reader, topicId: topic.topicId });
    return reader;
  }

  /** Closes the readers of topics that the image does not have any more. */
  closeGone(image: MetadataImage): void {
    for (const [slot, { reader, topicId }] of this.#bySlot) {
      if (image.topicById(topicId) !== undefined) continue;
      reader.close();
      this.#bySlot.delete(slot);
    }
  }

  close(): void {
    for (const { reader } of this.#bySlot.values()) reader.close();
    this.#bySlot.clear();
  }
}

/**
 * The topics there are, by name, by id and by the key under which names collide. Main thread; the controller's own.
 */
import type { TopicRecord } from './metadata-keys.ts';
import { collisionKey, hasCollisionCharacter } from './topic-names.ts';

/** A topic as the controller knows it. */
export interface Topic {
  readonly name: string;
  readonly record: TopicRecord;
  /** Of its key in the store. */
  readonly revision: number;
  /** Per partition. */
  readonly slots: readonly number[];
  readonly directories: readonly string[];
}

export class TopicTable {
  readonly #byName = new Map<string, Topic>();
  readonly #namesById = new Map<string, string>();
  readonly #namesByCollision = new Map<string, Set<string>>();

  get(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  getById(topicId: string): Topic | undefined {
    const name = this.#namesById.get(topicId);
    return name === undefined ? undefined : this.#byName.get(name);
  }

  all(): IterableIterator<Topic> {
    return this.#byName.values();
  }

  /** A topic whose name differs from this one only in `.` and `_`, or null. */
  colliding(name: string): string | null {
    if (!hasCollisionCharacter(name)) return null;
    for (const other of this.#namesByCollision.get(collisionKey(name)) ?? []) {
      if (other !== name) return other;
    }
    return null;
  }

  /** Adds a topic, or replaces the one of that name and id. */
  set(topic: Topic): Topic {
    const { name, record } = topic;
    this.#byName.set(name, topic);
    this.#namesById.set(record.id, name);
    if (hasCollisionCharacter(name)) {
      const key = collisionKey(name);
      const names = this.#namesByCollision.get(key) ?? new Set();
      names.add(name);
      this.#namesByCollision.set(key, names);
    }
    return topic;
  }

  delete({ name, record }: Topic): void {
    this.#byName.delete(name);
    this.#namesById.delete(record.id);
    this.#namesByCollision.get(collisionKey(name))?.delete(name);
  }
}

/**
 * Finds a topic by the bytes of its name or id as they stand in a request, without making a string: requests name the same
 * few topics over and over. An open hash table of known topics; the image answers what is not in it, and any change of the
 * image empties it.
 *
 * Thread of the front.
 */
import type { MetadataImage, TopicImage } from '../../cluster/metadata-image.ts';
import { uuidFromBytes } from '../../engine/base/uuid.ts';

/** A known topic as requests name it. */
export interface Route {
  readonly hash: number;
  /** The bytes of the name or id. */
  readonly key: Uint8Array;
  /** Null: named, not given by its id. */
  readonly topicId: string | null;
  readonly name: string;
  readonly topic: TopicImage;
}

const SLOTS = 4096;
/** Beyond this share a search would grow long: start over with what is asked for now. */
const FILLED_MAX = SLOTS / 2;

export class TopicRoutes {
  readonly #image: MetadataImage;
  readonly #slots: (Route | null)[] = new Array<Route | null>(SLOTS).fill(null);
  #filled = 0;

  constructor(image: MetadataImage) {
    this.#image = image;
  }

  /** The image has changed. */
  clear(): void {
    if (this.#filled === 0) return;
    this.#slots.fill(null);
    this.#filled = 0;
  }

  /** By the UTF-8 bytes of its name. */
  byName(bytes: Uint8Array, at: number, size: number): Route | null {
    return this.#find(bytes, at, size, true);
  }

  /** By the 16 bytes of its id. */
  byId(bytes: Uint8Array, at: number): Route | null {
    return this.#find(bytes, at, 16, false);
  }

  #find(bytes: Uint8Array, at: number, size: number, isName: boolean): Route | null {
    let hash = isName ? 0x811c9dc5 : 0x2f0b4c47;
    for (let index = at; index < at + size; index++) {
      hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
    }
    let slot = hash & (SLOTS - 1);
    for (let route = this.#slots[slot]!; route !== null; route = this.#slots[slot]!) {
      if (route.hash === hash && isSame(route.key, bytes, at, size)) return route;
      slot = (slot + 1) & (SLOTS - 1);
    }
    return this.#look(bytes, at, size, isName, hash);
  }

  #look(bytes: Uint8Array, at: number, size: number, isName: boolean, hash: number): Route | null {
    const key = bytes.slice(at, at + size);
    const topic = isName
      ? this.#image.topicByName(Buffer.from(key).toString('utf8'))
      : this.#image.topicById(uuidFromBytes(key));
    if (topic === undefined) return null;
    if (this.#filled >= FILLED_MAX) this.clear();
    let slot = hash & (SLOTS - 1);
    while (this.#slots[slot] !== null) slot = (slot + 1) & (SLOTS - 1);
    const { name, topicId } = topic;
    const route = { hash, key, topicId: isName ? null : topicId, name, topic };
    this.#slots[slot] = route;
    this.#filled++;
    return route;
  }
}

function isSame(key: Uint8Array, bytes: Uint8Array, at: number, size: number): boolean {
  if (key.length !== size) return false;
  for (let index = 0; index < size; index++) {
    if (key[index] !== bytes[at + index]) return false;
  }
  return true;
}

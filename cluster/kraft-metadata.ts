/**
 * Reads what matters of the metadata log of Kafka's controllers (`__cluster_metadata-0`), when a data directory of Kafka's
 * is opened in place: the configs of its topics and of its brokers, which stand nowhere else, and the first producer id
 * that was never given. Without them a topic that keeps its records for ever would lose them to our default retention.
 *
 * A record's value is: frame version (unsigned varint, 1), record type and its version (unsigned varints), the fields in
 * the flexible encoding of Kafka's messages. Types and fields that are not needed are passed over; what cannot be read
 * ends the batch it is in.
 *
 * Any thread; pure.
 */
import { isMillraceError } from '../engine/base/errors.ts';
import { getInt64 } from '../engine/base/int64.ts';
import { uuidFromBytes } from '../engine/base/uuid.ts';
import { readUnsignedVarint, varint } from '../engine/base/varint.ts';
import { batchAttributes, batchBaseOffset, isControl } from '../engine/format/batch.ts';
import { recordsOf } from '../engine/format/records.ts';
import { believableSize } from '../engine/format/scan.ts';

export interface KraftMetadata {
  /** Configs by topic name. */
  readonly topicConfigs: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Configs by broker id; under the empty name those of all brokers. */
  readonly brokerConfigs: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly nextProducerId: number;
}

export interface KraftFiles {
  /** The newest snapshot: all that was decided before `endOffset`. */
  readonly snapshot: { readonly endOffset: number; readonly bytes: Uint8Array } | null;
  /** Segments of the log, oldest first. */
  readonly segments: readonly Uint8Array[];
}

const RecordType = { TOPIC: 2, CONFIG: 4, REMOVE_TOPIC: 9, PRODUCER_IDS: 15 } as const;
const ResourceType = { TOPIC: 2, BROKER: 4 } as const;
const FRAME_VERSION = 1;
/** brokerId int32, brokerEpoch int64, then the id. */
const NEXT_PRODUCER_ID_AT = 12;

type Configs = Map<string, Map<string, string>>;

export function readKraftMetadata(files: KraftFiles): KraftMetadata {
  const state = new KraftState();
  if (files.snapshot !== null) state.readBatches(files.snapshot.bytes, 0);
  for (const segment of files.segments) state.readBatches(segment, files.snapshot?.endOffset ?? 0);
  return {
    topicConfigs: plain(state.topicConfigs),
    brokerConfigs: plain(state.brokerConfigs),
    nextProducerId: state.nextProducerId,
  };
}

function plain(configs: Configs): Map<string, Record<string, string>> {
  return new Map([...configs].map(([name, values]) => [name, Object.fromEntries(values)]));
}

class KraftState {
  readonly topicConfigs: Configs = new Map();
  readonly brokerConfigs: Configs = new Map();
  nextProducerId = 0;
  readonly #topicNames = new Map<string, string>();

  /** Takes in the batches from `fromOffset` on. */
  readBatches(bytes: Uint8Array, fromOffset: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    for (;;) {
      const size = believableSize(view, at, bytes.length);
      if (size === 0 || at + size > bytes.length) return;
      if (batchBaseOffset(view, at) >= fromOffset && !isControl(batchAttributes(view, at))) {
        this.#readRecords(bytes, at);
      }
      at += size;
    }
  }

  #readRecords(bytes: Uint8Array, at: number): void {
    try {
      for (const { value } of recordsOf(bytes, at)) {
        if (value !== null) this.#take(new FieldReader(value));
      }
    } catch (error) {
      // Corrupt, too large when unfolded, or of an unknown codec: the rest of this batch is lost, what others say still counts.
      if (!isMillraceError(error)) throw error;
    }
  }

  #take(fields: FieldReader): void {
    if (fields.unsignedVarint() !== FRAME_VERSION) return;
    const type = fields.unsignedVarint();
    fields.unsignedVarint();
    if (type === RecordType.TOPIC) {
      const name = fields.string();
      this.#topicNames.set(fields.uuid(), name ?? '');
    } else if (type === RecordType.REMOVE_TOPIC) {
      this.topicConfigs.delete(this.#topicNames.get(fields.uuid()) ?? '');
    } else if (type === RecordType.PRODUCER_IDS) {
      fields.skip(NEXT_PRODUCER_ID_AT);
      this.nextProducerId = fields.int64();
    } else if (type === RecordType.CONFIG) {
      this.#takeConfig(fields);
    }
  }

  #takeConfig(fields: FieldReader): void {
    const resourceType = fields.int8();
    const resource = fields.string() ?? '';
    const name = fields.string() ?? '';
    const value = fields.string();
    if (resourceType !== ResourceType.TOPIC && resourceType !== ResourceType.BROKER) return;
    const all = resourceType === ResourceType.TOPIC ? this.topicConfigs : this.brokerConfigs;
    const configs = all.get(resource) ?? new Map<string, string>();
    if (value === null) configs.delete(name);
    else configs.set(name, value);
    all.set(resource, configs);
  }
}

/** Reads fields one after the other; past the end everything is 0 or null. */
class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  unsignedVarint(): number {
    const value = readUnsignedVarint(this.#bytes, this.#at, this.#bytes.length);
    this.#at = varint.end < 0 ? this.#bytes.length : varint.end;
    return value;
  }

  int8(): number {
    return this.#take(1) ? this.#view.getInt8(this.#at - 1) : 0;
  }

  int64(): number {
    return this.#take(8) ? getInt64(this.#view, this.#at - 8) : 0;
  }

  uuid(): string {
    return this.#take(16) ? uuidFromBytes(this.#bytes, this.#at - 16) : '';
  }

  string(): string | null {
    const length = this.unsignedVarint() - 1;
    if (length < 0 || !this.#take(length)) return null;
    return new TextDecoder().decode(this.#bytes.subarray(this.#at - length, this.#at));
  }

  skip(size: number): void {
    this.#take(size);
  }

  #take(size: number): boolean {
    if (this.#at + size > this.#bytes.length) {
      this.#at = this.#bytes.length;
      return false;
    }
    this.#at += size;
    return true;
  }
}

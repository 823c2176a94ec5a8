/**
 * An engine without logs, for tests of what decides about partitions: it hands out slots, remembers what it was told and
 * fails on demand. Directories look like real ones.
 */

import type { ControllerEngine } from '../../cluster/controller.ts';
import { assert } from '../../engine/base/assert.ts';
import { ErrorCode } from '../../engine/base/error-codes.ts';
import type {
  DiscoveredPartition,
  EngineClient,
  LogConfig,
  Marks,
  PartitionRef,
  PartitionSpec,
  ProducerSummary,
} from '../../engine/index.ts';

export interface FakePartition extends PartitionSpec {
  readonly slot: number;
  config: LogConfig;
}

export class FakeEngine implements ControllerEngine {
  readonly dataDir: string;
  discovered: readonly DiscoveredPartition[] = [];
  /** Open partitions by slot. */
  readonly partitions = new Map<number, FakePartition>();
  /** One line per call, in order. */
  readonly calls: string[] = [];
  /** Partitions (`topic-partition`) that cannot be opened. */
  readonly broken = new Set<string>();
  /** The latest leader epoch that the log of a partition (`topic-partition`) holds; 0 where nothing is said. */
  readonly epochs = new Map<string, number>();
  /** The producers that logs (`topic-partition`) remember. */
  readonly producerIds: { readonly name: string; readonly producerId: number }[] = [];
  /** Runs before each deletion: a place to crash. */
  beforeDelete: () => void = () => {};
  #nextSlot = 0;

  constructor(dataDir = '/data') {
    this.dataDir = dataDir;
  }

  /** The directories that a next engine on the same data would find. */
  directories(): DiscoveredPartition[] {
    return [...this.partitions.values()].map(({ topic, partition, topicId }) => ({
      topic,
      partition,
      topicId,
      directory: `${this.dataDir}/${topic}-${partition}`,
    }));
  }

  async openPartitions(specs: readonly PartitionSpec[]): Promise<PartitionRef[]> {
    this.calls.push(`open ${specs.length}`);
    return specs.map((spec) => {
      const { topic, partition, config } = spec;
      assert(config !== undefined, 'fake engine: a partition needs a config');
      const name = `${topic}-${partition}`;
      const isOpen = [...this.partitions.values()].some(
        (open) => open.topic === topic && open.partition === partition,
      );
      assert(!isOpen, `fake engine: ${name} is open already`);
      const slot = this.#nextSlot++;
      const isBroken = this.broken.has(name);
      this.partitions.set(slot, { ...spec, config, slot });
      return {
        topic,
        partition,
        slot,
        directory: `${this.dataDir}/${name}`,
        errorCode: isBroken ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE,
        errorMessage: isBroken ? 'the disk is broken' : null,
      };
    });
  }

  async deletePartitions(slots: readonly number[]): Promise<void> {
    this.calls.push(`delete ${slots.length}`);
    this.beforeDelete();
    for (const slot of slots) assert(this.partitions.delete(slot), `fake engine: no slot ${slot}`);
  }

  /** Every log is empty. */
  async deleteRecords(
    _slot: number,
    offset: number,
  ): Promise<{ errorCode: number; lowWatermark: number }> {
    return offset === 0 || offset === -1
      ? { errorCode: ErrorCode.NONE, lowWatermark: 0 }
      : { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 };
  }

  async endOffsetForEpoch(): Promise<{
    errorCode: number;
    leaderEpoch: number;
    endOffset: number;
  }> {
    return { errorCode: ErrorCode.NONE, leaderEpoch: -1, endOffset: -1 };
  }

  async producers(slot: number): Promise<ProducerSummary[]> {
    const partition = this.partitions.get(slot);
    return this.producerIds
      .filter(({ name }) => name === `${partition?.topic}-${partition?.partition}`)
      .map(({ producerId }) => ({
        producerId,
        producerEpoch: 0,
        lastSequence: 0,
        lastTimestamp: 0,
        coordinatorEpoch: 0,
        currentTxnStartOffset: -1,
      }));
  }

  /** Of the client only what reads the marks of a partition. */
  get client(): EngineClient {
    const marks = (slot: number, out: Marks): boolean => {
      out.cursor.fill(0);
      const partition = this.partitions.get(slot);
      out.leaderEpoch = this.epochs.get(`${partition?.topic}-${partition?.partition}`) ?? 0;
      return this.partitions.has(slot);
    };
    return { marks } as unknown as EngineClient;
  }

  async configure(changes: readonly { slot: number; config: LogConfig }[]): Promise<void> {
    this.calls.push(`configure ${changes.length}`);
    for (const { slot, config } of changes) this.partitions.get(slot)!.config = config;
  }
}

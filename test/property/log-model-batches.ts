/** Batches as the log model makes and remembers them, and what it knows of their producers. */

import { buildBatch } from '../../engine/format/batch-builder.ts';

export interface ModelRecord {
  readonly offset: number;
  readonly timestamp: number;
}

export interface ModelBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Uint8Array;
  readonly records: readonly ModelRecord[];
  readonly leaderEpoch: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** How a batch is to be made; `fault` says what is wrong with an idempotent producer's. */
export interface BatchPlan {
  readonly timestamps: readonly number[];
  readonly valueBytes: number;
  readonly codec: number;
  /** -1: not idempotent. */
  readonly producer: number;
  readonly fault: 'none' | 'repeat' | 'gap' | 'stale' | 'bump';
}

export interface ModelProducer {
  epoch: number;
  /** Newest last, five at most. */
  batches: { first: number; last: number; baseOffset: number }[];
}

export function noteBatch(
  producers: Map<number, ModelProducer>,
  batch: {
    producerId: number;
    producerEpoch: number;
    baseSequence: number;
    baseOffset: number;
    lastOffset: number;
  },
): void {
  const { producerId, producerEpoch, baseSequence, baseOffset, lastOffset } = batch;
  const known = producers.get(producerId);
  const entry = {
    first: baseSequence,
    last: baseSequence + lastOffset - baseOffset,
    baseOffset,
  };
  const isSame = known !== undefined && known.epoch === producerEpoch;
  const batches = isSame ? [...known.batches, entry].slice(-5) : [entry];
  producers.set(producerId, { epoch: producerEpoch, batches });
}

export function makeBatch(
  plan: BatchPlan,
  fields: {
    producerId: number;
    producerEpoch: number;
    baseSequence: number;
    baseOffset?: number;
    leaderEpoch?: number;
  },
): Uint8Array {
  const records = plan.timestamps.map((timestamp, i) => ({
    key: null,
    value: Buffer.alloc(plan.valueBytes, i + 65),
    timestamp,
  }));
  return Uint8Array.from(buildBatch({ ...fields, codec: plan.codec, records }));
}

/** The batch as it is stored: `bytes` are patched in place by the append. */
export function stored(
  plan: BatchPlan,
  fields: { producerId: number; producerEpoch: number; baseSequence: number },
  baseOffset: number,
  leaderEpoch: number,
  bytes: Uint8Array,
): ModelBatch {
  const image = Buffer.from(bytes);
  image.writeBigInt64BE(BigInt(baseOffset), 0);
  image.writeInt32BE(leaderEpoch, 12);
  return {
    ...fields,
    baseOffset,
    lastOffset: baseOffset + plan.timestamps.length - 1,
    bytes: image,
    records: plan.timestamps.map((timestamp, i) => ({ offset: baseOffset + i, timestamp })),
    leaderEpoch,
  };
}

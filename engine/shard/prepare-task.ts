/**
 * The entry module of the threads of `PreparePool`: prepares the batches of one order. No state.
 */

import { asItCame, type Preparation, type PreparedBatch, prepareBatch } from '../format/prepare.ts';

export interface PreparationOrder {
  /** The batches, one behind the other: the task's own. */
  readonly batches: ArrayBuffer;
  /** 0: nothing is to be done. */
  readonly sizes: readonly number[];
  readonly preparation: Preparation;
}

/** One result per batch, in their order. */
export default function prepareBatches(order: PreparationOrder): PreparedBatch[] {
  const bytes = new Uint8Array(order.batches);
  const source = { bytes, view: new DataView(order.batches) };
  let end = 0;
  return order.sizes.map((size) => {
    const at = end;
    end += size;
    return size === 0 ? asItCame : prepareBatch(source, at, size, order.preparation);
  });
}

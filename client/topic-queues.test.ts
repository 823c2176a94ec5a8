import { expect, test } from 'vitest';
import { BatchBuilder } from '../engine/format/batch-builder.ts';
import { BuilderPool, PendingBatch } from './pending-batch.ts';
import { TopicQueues } from './topic-queues.ts';

const pool = new BuilderPool(() => new BatchBuilder(), 0);
const openBatch = (partition: number): PendingBatch => new PendingBatch(1, 0, partition, pool);

test('partitioner: records without a key stay with a partition while its batch is open, then take turns', () => {
  const queues = new TopicQueues('t', 3, () => 0.5);
  const seen: number[] = [];
  for (let batch = 0; batch < 6; batch++) {
    const queue = queues.choose(null, null, 0, -1);
    queue.open = openBatch(queue.partition);
    expect(queues.choose(null, null, 0, -1)).toBe(queue);
    seen.push(queue.partition);
    queue.open = null;
  }
  expect(seen).toEqual([1, 2, 0, 1, 2, 0]);
});

test('partitioner: a key goes where its hash says, an empty key too, whatever was chosen before', () => {
  const queues = new TopicQueues('t', 12, () => 0);
  const at = (text: string): number =>
    queues.choose(null, Buffer.from(text), 0, Buffer.byteLength(text)).partition;
  expect([at('abc'), at(''), at('orders'), at('abc')]).toEqual([3, 9, 0, 3]);
});

test('partitioner: a key is a range of a larger buffer', () => {
  const queues = new TopicQueues('t', 12);
  expect(queues.choose(null, Buffer.from('xxabcyy'), 2, 3).partition).toBe(3);
});

test('partitioner: a partition that is named wins over the key', () => {
  const queues = new TopicQueues('t', 12);
  expect(queues.choose(7, Buffer.from('abc'), 0, 3).partition).toBe(7);
});

test('partitioner: partitions that were added take their turn and their keys', () => {
  const queues = new TopicQueues('t', 1);
  expect(queues.choose(null, Buffer.from('abc'), 0, 3).partition).toBe(0);
  queues.grow(12);
  queues.grow(3);
  expect(queues.count).toBe(12);
  expect(queues.choose(null, Buffer.from('abc'), 0, 3).partition).toBe(3);
});

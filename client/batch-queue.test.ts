import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchBuilder } from '../engine/format/batch-builder.ts';
import { BatchQueue } from './batch-queue.ts';
import { BuilderPool, PendingBatch } from './pending-batch.ts';

const pool = new BuilderPool(() => new BatchBuilder(256), 0);
let order = 0;

function fill(queue: BatchQueue, recordCount = 1, createdMs = 0): PendingBatch {
  const batch = new PendingBatch(++order, createdMs, queue.partition, pool);
  for (let index = 0; index < recordCount; index++) batch.builder.append(null, null, 0);
  queue.open = batch;
  queue.seal();
  return batch;
}

function takeAll(queue: BatchQueue, nowMs = 0): PendingBatch[] {
  const taken: PendingBatch[] = [];
  for (let batch = queue.take(nowMs); batch !== null; batch = queue.take(nowMs)) taken.push(batch);
  return taken;
}

/** A queue whose leader has taken a first batch, of `recordCount` records. */
function idempotentQueue(recordCount = 1): BatchQueue {
  const queue = new BatchQueue('t', 0);
  queue.renew({ producerId: 1, epoch: 0 });
  fill(queue, recordCount);
  queue.succeeded(queue.take(0)!);
  return queue;
}

test('queue: batches go out in the order in which they were sealed', () => {
  const queue = new BatchQueue('t', 0);
  const batches = [fill(queue), fill(queue), fill(queue)];
  expect(takeAll(queue)).toEqual(batches);
  expect(queue.take(0)).toBeNull();
  expect(queue.inFlightCount).toBe(3);
});

test('queue: sequences count records and survive a retry', () => {
  const queue = idempotentQueue();
  const [a, b] = [fill(queue, 3), fill(queue, 2)];
  takeAll(queue);
  expect([a.baseSequence, b.baseSequence]).toEqual([1, 4]);
  queue.postpone(a, 0);
  queue.postpone(b, 0);
  const c = fill(queue);
  expect(takeAll(queue)).toEqual([a, b, c]);
  expect([a.baseSequence, b.baseSequence, c.baseSequence]).toEqual([1, 4, 6]);
});

test('queue: after a failure nothing is sent until all in flight are answered, then the failed go first', () => {
  const queue = new BatchQueue('t', 0);
  const [a, b, c] = [fill(queue), fill(queue), fill(queue)];
  queue.take(0);
  queue.take(0);
  queue.postpone(a, 0);
  expect(queue.take(0)).toBeNull();
  queue.postpone(b, 0);
  expect(takeAll(queue)).toEqual([a, b, c]);
});

test('queue: a postponed batch waits for its time', () => {
  const queue = new BatchQueue('t', 0);
  const a = fill(queue);
  queue.take(0);
  queue.postpone(a, 100);
  expect(queue.take(99)).toBeNull();
  expect(queue.take(100)).toBe(a);
});

test('queue: a batch that failed for good leaves a gap, so the rest goes on under a new identity from sequence 0', () => {
  const queue = idempotentQueue();
  const [a, b, c] = [fill(queue, 4), fill(queue, 3), fill(queue, 2)];
  queue.take(0);
  queue.take(0);
  queue.failed(a);
  expect(queue.needsRenewal).toBe(true);
  queue.postpone(b, 0);
  expect(queue.take(0)).toBeNull();
  queue.renew({ producerId: 1, epoch: 1 });
  expect(takeAll(queue)).toEqual([b]);
  queue.succeeded(b);
  expect(takeAll(queue)).toEqual([c]);
  expect([b.baseSequence, c.baseSequence]).toEqual([0, 3]);
});

test('queue: without idempotence a failed batch holds nothing back', () => {
  const queue = new BatchQueue('t', 0);
  const [a, b] = [fill(queue), fill(queue)];
  queue.take(0);
  queue.failed(a);
  expect(queue.take(0)).toBe(b);
});

test('queue: the head is the oldest batch that is not done', () => {
  const queue = new BatchQueue('t', 0);
  const [a, b] = [fill(queue), fill(queue)];
  takeAll(queue);
  expect([queue.isHead(a), queue.isHead(b)]).toEqual([true, false]);
  queue.postpone(a, 0);
  expect(queue.isHead(b)).toBe(false);
});

test('queue: sequences wrap to 0 behind the largest int32', () => {
  const queue = idempotentQueue();
  fill(queue, 2).recordCount = 0x7ffffffe;
  const b = fill(queue, 1);
  takeAll(queue);
  expect(b.baseSequence).toBe(0x7fffffff);
  const c = fill(queue, 1);
  takeAll(queue);
  expect(c.baseSequence).toBe(0);
});

test('queue: old batches expire unless they are in flight; one that was tried leaves a gap', () => {
  const queue = idempotentQueue();
  const [a, b, c] = [fill(queue, 1, 0), fill(queue, 1, 0), fill(queue, 1, 50)];
  queue.take(0);
  expect(queue.expire(10)).toEqual([b]);
  expect(queue.needsRenewal).toBe(false);
  queue.postpone(a, 0);
  expect(queue.expire(10)).toEqual([a]);
  expect(queue.needsRenewal).toBe(true);
  queue.renew({ producerId: 1, epoch: 1 });
  expect(takeAll(queue)).toEqual([c]);
});

test('queue: under a new identity one batch is in flight until the leader has taken it', () => {
  const queue = new BatchQueue('t', 0);
  queue.renew({ producerId: 1, epoch: 0 });
  const [a, b, c] = [fill(queue), fill(queue), fill(queue)];
  expect(takeAll(queue)).toEqual([a]);
  queue.postpone(a, 0);
  expect(takeAll(queue)).toEqual([a]);
  queue.succeeded(a);
  expect(takeAll(queue)).toEqual([b, c]);
});

test('queue: no batch is sent that would make the leader forget one whose fate is not known', () => {
  const queue = idempotentQueue();
  const batches = Array.from({ length: 7 }, () => fill(queue));
  const first = queue.take(0)!;
  queue.postpone(first, 0);
  // The leader remembers five: the first and the four behind it.
  expect(takeAll(queue)).toEqual(batches.slice(0, 5));
  for (const batch of batches.slice(1, 5)) queue.succeeded(batch);
  expect(queue.take(0)).toBeNull();
  queue.postpone(first, 0);
  expect(takeAll(queue)).toEqual([first]);
  queue.succeeded(first);
  expect(takeAll(queue)).toEqual(batches.slice(5));
});

test('queue: the halves of a batch that was too large take its place', () => {
  const queue = new BatchQueue('t', 0);
  const [a, b] = [fill(queue, 4), fill(queue, 1)];
  takeAll(queue);
  a.encode(null, { codec: 0, level: undefined });
  const halves = a.split()!;
  queue.replace(a, halves);
  queue.postpone(b, 0);
  expect(queue.take(0)).toBe(halves[0]);
  halves[0].encode(null, { codec: 0, level: undefined });
  const quarters = halves[0].split()!;
  queue.replace(halves[0], quarters);
  expect(takeAll(queue)).toEqual([...quarters, halves[1], b]);
});

test('queue: whatever fails and however often, an idempotent partition gets every batch once and in order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.array(fc.constantFrom('take', 'lose', 'ack-lost', 'ack'), {
        minLength: 1,
        maxLength: 200,
      }),
      (batchCount, script) => {
        const queue = new BatchQueue('t', 0);
        queue.renew({ producerId: 1, epoch: 0 });
        const batches = Array.from({ length: batchCount }, () => fill(queue, 1));
        const log: PendingBatch[] = [];
        const isRemembered = (batch: PendingBatch): boolean => log.slice(-5).includes(batch);
        let inFlight: PendingBatch[] = [];
        let nextSequence = 0;
        // A partition leader: appends what comes in order, and anything from a producer it does not know.
        const arrive = (batch: PendingBatch): 'appended' | 'duplicate' | 'out-of-order' => {
          const isKnown = log.length > 0;
          if (isRemembered(batch)) return 'duplicate';
          expect(log.includes(batch)).toBe(false);
          if (isKnown && batch.baseSequence > nextSequence) return 'out-of-order';
          nextSequence = batch.baseSequence + 1;
          log.push(batch);
          return 'appended';
        };
        const answer = (kind: string): void => {
          const batch = inFlight.shift();
          if (batch === undefined) return;
          const arrived = kind === 'lose' ? 'lost' : arrive(batch);
          if (kind === 'ack' && arrived !== 'out-of-order') queue.succeeded(batch);
          else queue.postpone(batch, 0);
        };
        for (const step of [
          ...script,
          ...Array.from({ length: 200 }, () => ['take', 'ack']).flat(),
        ]) {
          if (step !== 'take') answer(step);
          else if (inFlight.length < 5) {
            const batch = queue.take(0);
            if (batch !== null) inFlight = [...inFlight, batch];
          }
        }
        expect(log).toEqual(batches);
        expect(queue.isEmpty && queue.inFlightCount === 0).toBe(true);
      },
    ),
  );
});

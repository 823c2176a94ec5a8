/** A ring behaves as a bounded queue, whatever the order of claims, commits, aborts and reads, also past the int32 wrap. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  HEAD_WORD,
  RECORD_WORDS,
  type RingPlace,
  ringBytes,
  TAIL_WORD,
} from '../../engine/ring/ring-layout.ts';
import { RingReader } from '../../engine/ring/ring-reader.ts';
import { RING_FULL, RingWriter } from '../../engine/ring/ring-writer.ts';

const command = fc.oneof(
  fc.record({ verb: fc.constant('claim' as const), value: fc.integer() }),
  fc.record({ verb: fc.constant('commit' as const) }),
  fc.record({ verb: fc.constant('abort' as const) }),
  fc.record({ verb: fc.constant('read' as const), limit: fc.integer({ min: 0, max: 20 }) }),
);

function placeAt(capacity: number, progress: number): RingPlace {
  const words = new Int32Array(ringBytes(capacity) / 4);
  words[HEAD_WORD] = progress;
  words[TAIL_WORD] = progress;
  return { words, base: 0, capacity };
}

test('ring: equals a bounded queue under any sequence of verbs, at any progress', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.oneof(fc.integer(), fc.integer({ min: 0x7ffffff0, max: 0x7fffffff })),
      fc.array(command, { maxLength: 300 }),
      (log2, progress, commands) => {
        const capacity = 1 << log2;
        const place = placeAt(capacity, progress);
        const writer = new RingWriter(place);
        const reader = new RingReader(place);
        const queue: number[] = [];
        let claimed: number[] = [];
        for (const step of commands) {
          if (step.verb === 'claim') {
            const at = writer.tryClaim();
            if (queue.length + claimed.length === capacity) {
              expect(at).toBe(RING_FULL);
              continue;
            }
            expect(at).not.toBe(RING_FULL);
            for (let i = 0; i < RECORD_WORDS; i++) place.words[at + i] = (step.value + i) | 0;
            claimed.push(step.value | 0);
          } else if (step.verb === 'commit') {
            writer.commit();
            queue.push(...claimed);
            claimed = [];
          } else if (step.verb === 'abort') {
            writer.abort();
            claimed = [];
          } else {
            const seen: number[] = [];
            const count = reader.read((words, at) => {
              for (let i = 1; i < RECORD_WORDS; i++) {
                expect(words[at + i]).toBe((words[at]! + i) | 0);
              }
              seen.push(words[at]!);
            }, step.limit);
            expect(count).toBe(seen.length);
            // A reader may lag behind what it looked up last, never skip, reorder or invent.
            expect(seen).toEqual(queue.slice(0, count));
            if (queue.length > 0 && step.limit > 0) expect(count).toBeGreaterThan(0);
            queue.splice(0, count);
          }
          expect(writer.used()).toBe(queue.length + claimed.length);
          expect(reader.hasRecords()).toBe(queue.length > 0);
        }
      },
    ),
    { numRuns: 300 },
  );
});

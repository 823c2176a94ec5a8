/** Random records and batches for the property tests of the format. */

import fc from 'fast-check';
import { buildBatch, type RecordInput } from '../../engine/format/batch-builder.ts';

/** Runs per property: small enough for every test run; raise it with FORMAT_RUNS to search longer. */
export const runs = Number(process.env.FORMAT_RUNS ?? 200);

const bytes = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ maxLength: Math.min(maxLength, 40) }),
    // Long and repetitive: what codecs are made for.
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 0, max: maxLength }))
      .map(([pattern, length]) => new Uint8Array(Buffer.alloc(length, pattern))),
  );

const headerKey = fc
  .string({ maxLength: 12, unit: 'grapheme' })
  .filter((key) => key.isWellFormed());

const timestamp = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_010_000 }),
  fc.integer({ min: -1, max: 2 ** 48 }),
  fc.maxSafeInteger().map((value) => Math.trunc(value / 4) + 0),
);

export const recordInput: fc.Arbitrary<RecordInput> = fc.record({
  key: fc.option(bytes(300), { nil: null }),
  value: fc.option(bytes(5000), { nil: null }),
  timestamp,
  headers: fc.array(fc.record({ key: headerKey, value: fc.option(bytes(50), { nil: null }) }), {
    maxLength: 3,
  }),
});

export const codec = fc.integer({ min: 0, max: 4 });

/** Batches as producers send them, with rising offsets as a leader would give them, back to back. */
export const batches: fc.Arbitrary<Uint8Array[]> = fc
  .array(
    fc.record({
      records: fc.array(recordInput, { minLength: 1, maxLength: 5 }),
      codec,
      gap: fc.integer({ min: 0, max: 3 }),
      leaderEpoch: fc.integer({ min: 0, max: 9 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) => {
    let nextOffset = 0;
    return list.map(({ records, gap, ...fields }) => {
      const baseOffset = nextOffset + gap;
      nextOffset = baseOffset + records.length;
      return buildBatch({ ...fields, baseOffset, records });
    });
  });

/** Laws of the journal, against a model: crashes anywhere, failing writes, another number of shards with every start. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FaultyOperation } from '../../engine/io/faulty-file-system.ts';
import { JournalUnderTest } from './journal-model.ts';

/** Runs per property; raise it with LOG_RUNS to search longer. */
const runs = Number(process.env.LOG_RUNS ?? 200);

const part = fc.integer({ min: 0, max: 3 });
const share = fc.integer({ min: 0, max: 100 });
const shards = fc.integer({ min: 1, max: 3 });
const batches = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    valueBytes: fc.integer({ max: 250, min: 0 }),
  }),
  { minLength: 1, maxLength: 3 },
);
const plans = fc.array(fc.record({ part, batches, isFollower: fc.boolean() }), {
  minLength: 1,
  maxLength: 6,
});

const on = <const N extends string>(name: N) => fc.record({ name: fc.constant(name), part, share });
const action = fc.oneof(
  { weight: 16, arbitrary: fc.record({ name: fc.constant('pass' as const), plans }) },
  { weight: 2, arbitrary: on('truncate') },
  { weight: 1, arbitrary: on('startAnew') },
  { weight: 1, arbitrary: on('deleteRecords') },
  { weight: 1, arbitrary: on('recreate') },
  { weight: 1, arbitrary: on('flush') },
  { weight: 2, arbitrary: on('beginFlush') },
  { weight: 2, arbitrary: on('endFlush') },
  { weight: 1, arbitrary: on('roll') },
  { weight: 1, arbitrary: on('tick') },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

const kind = fc.constantFrom('power' as const, 'power' as const, 'kill' as const);
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ how: fc.constant('do' as const), action }) },
  { weight: 2, arbitrary: fc.record({ how: fc.constant('crash' as const), kind, shards }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('reopen' as const), shards }) },
  {
    weight: 3,
    arbitrary: fc.record({
      how: fc.constant('dieIn' as const),
      action,
      kind,
      shards,
      call: fc.integer({ min: 1, max: 30 }),
    }),
  },
);
const failure = fc.record({
  operation: fc.constantFrom('pwrite', 'sync', 'pread', 'open') as fc.Arbitrary<FaultyOperation>,
  kind: fc.constantFrom('disk-full' as const, 'io' as const),
  call: fc.integer({ min: 1, max: 12 }),
});

function perform(run: JournalUnderTest, what: Action): void {
  switch (what.name) {
    case 'pass':
      run.pass(what.plans);
      break;
    case 'truncate':
      run.truncate(what.part, what.share);
      break;
    case 'startAnew':
      run.startAnew(what.part, what.share);
      break;
    case 'deleteRecords':
      run.deleteRecords(what.part, what.share);
      break;
    case 'recreate':
      run.recreate(what.part);
      break;
    case 'flush':
      run.flush(what.part);
      break;
    case 'beginFlush':
      run.beginFlush(what.part);
      break;
    case 'endFlush':
      run.endFlush(what.part);
      break;
    case 'roll':
      run.roll(what.part);
      break;
    case 'tick':
      run.tick();
      break;
  }
}

describe('journal', { timeout: 60_000 + 100 * runs }, () => {
  test('nothing acknowledged is lost or changed by any crash, and nothing that was cut comes back', () => {
    let writtenBack = 0;
    fc.assert(
      fc.property(
        fc.integer(),
        shards,
        fc.array(step, { maxLength: 40, size: 'max' }),
        (seed, count, steps) => {
          const run = new JournalUnderTest(seed, count);
          for (const each of steps) {
            if (each.how === 'do') perform(run, each.action);
            else if (each.how === 'crash') run.crash(each.kind, each.shards);
            else if (each.how === 'reopen') run.reopen(each.shards);
            else {
              const fault = { call: each.call, kind: 'crash' as const };
              run.step(() => perform(run, each.action), { ...each, fault });
            }
          }
          run.checkAll();
          run.crash('power', 2);
          writtenBack += run.writtenBack;
        },
      ),
      { numRuns: runs, interruptAfterTimeLimit: 60_000 + 50 * runs },
    );
    // Otherwise the test said nothing of the replay. Usually it is a third of the runs.
    expect(writtenBack).toBeGreaterThan(runs / 20);
  });

  test('nor when single writes and syncs fail in between', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.record({ plans, failure, action }), { maxLength: 15, size: 'max' }),
        (seed, steps) => {
          const run = new JournalUnderTest(seed, 1);
          for (const { plans, failure, action } of steps) {
            run.fs.setFault(failure);
            run.pass(plans);
            run.fs.setFault(null);
            perform(run, action);
            run.checkAll();
          }
          run.crash('power', 1);
        },
      ),
      { numRuns: runs, interruptAfterTimeLimit: 60_000 + 50 * runs },
    );
  });
});

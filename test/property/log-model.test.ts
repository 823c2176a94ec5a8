/** Laws of the partition log, against a model, with crashes anywhere. */

import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Fault } from '../../engine/io/faulty-file-system.ts';
import type { LogConfig } from '../../engine/log/log-config.ts';
import { LogUnderTest, type RestartKind, smallConfig } from './log-model.ts';
import type { BatchPlan } from './log-model-batches.ts';

/** Runs per property; raise it with LOG_RUNS to search longer. */
const runs = Number(process.env.LOG_RUNS ?? 200);

const plan: fc.Arbitrary<BatchPlan> = fc.record({
  timestamps: fc.array(fc.integer({ min: 990_000, max: 1_010_000 }), {
    minLength: 1,
    maxLength: 3,
  }),
  valueBytes: fc.integer({ min: 0, max: 250 }),
  codec: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constantFrom(1, 4)),
  producer: fc.integer({ min: -1, max: 1 }),
  fault: fc.constantFrom('none', 'none', 'repeat', 'repeat', 'gap', 'stale', 'bump'),
});

const plans = fc.array(plan, { minLength: 1, maxLength: 8, size: 'max' });
const share = fc.integer({ min: 0, max: 100 });

/** An action on the log; numbers are shares of what is there, so that they mean something while shrinking. */
const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ name: fc.constant('append' as const), plans }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('follow' as const), plans }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('truncate' as const), share }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('deleteRecords' as const), share }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('retain' as const) }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('roll' as const) }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('flush' as const) }) },
  { weight: 3, arbitrary: fc.record({ name: fc.constant('beginFlush' as const) }) },
  { weight: 3, arbitrary: fc.record({ name: fc.constant('endFlush' as const) }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('epoch' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      name: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 15_000 }),
    }),
  },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

const look = fc.oneof(
  fc.record({
    name: fc.constant('read' as const),
    share,
    maxBytes: fc.integer({ min: 1, max: 4000 }),
  }),
  fc.record({
    name: fc.constant('lookUp' as const),
    timestamp: fc.integer({ min: 989_000, max: 1_011_000 }),
  }),
);
type Look = typeof look extends fc.Arbitrary<infer T> ? T : never;

const restart = fc.constantFrom('clean', 'kill', 'power') as fc.Arbitrary<RestartKind>;

const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('do' as const), action }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('look' as const), look }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), restart }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('dieIn' as const),
      action,
      call: fc.integer({ min: 1, max: 40 }),
      power: fc.boolean(),
    }),
  },
);

function perform(log: LogUnderTest, what: Action): void {
  const offsetAt = (part: number): number => {
    const from = log.log.segments()[0]!.baseOffset;
    return from + Math.round(((log.endOffset - from) * part) / 100);
  };
  switch (what.name) {
    case 'append':
      log.append(what.plans);
      break;
    case 'follow':
      log.appendAsFollower(what.plans);
      break;
    case 'truncate':
      log.truncateTo(offsetAt(what.share));
      break;
    case 'deleteRecords':
      log.deleteRecords(offsetAt(what.share));
      break;
    case 'retain':
      log.retain();
      break;
    case 'roll':
      log.rollIfDue();
      break;
    case 'flush':
      log.flush();
      break;
    case 'beginFlush':
      log.beginFlush();
      break;
    case 'endFlush':
      log.endFlush();
      break;
    case 'epoch':
      log.leaderEpoch++;
      log.log.setLeaderEpoch(log.leaderEpoch);
      break;
    case 'wait':
      log.clock.advance(what.ms);
      break;
  }
}

function lookAt(log: LogUnderTest, what: Look): void {
  if (what.name === 'lookUp') log.lookUp(what.timestamp);
  else log.read(Math.round((log.endOffset * what.share) / 95), what.maxBytes);
}

function restartNow(log: LogUnderTest, kind: RestartKind): void {
  if (kind === 'clean') log.reopen();
  else log.crash(kind);
}

function check(
  options: { usesManifest: boolean; config?: LogConfig },
  kinds: readonly RestartKind[],
): void {
  fc.assert(
    fc.property(fc.integer(), fc.array(step, { maxLength: 50, size: 'max' }), (seed, steps) => {
      const log = new LogUnderTest(seed, options);
      for (const each of steps) {
        if (each.kind === 'do') log.step(() => perform(log, each.action));
        else if (each.kind === 'look') lookAt(log, each.look);
        else if (each.kind === 'restart') {
          if (kinds.includes(each.restart)) restartNow(log, each.restart);
        } else {
          const fault: Fault = { call: each.call, kind: 'crash' };
          const kind = each.power && kinds.includes('power') ? 'power' : 'kill';
          log.step(() => perform(log, each.action), { fault, kind });
        }
      }
      log.checkAll();
      log.reopen();
    }),
    { numRuns: runs, interruptAfterTimeLimit: 60_000 + 20 * runs },
  );
}

describe('partition log', { timeout: 60_000 + 40 * runs }, () => {
  test('with a manifest, it holds what it promised through kills and power failures', () => {
    check({ usesManifest: true }, ['clean', 'kill', 'power']);
  });

  test('without a manifest, it holds what it promised through kills', () => {
    check({ usesManifest: false }, ['clean', 'kill']);
  });

  test('with flush.messages=1, it loses nothing it answered, not even in a power failure', () => {
    const config = { ...smallConfig, flushMessages: 1 };
    check({ usesManifest: true, config }, ['clean', 'power']);
  });
});

/**
 * `npm run fuzz -- smoke | canary | list | TARGET [--seed N] [--events N] [--seconds N]`
 *
 * smoke runs every target briefly with a fixed seed; canary runs every target with a defect planted
 * in it, and fails when a target does not find it; a target by name runs with fresh seeds until the
 * time is over. Each run prints the command that replays it.
 */

import { parseArgs } from 'node:util';
import { type Registered, registry, SMOKE_SEED } from './registry.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    events: { type: 'string' },
    seconds: { type: 'string', default: '60' },
  },
});

async function failureOf(one: Registered, seed: number, eventsMax: number, isCanary: boolean) {
  try {
    await one.target.run({ seed, eventsMax, isCanary });
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Runs all; prints a line each and the totals. */
async function runAll(isCanary: boolean): Promise<number> {
  let passed = 0;
  let failed = 0;
  for (const one of registry) {
    const startedAt = performance.now();
    const failure = await failureOf(one, SMOKE_SEED, one.smokeEvents, isCanary);
    const took = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
    const isGood = isCanary ? failure !== null : failure === null;
    if (isGood) passed++;
    else failed++;
    const words = isCanary
      ? isGood
        ? `found its planted defect: ${failure?.message.split('\n')[0]}`
        : 'did not find its planted defect'
      : `${one.smokeEvents} events${isGood ? '' : `: ${failure?.stack}`}`;
    console.log(`${isGood ? 'ok    ' : 'FAILED'} ${one.target.name}: ${words} (${took})`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

async function runOne(one: Registered): Promise<number> {
  const endsAt = performance.now() + Number(values.seconds) * 1000;
  const eventsMax = Number(values.events ?? one.smokeEvents);
  let seed = Number(values.seed ?? Math.floor(performance.timeOrigin) % 2 ** 31);
  for (let runs = 1; ; runs++) {
    const failure = await failureOf(one, seed, eventsMax, false);
    if (failure !== null) {
      console.log(failure.stack);
      console.log(
        `replay: npm run fuzz -- ${one.target.name} --seed ${seed} --events ${eventsMax}`,
      );
      return 1;
    }
    if (values.seed !== undefined || performance.now() >= endsAt) {
      console.log(`${one.target.name}: ${runs} runs of ${eventsMax} events, last seed ${seed}`);
      return 0;
    }
    seed++;
  }
}

const [what = 'smoke'] = positionals;
const chosen = registry.find((one) => one.target.name === what);
if (what === 'smoke' || what === 'canary') process.exitCode = await runAll(what === 'canary');
else if (what === 'list') for (const one of registry) console.log(one.target.name);
else if (chosen !== undefined) process.exitCode = await runOne(chosen);
else {
  console.error(
    `no fuzz target ${what}; there are smoke, canary, list, ${registry.map((one) => one.target.name).join(', ')}`,
  );
  process.exitCode = 2;
}

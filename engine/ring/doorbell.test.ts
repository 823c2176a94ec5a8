import { expect, test } from 'vitest';
import { DOORBELL_WORDS, Doorbell } from './doorbell.ts';

function create(): Doorbell {
  return new Doorbell(new Int32Array(new SharedArrayBuffer(DOORBELL_WORDS * 4)), 0);
}

test('doorbell: who is awake is not woken', () => {
  const doorbell = create();
  expect(doorbell.ring()).toBe(false);
  doorbell.lieDown();
  doorbell.getUp();
  expect(doorbell.ring()).toBe(false);
  expect(doorbell.wakeUps).toBe(0);
});

test('doorbell: of several producers one wakes the sleeper', () => {
  const doorbell = create();
  doorbell.lieDown();
  expect(doorbell.isAsleep).toBe(true);
  expect(doorbell.ring()).toBe(true);
  expect(doorbell.ring()).toBe(false);
  expect(doorbell.wakeUps).toBe(1);
});

test('doorbell: a ring between the announcement and the wait ends the wait at once', () => {
  const doorbell = create();
  doorbell.lieDown();
  doorbell.ring();
  const beganMs = performance.now();
  doorbell.wait(10_000);
  expect(performance.now() - beganMs).toBeLessThan(5_000);
  doorbell.lieDown();
  doorbell.ring();
  expect(doorbell.waitAsync()).toBe(null);
});

test('doorbell: after a time-out the sleeper counts as awake', () => {
  const doorbell = create();
  doorbell.lieDown();
  doorbell.wait(1);
  expect(doorbell.isAsleep).toBe(false);
});

test('doorbell: an event loop is woken by a promise', async () => {
  const doorbell = create();
  doorbell.lieDown();
  const woken = doorbell.waitAsync();
  expect(woken).not.toBe(null);
  // The promise alone does not keep the process alive; the timer does, as a socket would.
  const keepAlive = setTimeout(() => undefined, 60_000);
  doorbell.ring();
  await woken;
  clearTimeout(keepAlive);
  expect(doorbell.isAsleep).toBe(false);
});

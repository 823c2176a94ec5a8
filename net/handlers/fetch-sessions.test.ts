/** Slots of fetch sessions: ids, eviction, epochs. */

import { describe, expect, test } from 'vitest';
import { FetchPart } from './fetch-part.ts';
import { FetchSession, FetchSessions, nextEpoch } from './fetch-sessions.ts';

function sessionOf(partitions: number): FetchSession {
  const session = new FetchSession(true);
  for (let index = 0; index < partitions; index++) session.add(`t ${index}`, new FetchPart());
  return session;
}

function counter(): () => number {
  let last = 0;
  return () => ++last;
}

describe('fetch sessions', () => {
  test('epochs go on from the largest to 1, and the final one stays final', () => {
    expect(nextEpoch(0)).toBe(1);
    expect(nextEpoch(0x7fffffff)).toBe(1);
    expect(nextEpoch(-1)).toBe(-1);
  });

  test('a session gets an id that no other has', () => {
    const ids = [5, 5, 0, 6];
    const sessions = new FetchSessions(10, () => ids.shift()!);
    const [first, second] = [sessionOf(1), sessionOf(1)];
    expect(sessions.admit(first, 0)).toBe(true);
    expect(sessions.admit(second, 0)).toBe(true);
    expect([first.id, second.id]).toEqual([5, 6]);
  });

  test('full of young sessions, it takes no new one, and the request goes without', () => {
    const sessions = new FetchSessions(2, counter());
    sessions.admit(sessionOf(1), 0);
    sessions.admit(sessionOf(1), 0);
    const third = sessionOf(100);
    expect(sessions.admit(third, 60_000)).toBe(false);
    expect(third.id).toBe(0);
  });

  test('one that nobody used for two minutes makes room, the longest unused first', () => {
    const sessions = new FetchSessions(2, counter());
    const [first, second, third] = [sessionOf(9), sessionOf(9), sessionOf(1)];
    sessions.admit(first, 0);
    sessions.admit(second, 10);
    sessions.use(first, 1000);
    expect(sessions.admit(third, 120_011)).toBe(true);
    expect(sessions.get(second.id)).toBeUndefined();
    expect(sessions.get(first.id)).toBe(first);
  });

  test('a larger session takes the place of a smaller one that has had its time', () => {
    const sessions = new FetchSessions(2, counter());
    const [small, medium] = [sessionOf(2), sessionOf(5)];
    sessions.admit(small, 0);
    sessions.admit(medium, 0);
    sessions.use(small, 120_001);
    sessions.use(medium, 120_001);
    expect(sessions.admit(sessionOf(2), 120_002)).toBe(false);
    expect(sessions.admit(sessionOf(3), 120_002)).toBe(true);
    expect(sessions.get(small.id)).toBeUndefined();
    expect(sessions.get(medium.id)).toBe(medium);
  });

  test('with too many partitions in all sessions together, a request goes without', () => {
    const sessions = new FetchSessions(10, counter(), 100);
    expect(sessions.admit(sessionOf(60), 0)).toBe(true);
    expect(sessions.admit(sessionOf(60), 0)).toBe(false);
    expect(sessions.admit(sessionOf(40), 0)).toBe(true);
  });

  test('no slots: no sessions', () => {
    expect(new FetchSessions(0, counter()).admit(sessionOf(1), 0)).toBe(false);
  });

  test('forgotten partitions are gone, the others keep their order', () => {
    const session = sessionOf(4);
    const parts = [...session.parts];
    session.remove(new Set(['t 1', 't 3', 't 9']));
    expect(session.parts).toEqual([parts[0], parts[2]]);
  });
});

/** Who goes first in a turn, and that large answers share the turns among themselves. */

import { describe, expect, test } from 'vitest';
import { type Advancing, Turns } from './turns.ts';

function front() {
  const said: string[] = [];
  let scheduled = 0;
  const turns = new Turns<One>(() => scheduled++);

  class One implements Advancing {
    isTouched = false;
    pieces: number;
    readonly #name: string;

    constructor(name: string, pieces = 0) {
      this.#name = name;
      this.pieces = pieces;
    }

    advance(mayBeLarge: boolean): void {
      if (this.pieces === 0) said.push(this.#name);
      else if (mayBeLarge) {
        this.pieces--;
        said.push(`${this.#name} ${this.pieces}`);
      }
      if (this.pieces > 0) turns.defer(this);
    }
  }

  const turn = (): string[] => {
    scheduled = 0;
    turns.advanceTouched();
    turns.advanceDeferred();
    return said.splice(0);
  };
  return {
    turns,
    turn,
    one: (name: string, pieces?: number) => new One(name, pieces),
    isScheduled: () => scheduled > 0,
  };
}

describe('turns of a front', () => {
  test('one piece of a large answer a turn, behind all that is small and came later', () => {
    const { turns, turn, one, isScheduled } = front();
    turns.touch(one('large', 2));
    turns.touch(one('small'));
    expect(turn()).toEqual(['small', 'large 1']);
    expect(isScheduled()).toBe(true);
    turns.touch(one('other'));
    expect(turn()).toEqual(['other', 'large 0']);
    expect(isScheduled()).toBe(false);
    expect(turn()).toEqual([]);
  });

  test('several large answers go round, and one that comes goes behind them', () => {
    const { turns, turn, one, isScheduled } = front();
    for (const name of ['a', 'b']) turns.touch(one(name, 2));
    expect(turn()).toEqual(['a 1']);
    turns.touch(one('c', 1));
    const rest: string[] = [];
    while (isScheduled()) {
      const said = turn();
      expect(said.length).toBe(1);
      rest.push(...said);
    }
    expect(rest).toEqual(['b 1', 'a 0', 'c 0', 'b 0']);
  });

  test('who is gone has no turn, and who is touched twice goes once', () => {
    const { turns, turn, one, isScheduled } = front();
    const gone = one('gone', 3);
    const stays = one('stays', 1);
    for (const large of [gone, gone, stays]) turns.touch(large);
    expect(turn()).toEqual(['gone 2']);
    turns.forget(gone);
    expect(turn()).toEqual(['stays 0']);
    expect(isScheduled()).toBe(false);
  });
});

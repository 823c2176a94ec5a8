import { expect, test } from 'vitest';
import { ManualClock } from '../../engine/base/clock.ts';
import { LimitedLog } from './limited-log.ts';

test('ten lines a second are said, and how many more there were', () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = new LimitedLog((line, level) => lines.push(`${level} ${line}`), clock);
  for (let i = 0; i < 25; i++) log.warn(`${i}`);
  expect(lines).toEqual(Array.from({ length: 10 }, (_, i) => `warn ${i}`));
  clock.advance(1000);
  for (let i = 0; i < 2; i++) log.warn(`again ${i}`);
  expect(lines.slice(10)).toEqual(['warn again 0 (15 more lines were left out)', 'warn again 1']);
});

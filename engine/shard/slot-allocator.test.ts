import { expect, test } from 'vitest';
import { SLOT_QUARANTINE } from '../base/limits.ts';
import { SlotAllocator } from './slot-allocator.ts';

test('slot allocator: a freed slot is not reused before many others were freed', () => {
  const slots = new SlotAllocator(10 * SLOT_QUARANTINE);
  const freed = slots.allocate();
  slots.free(freed);
  for (let i = 0; i < SLOT_QUARANTINE; i++) {
    const slot = slots.allocate();
    expect(slot).not.toBe(freed);
    slots.free(slot);
  }
  expect(slots.allocate()).toBe(freed);
});

test('slot allocator: reuses early rather than refuse, and refuses when all are taken', () => {
  const slots = new SlotAllocator(2);
  expect([slots.allocate(), slots.allocate()]).toEqual([0, 1]);
  expect(() => slots.allocate()).toThrow('at most 2 partitions');
  slots.free(1);
  expect(slots.allocate()).toBe(1);
});

test('slot allocator: over a long life no slot is handed out twice at a time', () => {
  const slots = new SlotAllocator(4 * SLOT_QUARANTINE);
  const live = new Set<number>();
  const order: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const slot = slots.allocate();
    expect(live.has(slot)).toBe(false);
    live.add(slot);
    order.push(slot);
    if (order.length > 100) {
      const oldest = order.shift()!;
      live.delete(oldest);
      slots.free(oldest);
    }
  }
});

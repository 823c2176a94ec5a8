/** Which pieces are found again, by whom, and that every hold is given back. */

import { describe, expect, test, vi } from 'vitest';
import { KIB, MIB } from '../../engine/base/limits.ts';
import { type PartitionReader, ReadPlan } from '../../engine/index.ts';
import { OutputPool } from '../front/output.ts';
import { SharedRecords } from './shared-records.ts';

const reader = {} as PartitionReader;
const otherReader = {} as PartitionReader;

function planOf(position: number, size: number, truncations = 0): ReadPlan {
  const plan = new ReadPlan();
  plan.baseOffset = 0;
  plan.position = position;
  plan.size = size;
  plan.truncations = truncations;
  plan.incarnation = 1;
  return plan;
}

function bufferOf(outputs: OutputPool, size: number) {
  const buffer = outputs.take(size);
  buffer.size = size;
  return buffer;
}

describe('shared records', () => {
  test('a partition is shared while two connections take turns in it, and a while after', () => {
    let nowMs = 0;
    const shared = new SharedRecords(new OutputPool(), () => nowMs);
    const [one, two] = [{}, {}];
    expect(shared.isShared(reader, one)).toBe(false);
    expect(shared.isShared(reader, one)).toBe(false);
    // Perhaps the same consumer on a new connection.
    expect(shared.isShared(reader, two)).toBe(false);
    expect(shared.isShared(reader, one)).toBe(true);
    expect(shared.isShared(reader, two)).toBe(true);
    expect(shared.isShared(otherReader, one)).toBe(false);
    nowMs = 1999;
    expect(shared.isShared(reader, two)).toBe(true);
    nowMs = 2000;
    expect(shared.isShared(reader, two)).toBe(false);
  });

  test('exactly the same piece of the same log is found, whatever plan it belongs to, and nothing else', () => {
    const outputs = new OutputPool();
    const shared = new SharedRecords(outputs, () => 0);
    const buffer = bufferOf(outputs, 100 * KIB);
    shared.keep(reader, planOf(4096, 300 * KIB), 1000, buffer);
    expect(shared.find(reader, planOf(4096, 300 * KIB), 1000, 100 * KIB)).toBe(buffer);
    expect(shared.find(reader, planOf(5096, 100 * KIB), 0, 100 * KIB)).toBe(buffer);
    expect(shared.find(reader, planOf(4096, 300 * KIB), 1000, 100 * KIB - 1)).toBeNull();
    expect(shared.find(reader, planOf(4096, 300 * KIB), 0, 100 * KIB)).toBeNull();
    expect(shared.find(reader, planOf(4096, 300 * KIB, 1), 1000, 100 * KIB)).toBeNull();
    expect(shared.find(otherReader, planOf(4096, 300 * KIB), 1000, 100 * KIB)).toBeNull();
    // The reader's, the cache's and the finders'.
    expect(buffer.holders).toBe(4);
    shared.close();
    expect(buffer.holders).toBe(3);
  });

  test('the oldest piece makes room, and what nobody wants again is given up', () => {
    vi.useFakeTimers();
    let nowMs = 0;
    // Room for eight.
    const outputs = new OutputPool(MIB);
    const shared = new SharedRecords(outputs, () => nowMs);
    const buffers = Array.from({ length: 9 }, (_, index) => {
      const buffer = bufferOf(outputs, 64 * KIB);
      shared.keep(reader, planOf(index, 64 * KIB), 0, buffer);
      return buffer;
    });
    expect(buffers.map(({ holders }) => holders)).toEqual([1, 2, 2, 2, 2, 2, 2, 2, 2]);
    nowMs = 900;
    expect(shared.find(reader, planOf(5, 64 * KIB), 0, 64 * KIB)).toBe(buffers[5]);
    nowMs = 1000;
    vi.advanceTimersByTime(1000);
    expect(buffers.map(({ holders }) => holders)).toEqual([1, 1, 1, 1, 1, 3, 1, 1, 1]);
    nowMs = 2000;
    vi.advanceTimersByTime(1000);
    expect(buffers[5]!.holders).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});

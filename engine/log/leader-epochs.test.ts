import { describe, expect, test } from 'vitest';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { LeaderEpochs } from './leader-epochs.ts';

function epochs(...pairs: number[]): LeaderEpochs {
  const all = new LeaderEpochs();
  all.load(pairs);
  return all;
}

describe('leader epochs', () => {
  test('an epoch begins at its first batch, and an older one says nothing new', () => {
    const all = epochs();
    all.assign(2, 10);
    all.assign(2, 20);
    all.assign(1, 30);
    all.assign(5, 40);
    expect(all.pairs()).toEqual([2, 10, 5, 40]);
  });

  test('an epoch without a batch gives way to the one that begins at its offset', () => {
    const all = epochs(1, 0, 2, 50);
    all.assign(4, 50);
    expect(all.pairs()).toEqual([1, 0, 4, 50]);
  });

  test('the end of an epoch is where the next one begins, or the log end', () => {
    const all = epochs(2, 10, 5, 40);
    expect(all.endOffsetFor(5, 99)).toEqual({ epoch: 5, endOffset: 99 });
    expect(all.endOffsetFor(2, 99)).toEqual({ epoch: 2, endOffset: 40 });
    expect(all.endOffsetFor(3, 99)).toEqual({ epoch: 2, endOffset: 40 });
    expect(all.endOffsetFor(1, 99)).toEqual({ epoch: 1, endOffset: 10 });
    expect(all.endOffsetFor(6, 99)).toEqual({ epoch: -1, endOffset: -1 });
    expect(all.endOffsetFor(-1, 99)).toEqual({ epoch: -1, endOffset: -1 });
    expect(epochs().endOffsetFor(0, 0)).toEqual({ epoch: -1, endOffset: -1 });
  });

  test('are cut at both ends', () => {
    const all = epochs(1, 0, 2, 10, 5, 40);
    all.truncateFromEnd(40);
    expect(all.pairs()).toEqual([1, 0, 2, 10]);
    all.truncateFromStart(15);
    expect(all.pairs()).toEqual([2, 15]);
    all.truncateFromStart(20);
    expect(all.pairs()).toEqual([2, 20]);
    all.truncateFromEnd(20);
    expect(all.pairs()).toEqual([]);
  });

  test('are read back as they were written; a damaged file knows nothing', () => {
    const fs = new MemoryFileSystem();
    fs.mkdir('/p');
    const all = epochs();
    all.assign(1, 0);
    all.assign(7, 12);
    all.write(fs, '/p');
    const again = new LeaderEpochs();
    expect(again.read(fs, '/p')).toBe(true);
    expect(again.pairs()).toEqual([1, 0, 7, 12]);
    fs.writeFileAtomic('/p/leader-epoch-checkpoint', Buffer.from('0\n2\n1 0\n'), false);
    expect(again.read(fs, '/p')).toBe(false);
    expect(again.pairs()).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import { TestLog } from '../../test/property/log-in-memory.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { MIB, ZERO_AHEAD_BYTES, ZERO_AHEAD_MS_MAX } from '../base/limits.ts';
import { FileError } from '../io/file-system.ts';
import { MemoryFileSystem } from '../io/memory-file-system.ts';
import { Cursor } from './cursor.ts';
import type { LogConfig } from './log-config.ts';

/** Notes where zeros are written ahead; may have no room for them. */
class ZerosFileSystem extends MemoryFileSystem {
  readonly positions: number[] = [];
  isFull = false;

  override pwrite(fd: number, bytes: Uint8Array, at: number, size: number, position: number): void {
    if (size === ZERO_AHEAD_BYTES && bytes[at + 16] === 0) {
      this.positions.push(position);
      if (this.isFull) {
        const data = { operation: 'pwrite', path: `fd ${fd}` };
        throw new FileError('disk-full', 'pwrite: no space left', data);
      }
    }
    super.pwrite(fd, bytes, at, size, position);
  }
}

const VALUE_BYTES = 60_000;

function logOn(fs: ZerosFileSystem, config: Partial<LogConfig> = {}): TestLog {
  return new TestLog({ fs, config: { segmentBytes: 2 * MIB, ...config } });
}

function appendMany(log: TestLog, count: number, laterMs = 1): void {
  for (let i = 0; i < count; i++) {
    expect(log.append(1, VALUE_BYTES).errorCode).toBe(ErrorCode.NONE);
    log.clock.advance(laterMs);
  }
}

const pieces = (...numbers: number[]): number[] => numbers.map((n) => n * ZERO_AHEAD_BYTES);

describe('zeros ahead of the end', () => {
  test('go to every aligned piece before the first batch that reaches into it', () => {
    const fs = new ZerosFileSystem();
    const log = logOn(fs);
    // The first piece is where the log is found to be fast.
    appendMany(log, 4);
    expect(fs.positions).toEqual([]);
    appendMany(log, 1);
    expect(fs.positions).toEqual(pieces(1));
    appendMany(log, 8);
    expect(fs.positions).toEqual(pieces(1, 2));
    expect(log.records(0).length).toBe(13);
  });

  test('go to a new segment from its start on, when the one before was fast', () => {
    const fs = new ZerosFileSystem();
    const log = logOn(fs, { segmentBytes: MIB });
    appendMany(log, 18);
    expect(fs.positions).toEqual(pieces(1, 2, 3, 0));
    expect(log.records(0).length).toBe(18);
  });

  test('do not reach beyond the preallocated size', () => {
    const fs = new ZerosFileSystem();
    const log = logOn(fs, { segmentBytes: MIB - 1 });
    appendMany(log, 17);
    expect(fs.positions).toEqual(pieces(1, 2));
    expect(fs.readFile(`${log.directory}/00000000000000000000.log`).length).toBe(MIB - 1);
  });

  test('are not written where nothing is preallocated', () => {
    const fs = new ZerosFileSystem();
    appendMany(logOn(fs, { preallocate: false }), 20);
    expect(fs.positions).toEqual([]);
  });

  test('are not written for a slow log, until it is fast', () => {
    const fs = new ZerosFileSystem();
    const log = logOn(fs);
    appendMany(log, 13, ZERO_AHEAD_MS_MAX);
    expect(fs.positions).toEqual([]);
    appendMany(log, 10);
    expect(fs.positions).toEqual(pieces(4, 5));
  });

  test('are not needed by large writes, and go on behind them', () => {
    const fs = new ZerosFileSystem();
    const log = logOn(fs, { maxMessageBytes: MIB });
    log.append(1, 600_000);
    log.append(1, 600_000);
    expect(fs.positions).toEqual([]);
    appendMany(log, 3);
    expect(fs.positions).toEqual(pieces(5));
  });

  test('begin anew behind a truncation', () => {
    const fs = new ZerosFileSystem();
    const log = logOn(fs);
    appendMany(log, 10);
    expect(fs.positions).toEqual(pieces(1, 2));
    log.log.truncateTo(2);
    appendMany(log, 3);
    expect(fs.positions).toEqual(pieces(1, 2, 1));
    expect(log.records(0).length).toBe(5);
  });

  test('that find no room are done without: the batch says whether there is any', () => {
    const fs = new ZerosFileSystem();
    const log = logOn(fs);
    fs.isFull = true;
    appendMany(log, 10);
    expect(fs.positions).toEqual(pieces(1, 2));
    expect(log.marks.cursor[Cursor.LOG_END_OFFSET]).toBe(10);
    expect(log.records(0).length).toBe(10);
  });
});

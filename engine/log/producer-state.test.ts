import { describe, expect, test } from 'vitest';
import { batchOf, pieceOf, TestLog } from '../../test/property/log-in-memory.ts';
import { ErrorCode } from '../base/error-codes.ts';
import { INT32_MAX } from '../base/limits.ts';
import { parseProducerSnapshot } from '../format/producer-snapshot.ts';
import { FaultyFileSystem } from '../io/faulty-file-system.ts';
import type { AppendPiece } from './append.ts';
import { formatSnapshot, loadSnapshot } from './producer-snapshot-file.ts';
import { ProducerState, sequenceAfter } from './producer-state.ts';

const fields = (baseSequence: number, producerEpoch = 0, producerId = 7) => ({
  producerId,
  producerEpoch,
  baseSequence,
});

function piece(baseSequence: number, count = 1, epoch = 0): AppendPiece {
  return pieceOf(batchOf(count, 10, 1, fields(baseSequence, epoch)));
}

const outcome = ({ errorCode, baseOffset, duplicate }: AppendPiece) => [
  errorCode,
  baseOffset,
  duplicate,
];

describe('idempotent producers', () => {
  test('each of the last five batches is recognised when it comes again, an older one is out of order', () => {
    const log = new TestLog();
    for (let i = 0; i < 6; i++) expect(log.append(2, 10, fields(i * 2)).errorCode).toBe(0);
    for (let i = 1; i < 6; i++) {
      expect(outcome(log.append(2, 10, fields(i * 2)))).toEqual([ErrorCode.NONE, i * 2, true]);
    }
    const old = log.append(2, 10, fields(0));
    expect(outcome(old)).toEqual([ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1, false]);
    expect(log.records(0).length).toBe(12);
  });

  test('a gap is out of order, a stale epoch is refused, a new epoch starts at 0', () => {
    const log = new TestLog();
    log.append(1, 10, fields(0, 3));
    const codes = [
      log.append(1, 10, fields(2, 3)),
      log.append(1, 10, fields(1, 2)),
      log.append(1, 10, fields(5, 4)),
      log.append(1, 10, fields(0, 4)),
      log.append(1, 10, fields(1, 3)),
    ].map(({ errorCode }) => errorCode);
    expect(codes).toEqual([
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      ErrorCode.INVALID_PRODUCER_EPOCH,
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      ErrorCode.NONE,
      ErrorCode.INVALID_PRODUCER_EPOCH,
    ]);
  });

  test('an unknown producer may start at any sequence', () => {
    const log = new TestLog();
    expect(log.append(1, 10, fields(1234)).errorCode).toBe(ErrorCode.NONE);
    expect(log.append(1, 10, fields(1235)).errorCode).toBe(ErrorCode.NONE);
  });

  test('pieces of one append see those before them', () => {
    const log = new TestLog();
    const pieces = [piece(0, 2), piece(2), piece(2), piece(0, 2), piece(4), piece(3)];
    log.log.appendAsLeader(pieces, pieces.length);
    expect(pieces.map(outcome)).toEqual([
      [ErrorCode.NONE, 0, false],
      [ErrorCode.NONE, 2, false],
      [ErrorCode.NONE, 2, true],
      [ErrorCode.NONE, 0, true],
      [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1, false],
      [ErrorCode.NONE, 3, false],
    ]);
  });

  test('a batch whose write failed may come again; what repeated it in the same append failed with it', () => {
    const fs = new FaultyFileSystem(() => 0);
    fs.mkdir('/data');
    const log = new TestLog({ fs });
    log.append(1, 10, fields(0));
    fs.setFault({ call: 1, operation: 'pwrite', kind: 'disk-full' });
    const pieces = [piece(1), piece(1), piece(0)];
    log.log.appendAsLeader(pieces, 3);
    expect(pieces.map(outcome)).toEqual([
      [ErrorCode.KAFKA_STORAGE_ERROR, -1, false],
      [ErrorCode.KAFKA_STORAGE_ERROR, -1, false],
      [ErrorCode.NONE, 0, true],
    ]);
    expect(outcome(log.append(1, 10, fields(1)))).toEqual([ErrorCode.NONE, 1, false]);
    expect(outcome(log.append(1, 10, fields(2)))).toEqual([ErrorCode.NONE, 2, false]);
  });

  test('sequences wrap to 0 behind the largest int32, inside a batch too', () => {
    expect(sequenceAfter(INT32_MAX, 1)).toBe(0);
    expect(sequenceAfter(INT32_MAX - 1, 3)).toBe(1);
    const log = new TestLog();
    expect(log.append(3, 10, fields(INT32_MAX - 1)).errorCode).toBe(0);
    expect(outcome(log.append(3, 10, fields(INT32_MAX - 1)))).toEqual([ErrorCode.NONE, 0, true]);
    expect(outcome(log.append(1, 10, fields(1)))).toEqual([ErrorCode.NONE, 3, false]);
    expect(log.append(1, 10, fields(3)).errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  test('the last five batches survive a clean restart and a kill', () => {
    for (const isClean of [true, false]) {
      const log = new TestLog();
      for (let i = 0; i < 7; i++) log.append(1, 10, fields(i));
      if (isClean) log.log.close();
      const again = new TestLog({ fs: log.fs });
      for (let i = 2; i < 7; i++) {
        expect(outcome(again.append(1, 10, fields(i)))).toEqual([ErrorCode.NONE, i, true]);
      }
      expect(again.append(1, 10, fields(1)).errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
      expect(outcome(again.append(1, 10, fields(7)))).toEqual([ErrorCode.NONE, 7, false]);
    }
  });

  test('a producer is forgotten when it was not heard of for long, whatever its event times are', () => {
    const log = new TestLog({ config: { producerIdExpirationMs: 1000 } });
    log.append(1, 10, { ...fields(0), producerId: 1 });
    log.clock.advance(600);
    log.append(1, 10, { ...fields(0), producerId: 2 });
    log.clock.advance(600);
    log.log.maintain(log.clock.now());
    expect(log.log.producers().map(({ producerId }) => producerId)).toEqual([2]);
  });

  test('no more producers are remembered than allowed: the ones unheard of longest go', () => {
    const log = new TestLog({ config: { maxProducers: 10 } });
    for (let producerId = 0; producerId < 12; producerId++) {
      log.clock.advance(1);
      log.append(1, 10, { ...fields(0), producerId });
    }
    log.log.maintain(log.clock.now());
    expect(log.log.producers().map(({ producerId }) => producerId)).toEqual([
      3, 4, 5, 6, 7, 8, 9, 10, 11,
    ]);
  });
});

describe('producer snapshot', () => {
  function state(): ProducerState {
    const producers = new ProducerState();
    for (let producerId = 1; producerId <= 3; producerId++) {
      for (let i = 0; i < producerId * 2; i++) {
        const bytes = batchOf(1, 1, 50 + i, {
          producerId,
          producerEpoch: 1,
          baseSequence: i,
          baseOffset: producerId * 100 + i,
        });
        producers.apply(new DataView(bytes.buffer), 0, 0);
      }
    }
    return producers;
  }

  test('keeps all five batches, and is what Kafka writes as far as Kafka reads it', () => {
    const before = state();
    const bytes = formatSnapshot(before);
    expect(parseProducerSnapshot(bytes).map(({ lastSequence }) => lastSequence)).toEqual([1, 3, 5]);
    const after = new ProducerState();
    expect(loadSnapshot(bytes, after, 9)).toBe(true);
    expect(after.entries().map(({ batches }) => batches)).toEqual(
      before.entries().map(({ batches }) => batches),
    );
    expect(after.summaries()).toEqual(before.summaries());
  });

  test('a damaged byte anywhere makes it unusable, and leaves the state empty', () => {
    const bytes = formatSnapshot(state());
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0x10;
      const after = new ProducerState();
      expect(loadSnapshot(damaged, after, 0)).toBe(false);
      expect(after.size).toBe(0);
    }
    for (let size = 0; size < bytes.length; size++) {
      expect(loadSnapshot(bytes.slice(0, size), new ProducerState(), 0)).toBe(false);
    }
  });
});

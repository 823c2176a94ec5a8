/** What the in-place codecs promise beyond saying the same as the schemas. */

import { describe, expect, test } from 'vitest';
import { fetchRequest } from '../api/fetch.ts';
import { produceRequest } from '../api/produce.ts';
import { Reader } from '../reader.ts';
import { Writer } from '../writer.ts';
import { FetchRequestCursor } from './fetch-request.ts';
import {
  fetchPrefixBytes,
  fetchRecordsSizeBytes,
  patchFetchRecordsSize,
  putFetchPrefix,
  putFetchSuffix,
  putFetchTopic,
} from './fetch-response.ts';
import { walkProduceRequest } from './produce-request.ts';

const malformed = expect.objectContaining({ code: 'malformed' });

function targetOf(size: number) {
  const bytes = Buffer.alloc(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) };
}

const quiet = {
  partitionIndex: 3,
  errorCode: 0,
  highWatermark: 10,
  lastStableOffset: 10,
  logStartOffset: 0,
  abortedTransactions: null,
  preferredReadReplica: -1,
  divergingEpoch: -1,
  divergingEndOffset: -1,
  leaderId: -1,
  leaderEpoch: -1,
  snapshotEndOffset: -1,
  snapshotEpoch: -1,
};

describe('Produce request in place', () => {
  test('a visitor hears nothing of a request that is torn anywhere', () => {
    for (const version of [3, 8, 9, 12, 13]) {
      const writer = new Writer();
      const partitionData = [
        { index: 0, records: Buffer.alloc(20) },
        { index: 1, records: null },
      ];
      produceRequest.write(
        writer,
        { acks: -1, timeoutMs: 100, topicData: [{ name: 'a', partitionData }] },
        version,
      );
      const bytes = writer.copy();
      let calls = 0;
      const visitor = {
        onRequest: () => calls++,
        onTopic: () => calls++,
        onPartition: () => calls++,
      };
      for (let end = 0; end < bytes.length; end++) {
        expect(() => walkProduceRequest({ bytes }, 0, end, version, visitor)).toThrow(malformed);
      }
      expect(calls).toBe(0);
      walkProduceRequest({ bytes }, 0, bytes.length, version, visitor);
      expect(calls).toBe(4);
    }
  });

  test('positions are those of the source, wherever the body begins', () => {
    const writer = new Writer();
    writer.raw(new Uint8Array(1000));
    produceRequest.write(
      writer,
      {
        acks: 1,
        timeoutMs: 5,
        topicData: [
          { name: 'orders', partitionData: [{ index: 7, records: Buffer.from('batch') }] },
        ],
      },
      9,
    );
    const bytes = writer.copy();
    const heard: unknown[] = [];
    walkProduceRequest({ bytes }, 1000, bytes.length, 9, {
      onRequest(acks, timeoutMs, _at, transactionalIdSize, topicCount) {
        heard.push([acks, timeoutMs, transactionalIdSize, topicCount]);
      },
      onTopic(keyAt, keySize, partitionCount) {
        heard.push([bytes.toString('utf8', keyAt, keyAt + keySize), partitionCount]);
      },
      onPartition(index, recordsAt, recordsSize) {
        heard.push([index, bytes.toString('utf8', recordsAt, recordsAt + recordsSize)]);
      },
    });
    expect(heard).toEqual([
      [1, 5, -1, 1],
      ['orders', 1],
      [7, 'batch'],
    ]);
  });
});

describe('Fetch request in place', () => {
  test('topics to fetch and to forget can be stepped through again and in any order', () => {
    for (const version of [7, 12, 17]) {
      const writer = new Writer();
      const partition = { fetchOffset: 5, partitionMaxBytes: 100 };
      fetchRequest.write(
        writer,
        {
          maxWaitMs: 500,
          minBytes: 1,
          topics: [
            { topic: 'a', partitions: [] },
            { topic: 'b', partitions: [{ partition: 1, ...partition }] },
          ],
          forgottenTopicsData: [
            { topic: 'c', partitions: [2, 3] },
            { topic: 'd', partitions: [] },
          ],
        },
        version,
      );
      const bytes = writer.copy();
      const cursor = new FetchRequestCursor();
      cursor.open({ bytes }, 0, bytes.length, version);
      const topics = () => {
        const seen: number[][] = [];
        while (cursor.nextTopic()) {
          seen.push([]);
          while (cursor.nextPartition()) seen.at(-1)!.push(cursor.partition);
        }
        return seen;
      };
      const forgotten = () => {
        const seen: number[][] = [];
        while (cursor.nextForgottenTopic()) {
          seen.push([]);
          while (cursor.nextForgottenPartition()) seen.at(-1)!.push(cursor.partition);
        }
        return seen;
      };
      cursor.openForgotten();
      expect(forgotten()).toEqual([[2, 3], []]);
      cursor.rewind();
      expect(topics()).toEqual([[], [1]]);
      expect(cursor.nextTopic()).toBe(false);
      cursor.rewind();
      expect(topics()).toEqual([[], [1]]);
      expect([cursor.topicCount, cursor.forgottenTopicCount]).toEqual([2, 2]);
    }
  });

  test('a torn request is refused when it is opened', () => {
    const writer = new Writer();
    const partition = { partition: 1, fetchOffset: 5, partitionMaxBytes: 100 };
    fetchRequest.write(
      writer,
      { maxWaitMs: 1, minBytes: 1, topics: [{ partitions: [partition] }], rackId: 'r' },
      17,
    );
    const bytes = writer.copy();
    const cursor = new FetchRequestCursor();
    for (let end = 0; end < bytes.length; end++) {
      expect(() => cursor.open({ bytes }, 0, end, 17)).toThrow(malformed);
    }
    cursor.open({ bytes }, 0, bytes.length, 17);
  });

  test('fields of an earlier request do not show through in a later one', () => {
    const cursor = new FetchRequestCursor();
    const writer = new Writer();
    const body = { maxWaitMs: 1, minBytes: 1, topics: [] };
    fetchRequest.write(
      writer,
      {
        ...body,
        rackId: 'rack',
        sessionId: 9,
        sessionEpoch: 4,
        replicaState: { replicaId: 3, replicaEpoch: 8 },
      },
      17,
    );
    cursor.open({ bytes: writer.copy() }, 0, writer.size, 17);
    expect([cursor.replicaId, cursor.replicaEpoch, cursor.rackIdSize]).toEqual([3, 8, 4]);
    writer.reset();
    fetchRequest.write(writer, body, 4);
    cursor.open({ bytes: writer.copy() }, 0, writer.size, 4);
    expect([cursor.replicaId, cursor.replicaEpoch, cursor.rackIdSize]).toEqual([-1, -1, 0]);
    expect([cursor.sessionId, cursor.sessionEpoch, cursor.forgottenTopicCount]).toEqual([0, -1, 0]);
  });
});

describe('Fetch response around records', () => {
  test('fewer records than announced are told without moving them', () => {
    for (const version of [4, 11, 12, 18]) {
      for (const announced of [0, 1, 126, 127, 128, 16_382, 16_383, 1 << 20, 1 << 28]) {
        for (const actual of new Set([announced, announced >> 1, 0])) {
          const size = fetchPrefixBytes(version, quiet, announced);
          const target = targetOf(size);
          const recordsAt = putFetchPrefix(target, 0, version, quiet, announced);
          expect(recordsAt).toBe(size);
          patchFetchRecordsSize(target, recordsAt, version, announced, actual);
          const lengthAt = size - fetchRecordsSizeBytes(version, announced);
          const reader = new Reader(target.bytes, lengthAt);
          expect(version < 12 ? reader.int32() : reader.unsignedVarint() - 1).toBe(actual);
          expect(reader.remaining).toBe(0);
        }
      }
    }
  });

  test('writing beyond the room throws and writes nothing there', () => {
    const size = fetchPrefixBytes(12, quiet, 5);
    const whole = targetOf(size + 8);
    const part = {
      bytes: whole.bytes.subarray(0, size - 1),
      view: new DataView(whole.bytes.buffer, whole.bytes.byteOffset, size - 1),
    };
    expect(() => putFetchPrefix(part, 0, 12, quiet, 5)).toThrow(RangeError);
    expect(() => putFetchSuffix(part, size - 1, 12, quiet)).toThrow(RangeError);
    expect(() => putFetchTopic(part, size - 3, 12, Buffer.from('abcd'), 0, 4, 1)).toThrow(
      RangeError,
    );
    expect(() => putFetchTopic(part, 0, 12, Buffer.from('abcd'), 2, 4, 1)).toThrow(RangeError);
    expect(whole.bytes.subarray(size - 1).every((byte) => byte === 0)).toBe(true);
  });
});

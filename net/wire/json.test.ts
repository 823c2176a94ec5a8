import { describe, expect, test } from 'vitest';
import { fetchResponse } from './api/fetch.ts';
import { metadataResponse } from './api/metadata.ts';
import { fromJson, toJson } from './json.ts';

const json = {
  throttleTimeMs: 1,
  errorCode: 0,
  sessionId: 2,
  responses: [
    {
      topicId: 'H3YNyRp_wEnATVIz9DsjxA',
      partitions: [
        {
          partitionIndex: 0,
          errorCode: 0,
          highWatermark: 5,
          lastStableOffset: 5,
          logStartOffset: 0,
          currentLeader: { leaderId: 1, leaderEpoch: 2 },
          abortedTransactions: null,
          preferredReadReplica: -1,
          records: 'AQID',
        },
      ],
    },
  ],
};

describe('JSON', () => {
  test('says of a version what that version has, and comes back', () => {
    const value = fromJson(fetchResponse, json, 13);
    expect(value).toMatchObject({
      responses: [
        {
          topic: '',
          partitions: [
            {
              records: Buffer.from([1, 2, 3]),
              divergingEpoch: { epoch: -1, endOffset: -1 },
            },
          ],
        },
      ],
      nodeEndpoints: [],
    });
    expect(toJson(fetchResponse, value, 13)).toEqual(json);
  });

  test('a field that is unknown or of another type is named', () => {
    const bad = (change: object) => () => fromJson(fetchResponse, { ...json, ...change }, 13);
    expect(bad({ nonsense: 1 })).toThrow("FetchResponse: there is no field 'nonsense'");
    expect(bad({ sessionId: '2' })).toThrow('FetchResponse.sessionId: a number is wanted');
    expect(bad({ responses: {} })).toThrow('FetchResponse.responses: an array is wanted');
    expect(bad({ responses: [1] })).toThrow('FetchResponse.responses[0]: an object is wanted');
    expect(() => fromJson(fetchResponse, [], 13)).toThrow('FetchResponse: an object is wanted');
  });

  test('what is left out, and what the version lacks, has its default', () => {
    expect(fromJson(metadataResponse, { topics: [], clusterId: 'x' }, 0)).toEqual({
      throttleTimeMs: 0,
      brokers: [],
      clusterId: null,
      controllerId: -1,
      topics: [],
      clusterAuthorizedOperations: -2147483648,
      errorCode: 0,
    });
  });

  test('arrays of plain values stay as they are', () => {
    const value = { brokers: [], topics: [{ errorCode: 0, name: 'a', partitions: [] }] };
    expect(toJson(metadataResponse, fromJson(metadataResponse, value, 0), 0)).toEqual(value);
  });
});

/**
 * What does the wire codec cost per message? The schema codecs on a usual and on a large message, and the in-place codecs
 * for Produce and Fetch, which run for every batch.
 */

import { bench, do_not_optimize, group } from 'mitata';
import { fetchRequest } from '../../net/wire/api/fetch.ts';
import { type MetadataResponse, metadataResponse } from '../../net/wire/api/metadata.ts';
import { produceRequest } from '../../net/wire/api/produce.ts';
import { writeRequestHeader } from '../../net/wire/header.ts';
import { NO_ENDPOINTS } from '../../net/wire/hot/bytes.ts';
import { FetchRequestCursor } from '../../net/wire/hot/fetch-request.ts';
import {
  putFetchEnd,
  putFetchPrefix,
  putFetchStart,
  putFetchSuffix,
  putFetchTopic,
  putFetchTopicEnd,
} from '../../net/wire/hot/fetch-response.ts';
import { walkProduceRequest } from '../../net/wire/hot/produce-request.ts';
import {
  putProduceEnd,
  putProducePartition,
  putProduceStart,
  putProduceTopic,
  putProduceTopicEnd,
} from '../../net/wire/hot/produce-response.ts';
import { readRequestHead } from '../../net/wire/hot/request-head.ts';
import { putResponseHead } from '../../net/wire/hot/response-head.ts';
import { Reader } from '../../net/wire/reader.ts';
import { Writer } from '../../net/wire/writer.ts';

const PRODUCE_VERSION = 12;
const FETCH_VERSION = 17;
const METADATA_VERSION = 13;
const TOPIC = Buffer.from('orders');
const TOPIC_ID = 'H3YNyRp_wEnATVIz9DsjxA';

function produceFrame(partitions: number): Buffer {
  const writer = new Writer();
  writeRequestHeader(writer, {
    apiKey: 0,
    apiVersion: PRODUCE_VERSION,
    correlationId: 1,
    clientId: 'rdkafka',
  });
  const partitionData = Array.from({ length: partitions }, (_, index) => ({
    index,
    records: Buffer.alloc(64 * 1024),
  }));
  produceRequest.write(
    writer,
    { acks: -1, timeoutMs: 30_000, topicData: [{ name: 'orders', partitionData }] },
    PRODUCE_VERSION,
  );
  return writer.copy();
}

function fetchBody(partitions: number): Buffer {
  const writer = new Writer();
  fetchRequest.write(
    writer,
    {
      maxWaitMs: 500,
      minBytes: 1,
      topics: [
        {
          topicId: TOPIC_ID,
          partitions: Array.from({ length: partitions }, (_, partition) => ({
            partition,
            fetchOffset: partition * 1_000_000,
            partitionMaxBytes: 1 << 20,
          })),
        },
      ],
    },
    FETCH_VERSION,
  );
  return writer.copy();
}

function metadataOf(topics: number, partitions: number): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: [{ nodeId: 1, host: 'localhost', port: 9092, rack: null }],
    clusterId: TOPIC_ID,
    controllerId: 1,
    clusterAuthorizedOperations: -2147483648,
    errorCode: 0,
    topics: Array.from({ length: topics }, (_, topic) => ({
      errorCode: 0,
      name: `topic-${topic}`,
      topicId: TOPIC_ID,
      isInternal: false,
      topicAuthorizedOperations: -2147483648,
      partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: 1,
        leaderEpoch: 0,
        replicaNodes: [1],
        isrNodes: [1],
        offlineReplicas: [],
      })),
    })),
  };
}

const silent = {
  onRequest() {},
  onTopic() {},
  onPartition() {},
};
const head = {
  apiKey: 0,
  apiVersion: 0,
  correlationId: 0,
  clientIdAt: 0,
  clientIdSize: 0,
  bodyAt: 0,
};

const produced = {
  index: 0,
  errorCode: 0,
  baseOffset: 123_456_789,
  logAppendTimeMs: -1,
  logStartOffset: 0,
  recordErrors: null,
  errorMessage: null,
  leaderId: -1,
  leaderEpoch: -1,
};
const fetched = {
  partitionIndex: 0,
  errorCode: 0,
  highWatermark: 123_456_789,
  lastStableOffset: 123_456_789,
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
const fetchStart = { throttleTimeMs: 0, errorCode: 0, sessionId: 1 };
const produceTo = { apiKey: 0, apiVersion: PRODUCE_VERSION, correlationId: 1 };
const fetchTo = { apiKey: 1, apiVersion: FETCH_VERSION, correlationId: 1 };
const topicId = Buffer.from(TOPIC_ID, 'base64url');
const output = Buffer.alloc(8192);
const target = { bytes: output, view: new DataView(output.buffer, output.byteOffset, 8192) };

function produceResponse(partitions: number): number {
  let at = putResponseHead(target, 0, produceTo, 100);
  at = putProduceStart(target, at, PRODUCE_VERSION, 1);
  at = putProduceTopic(target, at, PRODUCE_VERSION, TOPIC, 0, TOPIC.length, partitions);
  for (let index = 0; index < partitions; index++) {
    at = putProducePartition(target, at, PRODUCE_VERSION, produced);
  }
  at = putProduceTopicEnd(target, at, PRODUCE_VERSION);
  return putProduceEnd(target, at, PRODUCE_VERSION, 0, NO_ENDPOINTS);
}

function fetchResponse(partitions: number): number {
  let at = putResponseHead(target, 0, fetchTo, 100);
  at = putFetchStart(target, at, FETCH_VERSION, fetchStart, 1);
  at = putFetchTopic(target, at, FETCH_VERSION, topicId, 0, 16, partitions);
  for (let index = 0; index < partitions; index++) {
    at = putFetchPrefix(target, at, FETCH_VERSION, fetched, 1 << 20);
    at = putFetchSuffix(target, at, FETCH_VERSION, fetched);
  }
  at = putFetchTopicEnd(target, at, FETCH_VERSION);
  return putFetchEnd(target, at, FETCH_VERSION, NO_ENDPOINTS);
}

group('wire: in place', () => {
  for (const partitions of [1, 12]) {
    const source = { bytes: produceFrame(partitions) };
    bench(`Produce request, header and ${partitions} partitions`, () => {
      readRequestHead(source, 0, source.bytes.length, head);
      walkProduceRequest(source, head.bodyAt, source.bytes.length, head.apiVersion, silent);
    });
    bench(`Produce response, ${partitions} partitions`, () => produceResponse(partitions));
    const fetch = { bytes: fetchBody(partitions) };
    const cursor = new FetchRequestCursor();
    bench(`Fetch request, ${partitions} partitions`, () => {
      cursor.open(fetch, 0, fetch.bytes.length, FETCH_VERSION);
      while (cursor.nextTopic()) while (cursor.nextPartition());
    });
    bench(`Fetch response, ${partitions} partitions`, () => fetchResponse(partitions));
  }
});

group('wire: schema codecs', () => {
  const reader = new Reader();
  const writer = new Writer();
  for (const [topics, partitions] of [
    [1, 6],
    [1000, 6],
  ] as const) {
    const value = metadataOf(topics, partitions);
    writer.reset();
    metadataResponse.write(writer, value, METADATA_VERSION);
    const bytes = writer.copy();
    bench(`Metadata response encoded, ${topics} topics of ${partitions}`, () => {
      writer.reset();
      metadataResponse.write(writer, value, METADATA_VERSION);
    });
    bench(`Metadata response decoded, ${topics} topics of ${partitions}`, () => {
      reader.reset(bytes);
      do_not_optimize(metadataResponse.read(reader, METADATA_VERSION));
    });
  }
  const source = produceFrame(1);
  readRequestHead({ bytes: source }, 0, source.length, head);
  const { bodyAt } = head;
  bench('Produce request decoded, for comparison', () => {
    reader.reset(source, bodyAt);
    do_not_optimize(produceRequest.read(reader, PRODUCE_VERSION));
  });
});

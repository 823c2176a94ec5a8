/**
 * Which offset a partition has at a moment: its beginning, its end, or the first record not older than a time.
 * Asked of each partition's leader, again while leaders move.
 *
 * One thread; no state.
 */

import { ErrorCode } from '../engine/base/error-codes.ts';
import { listOffsetsRequest, listOffsetsResponse } from '../net/wire/api/list-offsets.ts';
import type { Client } from './client.ts';
import { BrokerError } from './client-error.ts';

const listOffsetsApi = { request: listOffsetsRequest, response: listOffsetsResponse };

/** Below this version a request has no isolation level. */
const ISOLATION_VERSION = 2;

/** The protocol's reserved timestamps. */
const BEGINNING = -2;
const END = -1;
const MAX_TIMESTAMP = -3;

/**
 * Where in a partition: its first record, behind its last one, the record with the largest timestamp, or the
 * first record whose timestamp is at least `timestampMs`.
 */
export type OffsetQuery = 'beginning' | 'end' | 'max-timestamp' | { readonly timestampMs: number };

export interface PartitionOffset {
  readonly partition: number;
  /** Null: no record is as young as the timestamp that was asked for. */
  readonly offset: number | null;
  /** Of the record found; null for the beginning and the end. */
  readonly timestampMs: number | null;
  /** -1: unknown. */
  readonly leaderEpoch: number;
}

/**
 * The offsets of some partitions of a topic (all when none are named), in the order of the partitions asked for.
 * Throws `BrokerError` or `ClientError` when one of them cannot be had in the client's retry time.
 */
export async function listOffsets(
  client: Client,
  topic: string,
  query: OffsetQuery,
  partitions?: readonly number[],
): Promise<PartitionOffset[]> {
  const found = new Map<number, PartitionOffset>();
  const timestamp = timestampOf(query);
  const wanted = await client.retry(async () => {
    const info = await client.metadata.topic(topic, { mayCreate: false });
    const all = partitions ?? info.partitions.map((each) => each.partition);
    const byLeader = new Map<number, number[]>();
    for (const partition of all) {
      if (found.has(partition)) continue;
      const leaderId = info.partitions[partition]?.leaderId;
      if (leaderId === undefined) {
        throw new BrokerError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `partition ${partition} of '${topic}'`,
        );
      }
      if (leaderId < 0) {
        client.metadata.markStale(topic);
        throw new BrokerError(
          ErrorCode.LEADER_NOT_AVAILABLE,
          `partition ${partition} of '${topic}'`,
        );
      }
      const list = byLeader.get(leaderId);
      if (list === undefined) byLeader.set(leaderId, [partition]);
      else list.push(partition);
    }
    await Promise.all(
      [...byLeader].map(([leaderId, list]) =>
        askLeader(client, { topic, leaderId, timestamp }, list, found),
      ),
    );
    return all;
  });
  return wanted.map((partition) => found.get(partition)!);
}

function timestampOf(query: OffsetQuery): number {
  if (query === 'beginning') return BEGINNING;
  if (query === 'end') return END;
  if (query === 'max-timestamp') return MAX_TIMESTAMP;
  return query.timestampMs;
}

async function askLeader(
  client: Client,
  what: { readonly topic: string; readonly leaderId: number; readonly timestamp: number },
  partitions: readonly number[],
  found: Map<number, PartitionOffset>,
): Promise<void> {
  const { topic, timestamp } = what;
  try {
    const connection = await client.connectionTo(what.leaderId);
    const response = await connection.call(listOffsetsApi, {
      replicaId: -1,
      ...(connection.versionOf(listOffsetsApi) < ISOLATION_VERSION ? {} : { isolationLevel: 0 }),
      topics: [
        {
          name: topic,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })),
        },
      ],
    });
    for (const each of response.topics[0]?.partitions ?? []) {
      if (each.errorCode !== ErrorCode.NONE) {
        throw new BrokerError(
          each.errorCode,
          `offsets of partition ${each.partitionIndex} of '${topic}'`,
        );
      }
      found.set(each.partitionIndex, {
        partition: each.partitionIndex,
        offset: each.offset < 0 ? null : each.offset,
        timestampMs: each.timestamp < 0 ? null : each.timestamp,
        leaderEpoch: each.leaderEpoch,
      });
    }
    const missing = partitions.find((partition) => !found.has(partition));
    if (missing !== undefined) {
      throw new BrokerError(
        ErrorCode.UNKNOWN_SERVER_ERROR,
        `offsets of partition ${missing} of '${topic}'`,
        'no answer',
      );
    }
  } catch (error) {
    client.metadata.markStale(topic);
    throw error;
  }
}

/**
 * The control requests a shard answers: opening, configuring, deleting partitions, and everything else that is rare.
 * On the shard's thread, under its lock, between two passes over the rings.
 */

import { ErrorCode } from '../base/error-codes.ts';
import { isMillraceError, messageOf } from '../base/errors.ts';
import { isFileError } from '../io/file-system.ts';
import { Cursor } from '../log/cursor.ts';
import { PartitionLog } from '../log/partition-log.ts';
import type { OpenRequest, OpenResult, ShardRequestName, ShardRequests } from './messages.ts';
import { PartitionState } from './partition-table.ts';
import type { Shard } from './shard.ts';
import { ShardPartition } from './shard-partition.ts';

type Handlers = {
  [N in ShardRequestName]: (
    shard: Shard,
    argument: ShardRequests[N]['argument'],
  ) => ShardRequests[N]['answer'];
};

/** Does one request. Throws what the caller is to hear. */
export function answerRequest(shard: Shard, name: ShardRequestName, argument: unknown): unknown {
  const handler = handlers[name] as (shard: Shard, argument: unknown) => unknown;
  return handler(shard, argument);
}

const handlers: Handlers = {
  open: (shard, requests) => {
    const results = requests.map((request) => openPartition(shard, request));
    shard.manifest?.write();
    return results;
  },

  delete: (shard, requests) => {
    for (const { slot, renamed } of requests) deletePartition(shard, slot, renamed);
    shard.manifest?.write();
    shard.ringClients();
    return null;
  },

  configure: (shard, changes) => {
    for (const { slot, config } of changes) {
      withLog(shard, slot, (log) => log.updateConfig(config));
    }
    return null;
  },

  deleteRecords: (shard, { slot, offset }) => {
    const partition = partitionAt(shard, slot);
    const log = partition?.log;
    if (log == null) return { errorCode: absent(partition), lowWatermark: -1 };
    const highWatermark = log.cursor[Cursor.HIGH_WATERMARK]!;
    const target = offset === -1 ? highWatermark : offset;
    if (target < 0 || target > highWatermark) {
      return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 };
    }
    let lowWatermark = -1;
    const isDone = shard.guard(partition!, () => {
      lowWatermark = log.deleteRecordsBefore(target);
    });
    shard.advanced(partition!);
    shard.manifest?.write();
    shard.ringClients();
    return { errorCode: isDone ? ErrorCode.NONE : ErrorCode.KAFKA_STORAGE_ERROR, lowWatermark };
  },

  truncate: (shard, { slot, offset }) => {
    withLog(shard, slot, (log) => log.truncateTo(offset));
    return null;
  },

  advanceHighWatermark: (shard, { slot, offset }) => {
    withLog(shard, slot, (log) => log.advanceHighWatermark(offset));
    return null;
  },

  setLeaderEpoch: (shard, { slot, epoch }) => {
    withLog(shard, slot, (log, partition) => {
      log.setLeaderEpoch(epoch);
      partition.setLeaderEpoch(epoch);
    });
    return null;
  },

  endOffsetForEpoch: (shard, { slot, epoch }) => {
    const partition = shard.partitions[slot];
    const log = partition?.log;
    if (log == null) return { errorCode: absent(partition), leaderEpoch: -1, endOffset: -1 };
    const found = log.endOffsetForEpoch(epoch);
    return { errorCode: ErrorCode.NONE, leaderEpoch: found.epoch, endOffset: found.endOffset };
  },

  producers: (shard, { slot }) => shard.partitions[slot]?.log?.producers() ?? [],

  flush: (shard, { slots }) => {
    let failure: unknown = null;
    for (const slot of slots ?? shard.partitions.keys()) {
      const log = partitionAt(shard, slot)?.log;
      if (log == null || log.isOffline) continue;
      try {
        log.flush();
      } catch (error) {
        // The others must not wait for this one's disk; the first failure is reported when all were tried.
        if (!isFileError(error)) throw error;
        failure ??= error;
      }
    }
    shard.manifest?.write();
    if (failure !== null) throw failure;
    return null;
  },

  startFlush: (shard) => {
    while (shard.doWork() > 0);
    shard.startFlush();
    return null;
  },

  maintain: (shard) => {
    shard.maintain();
    return null;
  },

  close: (shard) => {
    while (shard.doWork() > 0);
    shard.finishPreparations();
    for (const partition of shard.partitions) {
      if (partition == null) continue;
      const { log } = partition;
      partition.absorb(shard.options.clock.now());
      if (log !== null) shard.guard(partition, () => log.close());
      partition.setState(PartitionState.FREE);
      shard.forget(partition);
    }
    shard.resources.journal?.close();
    shard.manifest?.sync();
    shard.manifest?.close();
    shard.resources.close();
    return null;
  },
};

/** Opens or creates one partition's log. A disk that fails takes this partition offline and no other. */
function openPartition(shard: Shard, request: OpenRequest): OpenResult {
  const { slot, directory } = request;
  const { fs, clock, post } = shard.options;
  const partition = new ShardPartition(shard.table, slot, directory, shard.space);
  shard.partitions[slot] = partition;
  if (request.isHeldBack) {
    partition.setState(PartitionState.OFFLINE);
    const errorMessage = `${directory}: its journal could not be written back`;
    return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, errorMessage };
  }
  const known = shard.takeHint(`${request.topic}-${request.partition}`);
  const hint = request.isNew ? null : known;
  try {
    partition.log = PartitionLog.open({
      fs,
      clock,
      directory,
      topic: request.topic,
      partition: request.partition,
      topicId: request.topicId,
      config: request.config,
      cursor: shard.table.cursor(slot),
      leaderEpoch: request.leaderEpoch,
      resources: shard.resources,
      hint: hint?.entry ?? null,
      manifest: shard.manifest,
      verifyTail: hint?.isSameBoot ? 'headers' : 'crc',
      autoAdvance: request.autoAdvance,
      deferSync: true,
      publish: partition,
      onGenerationChange: partition.onGenerationChange,
      onTruncate: partition.onTruncate,
      onOffline: (cause) => {
        partition.setState(PartitionState.OFFLINE);
        post({ kind: 'log', line: `${directory}: offline: ${messageOf(cause)}` });
      },
      log: (line) => post({ kind: 'log', line }),
    });
  } catch (error) {
    // A damaged log or a failing disk stops this partition; a broken invariant stops everything.
    if (!isMillraceError(error) || error.code === 'assertion') throw error;
    partition.setState(PartitionState.OFFLINE);
    post({ kind: 'log', line: `${directory}: cannot be opened: ${messageOf(error)}` });
    return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, errorMessage: messageOf(error) };
  }
  partition.setLeaderEpoch(partition.log.leaderEpoch);
  partition.setState(PartitionState.ONLINE);
  shard.advanced(partition);
  return { errorCode: ErrorCode.NONE, errorMessage: null };
}

/** After this the name is free: the directory is called `renamed`, its files go when file.delete.delay.ms has passed. */
function deletePartition(shard: Shard, slot: number, renamed: string): void {
  const partition = shard.partitions[slot];
  if (partition == null) return;
  const { fs, clock } = shard.options;
  // Readers see the state before any file is out of its place.
  partition.setState(PartitionState.DELETED);
  partition.onTruncate();
  const { log } = partition;
  if (log !== null) {
    const delayMs = log.config.fileDeleteDelayMs;
    log.delete(renamed);
    shard.resources.deletions.add(renamed, clock.now() + delayMs);
  } else if (fs.exists(partition.directory)) {
    fs.rename(partition.directory, renamed);
    shard.resources.deletions.add(renamed, clock.now());
  }
  shard.advanced(partition);
  shard.forget(partition);
}

/** With what clients appended themselves taken into account. */
function partitionAt(shard: Shard, slot: number): ShardPartition | null | undefined {
  const partition = shard.partitions[slot];
  partition?.absorb(shard.options.clock.now());
  return partition;
}

function withLog(
  shard: Shard,
  slot: number,
  action: (log: PartitionLog, partition: ShardPartition) => void,
): void {
  const partition = partitionAt(shard, slot);
  const log = partition?.log;
  if (log == null) return;
  try {
    action(log, partition!);
  } finally {
    shard.advanced(partition!);
    shard.manifest?.write();
    shard.ringClients();
  }
}

function absent(partition: ShardPartition | null | undefined): number {
  return partition == null ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.KAFKA_STORAGE_ERROR;
}

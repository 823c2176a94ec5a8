/**
 * What a partition log can be told: the topic configs of Kafka that concern storage, as plain numbers and words,
 * and a few of our own. Kafka's name stands behind each. `Infinity` means never, or without limit.
 *
 * Plain data: one object serves all logs that are configured alike, and it may cross threads.
 */

import type { TimestampType } from '../format/batch.ts';

export type CompressionType = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface LogConfig {
  /** segment.bytes: a segment is rolled before it would grow beyond. */
  readonly segmentBytes: number;
  /** segment.ms: a segment is rolled by the append whose timestamp is so much later than its first. */
  readonly segmentMs: number;
  /** segment.jitter.ms: up to so much is taken off segmentMs, different for every segment. */
  readonly segmentJitterMs: number;
  /** segment.index.bytes: a segment is rolled when one of its indexes has grown to this. */
  readonly segmentIndexBytes: number;
  /** index.interval.bytes: one index entry per so many bytes of log. */
  readonly indexIntervalBytes: number;
  /** retention.ms */
  readonly retentionMs: number;
  /** retention.bytes */
  readonly retentionBytes: number;
  /** max.message.bytes: the largest batch, as stored. */
  readonly maxMessageBytes: number;
  /** message.timestamp.type */
  readonly messageTimestampType: TimestampType;
  /** message.timestamp.before.max.ms */
  readonly messageTimestampBeforeMaxMs: number;
  /** message.timestamp.after.max.ms */
  readonly messageTimestampAfterMaxMs: number;
  /** compression.type */
  readonly compressionType: CompressionType;
  /** compression.gzip.level */
  readonly compressionGzipLevel: number;
  /** compression.lz4.level */
  readonly compressionLz4Level: number;
  /** compression.zstd.level */
  readonly compressionZstdLevel: number;
  /** flush.messages: 1 puts every acknowledged batch on the disk first. */
  readonly flushMessages: number;
  /** flush.ms */
  readonly flushMs: number;
  /** cleanup.policy */
  readonly cleanupPolicy: { readonly delete: boolean; readonly compact: boolean };
  /** preallocate, which is on here: it costs nothing, since extending a file takes no space. */
  readonly preallocate: boolean;
  /** file.delete.delay.ms */
  readonly fileDeleteDelayMs: number;
  /** delete.retention.ms */
  readonly deleteRetentionMs: number;
  /** min.compaction.lag.ms */
  readonly minCompactionLagMs: number;
  /** max.compaction.lag.ms */
  readonly maxCompactionLagMs: number;
  /** min.cleanable.dirty.ratio */
  readonly minCleanableDirtyRatio: number;
  /** producer.id.expiration.ms, a broker setting of Kafka's. */
  readonly producerIdExpirationMs: number;
  /** Flush in the background when so many bytes are not on the disk: bounds the work of a recovery. */
  readonly flushTailBytes: number;
  /** Flush in the background when the oldest byte that is not on the disk is so old. */
  readonly flushTailMs: number;
  /** Look at every record inside compressed batches, as Kafka does, at the cost of decompressing them. */
  readonly walkCompressed: boolean;
  /** Producer ids remembered per partition; beyond it the ones unused longest are forgotten. */
  readonly maxProducers: number;
}

const DAY_MS = 86_400_000;

/** Kafka's defaults, where it has the setting. */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1_073_741_824,
  segmentMs: 7 * DAY_MS,
  segmentJitterMs: 0,
  segmentIndexBytes: 10_485_760,
  indexIntervalBytes: 4096,
  retentionMs: 7 * DAY_MS,
  retentionBytes: Number.POSITIVE_INFINITY,
  maxMessageBytes: 1_048_588,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  messageTimestampAfterMaxMs: 3_600_000,
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  flushMessages: Number.POSITIVE_INFINITY,
  flushMs: Number.POSITIVE_INFINITY,
  cleanupPolicy: { delete: true, compact: false },
  preallocate: true,
  fileDeleteDelayMs: 60_000,
  deleteRetentionMs: DAY_MS,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
  minCleanableDirtyRatio: 0.5,
  producerIdExpirationMs: DAY_MS,
  flushTailBytes: 64 * 1024 * 1024,
  flushTailMs: 1000,
  walkCompressed: false,
  maxProducers: 100_000,
};

/** The client's public surface: `millrace/client`. Works against Millrace and against Apache Kafka. */

export type { BatchReport } from './accumulator.ts';
export {
  Admin,
  type ConfigEntry,
  type ConfigResource,
  type ConfigSource,
  type NewTopic,
} from './admin.ts';
export { Client, type ClientOptions } from './client.ts';
export { BrokerError, ClientError, type ClientErrorCode } from './client-error.ts';
export { type FetchedBatch, FetchedChunk, type FetchedRecord, type RecordWalk } from './fetched.ts';
export { type Assignment, Fetcher, type FetcherOptions } from './fetcher.ts';
export type { BrokerInfo, ClusterInfo, PartitionInfo, TopicInfo } from './metadata.ts';
export type { OffsetQuery, PartitionOffset } from './offsets.ts';
export { type Position, resolvePosition } from './positions.ts';
export {
  type Payload,
  Producer,
  type ProducerOptions,
  type ProducerRecord,
  type RecordMetadata,
} from './producer.ts';
export { TopicWriter } from './topic-writer.ts';

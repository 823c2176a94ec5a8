import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ATTRIBUTES_AT } from '../engine/format/batch.ts';
import { buildBatch } from '../engine/format/batch-builder.ts';
import { readKraftMetadata } from './kraft-metadata.ts';

/** Record values as Kafka 4.3.1 wrote them. */
const TOPIC_A1 = '010200036131d480bac7f3c244f89d9c214b01382ac500';
const TOPIC_V2 = '010200037632ff6b06f3abbc407cb034fbcad3e0f5e900';
const REMOVE_V2 = '010900ff6b06f3abbc407cb034fbcad3e0f5e900';
const CONFIG_OF_BROKERS = '0104000401146d696e2e696e73796e632e7265706c69636173023100';
const SEGMENT_MS_OF_V2 = '010400020376320b7365676d656e742e6d73053130303000';
const NO_SEGMENT_MS_OF_V2 = '010400020376320b7365676d656e742e6d730000';
const PRODUCER_IDS = '010f0000000001000000000000000c00000000000003e800';
const UNKNOWN_TYPE = '01630001020304';

function batch(baseOffset: number, ...values: string[]): Uint8Array {
  return buildBatch({
    baseOffset,
    records: values.map((value) => ({ key: null, value: Buffer.from(value, 'hex'), timestamp: 0 })),
  });
}

const log = (...batches: Uint8Array[]): Uint8Array => Buffer.concat(batches);
const read = (...segments: Uint8Array[]) => readKraftMetadata({ snapshot: null, segments });

test("Kafka's metadata: configs of topics and brokers, and the next producer id", () => {
  const metadata = read(
    log(batch(0, TOPIC_A1, CONFIG_OF_BROKERS, UNKNOWN_TYPE), batch(3, TOPIC_V2)),
    log(batch(4, SEGMENT_MS_OF_V2, PRODUCER_IDS)),
  );
  expect([...metadata.topicConfigs]).toEqual([['v2', { 'segment.ms': '1000' }]]);
  expect([...metadata.brokerConfigs]).toEqual([['', { 'min.insync.replicas': '1' }]]);
  expect(metadata.nextProducerId).toBe(1000);
});

test("Kafka's metadata: configs go when they are removed, and with their topic", () => {
  const without = log(batch(0, TOPIC_V2, SEGMENT_MS_OF_V2, NO_SEGMENT_MS_OF_V2));
  expect(read(without).topicConfigs.get('v2')).toEqual({});
  const removed = log(batch(0, TOPIC_V2, SEGMENT_MS_OF_V2), batch(2, REMOVE_V2));
  expect(read(removed).topicConfigs.get('v2')).toBeUndefined();
});

test("Kafka's metadata: what a snapshot covers is not taken from the log again", () => {
  const { topicConfigs } = readKraftMetadata({
    snapshot: { endOffset: 2, bytes: log(batch(0, TOPIC_V2)) },
    segments: [log(batch(0, TOPIC_V2, SEGMENT_MS_OF_V2), batch(2, TOPIC_A1))],
  });
  expect(topicConfigs.get('v2')).toBeUndefined();
});

test('a batch of a codec that nobody knows is passed over, the next one counts', () => {
  const bytes = log(batch(0, CONFIG_OF_BROKERS), batch(1, PRODUCER_IDS));
  bytes[ATTRIBUTES_AT + 1] = 6;
  const { brokerConfigs, nextProducerId } = read(bytes);
  expect(brokerConfigs.size).toBe(0);
  expect(nextProducerId).toBeGreaterThan(0);
});

test("Kafka's metadata: bytes cut or changed anywhere are read as far as they go, without failing", () => {
  const whole = log(
    batch(0, TOPIC_V2, SEGMENT_MS_OF_V2),
    batch(2, CONFIG_OF_BROKERS, PRODUCER_IDS),
  );
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.nat(whole.length - 1),
      fc.integer({ min: 1, max: 255 }),
      (size, at, change) => {
        const bytes = whole.slice();
        bytes[at] = bytes[at]! ^ change;
        read(whole.subarray(0, size));
        read(bytes);
      },
    ),
    { numRuns: 300 },
  );
});

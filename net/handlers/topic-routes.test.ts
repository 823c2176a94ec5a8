/** Topics by bytes against the image's maps. */

import { describe, expect, test } from 'vitest';
import { MetadataImage, type TopicDelta } from '../../cluster/metadata-image.ts';
import { uuidFromBytes, uuidToBytes } from '../../engine/base/uuid.ts';
import { TopicRoutes } from './topic-routes.ts';

function idOf(number: number): string {
  const bytes = new Uint8Array(16).fill(7);
  new DataView(bytes.buffer).setInt32(0, number);
  return uuidFromBytes(bytes);
}

function topic(name: string, number: number): TopicDelta {
  return {
    name,
    topicId: idOf(number),
    isInternal: false,
    minInsyncReplicas: 1,
    maxMessageBytes: 1000,
    messageTimestampType: 'CreateTime',
    slots: [number],
    directoryStem: `/data/${name}`,
    directories: null,
    leaderIds: [1],
    leaderEpochs: [0],
    replicas: [[1]],
    isr: [[1]],
  };
}

describe('topic routes', () => {
  test('find thousands of topics by name and by id, at any place in memory', () => {
    const image = new MetadataImage();
    const topics = Array.from({ length: 5000 }, (_, number) => topic(`topic-${number}`, number));
    image.apply({ version: 1, topics });
    const routes = new TopicRoutes(image);
    for (let round = 0; round < 2; round++) {
      for (const { name, topicId } of topics) {
        const bytes = Buffer.concat([Buffer.from('xx'), Buffer.from(name), Buffer.from('yy')]);
        expect(routes.byName(bytes, 2, name.length)?.topic.name).toBe(name);
        const route = routes.byId(Buffer.concat([Buffer.from('z'), uuidToBytes(topicId)]), 1);
        expect(route?.topicId).toBe(topicId);
        expect(route?.name).toBe(name);
      }
    }
  });

  test('an unknown topic is looked up again when it may have come', () => {
    const image = new MetadataImage();
    const routes = new TopicRoutes(image);
    const name = Buffer.from('orders');
    expect(routes.byName(name, 0, name.length)).toBeNull();
    image.apply({ version: 1, topics: [topic('orders', 1)] });
    expect(routes.byName(name, 0, name.length)?.topic.partitions[0]?.slot).toBe(1);
  });

  test('after a change of the image nothing old is found', () => {
    const image = new MetadataImage();
    image.apply({ version: 1, topics: [topic('orders', 1)] });
    const routes = new TopicRoutes(image);
    const name = Buffer.from('orders');
    expect(routes.byName(name, 0, name.length)?.topic.topicId).toBe(idOf(1));
    image.apply({ version: 2, deletedTopics: ['orders'], topics: [topic('orders', 2)] });
    routes.clear();
    expect(routes.byName(name, 0, name.length)?.topic.topicId).toBe(idOf(2));
    expect(routes.byId(uuidToBytes(idOf(1)), 0)).toBeNull();
  });
});

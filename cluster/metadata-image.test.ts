import { expect, test } from 'vitest';
import { type ImageDelta, MetadataImage, type TopicDelta } from './metadata-image.ts';

const topic: TopicDelta = {
  name: 'a',
  topicId: 'id-1',
  isInternal: false,
  minInsyncReplicas: 1,
  maxMessageBytes: 100,
  messageTimestampType: 'CreateTime',
  slots: [7, 9],
  directoryStem: '/data/a',
  directories: null,
  leaderIds: [1],
  leaderEpochs: [0, 3],
  replicas: [[1]],
  isr: [[1]],
};

function imageOf(...deltas: ImageDelta[]): MetadataImage {
  const image = new MetadataImage();
  for (const delta of deltas) image.apply(structuredClone(delta));
  return image;
}

test('metadata image: one element stands for all partitions, several for one each', () => {
  const image = imageOf({ version: 1, topics: [topic] });
  expect(image.topicByName('a')?.partitions).toEqual([
    {
      partition: 0,
      slot: 7,
      directory: '/data/a-0',
      leaderId: 1,
      leaderEpoch: 0,
      replicas: [1],
      isr: [1],
      offline: [],
    },
    {
      partition: 1,
      slot: 9,
      directory: '/data/a-1',
      leaderId: 1,
      leaderEpoch: 3,
      replicas: [1],
      isr: [1],
      offline: [],
    },
  ]);
  expect(image.topicById('id-1')).toBe(image.topicByName('a'));
});

test('metadata image: a snapshot makes the same image elsewhere, whatever the directories are', () => {
  const scattered = {
    ...topic,
    name: 'b',
    topicId: 'id-2',
    directoryStem: null,
    directories: ['/disk1/b-0', '/disk2/b-1'],
  };
  const brokers = [{ id: 1, host: 'localhost', port: 9092, rack: null }];
  const image = imageOf(
    { version: 1, clusterId: 'c', controllerId: 1, brokers, topics: [topic] },
    { version: 2, topics: [scattered] },
  );
  const copy = imageOf(image.snapshot());
  expect([...copy.topics()]).toEqual([...image.topics()]);
  expect(copy.snapshot()).toEqual(image.snapshot());
  expect(copy.version).toBe(2);
});

test('metadata image: a topic deleted and created again answers to its new id alone', () => {
  const again = { ...topic, topicId: 'id-2' };
  const image = imageOf(
    { version: 1, topics: [topic] },
    { version: 2, deletedTopics: ['a', 'never'], topics: [again] },
  );
  expect(image.topicById('id-1')).toBeUndefined();
  expect(image.topicById('id-2')?.name).toBe('a');
  image.apply({ version: 3, deletedTopics: ['a'] });
  expect(image.topicCount).toBe(0);
});

/**
 * Makes topics of partition directories that no metadata knows: those of a Kafka data directory that is opened in
 * place, or of one whose metadata was lost. A topic has as many partitions as its highest directory says.
 *
 * Main thread; pure.
 */
import { internalTopicConfigs } from './internal-topics.ts';
import type { TopicRecord } from './metadata-keys.ts';
import { CLUSTER_METADATA_TOPIC, topicNameProblem } from './topic-names.ts';

export interface FoundDirectory {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string | null;
}

export function adoptDirectories(
  found: readonly FoundDirectory[],
  options: {
    readonly nodeId: number;
    readonly newId: () => string;
    /** The configs that other metadata gives a topic; undefined where it says nothing. */
    readonly configsOf: (name: string) => Readonly<Record<string, string>> | undefined;
  },
): { name: string; record: TopicRecord }[] {
  const byTopic = new Map<string, FoundDirectory[]>();
  for (const directory of found) {
    const { topic } = directory;
    if (topic === CLUSTER_METADATA_TOPIC || topicNameProblem(topic) !== null) continue;
    const directories = byTopic.get(topic) ?? [];
    directories.push(directory);
    byTopic.set(topic, directories);
  }
  return [...byTopic].map(([name, directories]) => {
    const partitions = Math.max(...directories.map(({ partition }) => partition)) + 1;
    const id = directories.find(({ topicId }) => topicId !== null)?.topicId ?? options.newId();
    const record: TopicRecord = {
      id,
      partitions,
      replicas: [[options.nodeId]],
      leaderEpochs: [0],
      configs: options.configsOf(name) ?? internalTopicConfigs(name),
    };
    return { name, record };
  });
}

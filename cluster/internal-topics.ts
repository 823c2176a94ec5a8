/** The configs that Kafka gives the topics of its coordinators. Pure data. */

const CONFIGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  __consumer_offsets: {
    'cleanup.policy': 'compact',
    'compression.type': 'producer',
    'segment.bytes': '104857600',
  },
  __transaction_state: {
    'cleanup.policy': 'compact',
    'compression.type': 'uncompressed',
    'min.insync.replicas': '1',
    'segment.bytes': '104857600',
    'unclean.leader.election.enable': 'false',
  },
  __share_group_state: {
    'cleanup.policy': 'delete',
    'compression.type': 'producer',
    'min.insync.replicas': '1',
    'retention.ms': '-1',
    'segment.bytes': '104857600',
  },
};

/** Those of one topic; none when it is no internal one. */
export function internalTopicConfigs(name: string): Readonly<Record<string, string>> {
  return CONFIGS[name] ?? {};
}

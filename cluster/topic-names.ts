/**
 * Which topic names there can be: Kafka's rules and Kafka's sentences about them. Topics become directories and, in
 * metrics, names in which `.` and `_` look alike, hence the rules.
 *
 * Any thread; pure.
 */

const TOPIC_NAME_LENGTH_MAX = 249;

/** Topics that belong to the coordinators. */
export const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
]);

/** The log of Kafka's controllers, which lies beside the topics of a data directory but is none. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata';

/** Why the name cannot be a topic's; null when it can. */
export function topicNameProblem(name: string): string | null {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed';
  if (name === '.') return "Topic name is invalid: '.' is not allowed";
  if (name === '..') return "Topic name is invalid: '..' is not allowed";
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${TOPIC_NAME_LENGTH_MAX}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  }
  return null;
}

/** Names with one collision key cannot live side by side. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_');
}

/** Whether a name can collide at all. */
export function hasCollisionCharacter(name: string): boolean {
  return name.includes('.') || name.includes('_');
}

/**
 * Settings that Kafka honours and this broker does not, where that changes what an operator gets: each given one makes
 * a line at start, so that nobody believes in a protection or a feature that is not there. Settings that only tune how
 * Kafka works inside (thread counts, buffers, intervals) need no line.
 *
 * Main thread; pure.
 */
import type { BrokerSettings } from './broker-settings.ts';

interface Warning {
  readonly name: string;
  /** Whether this value asks for something that is not done. */
  readonly applies: (text: string) => boolean;
  readonly line: string;
}

const isTrue = (text: string): boolean => text.trim().toLowerCase() === 'true';
const isSomething = (text: string): boolean => text.trim() !== '';
const isMoreThanOne = (text: string): boolean => Number(text) > 1;

const WARNINGS: readonly Warning[] = [
  {
    name: 'process.roles',
    applies: (text) => !text.includes('broker'),
    line: 'this process is a broker and its own controller; a controller alone is not available',
  },
  {
    name: 'controller.quorum.voters',
    applies: (text) => text.split(',').length > 1,
    line: 'metadata is kept in the data directory; other controllers are not asked',
  },
  {
    name: 'controller.quorum.bootstrap.servers',
    applies: (text) => text.split(',').length > 1,
    line: 'metadata is kept in the data directory; other controllers are not asked',
  },
  {
    name: 'default.replication.factor',
    applies: isMoreThanOne,
    line: 'there is one broker: topics get one replica',
  },
  {
    name: 'min.insync.replicas',
    applies: isMoreThanOne,
    line: 'there is one broker: acks=all is refused for topics that ask for more in-sync replicas',
  },
  {
    name: 'log.dirs',
    applies: (text) => text.split(',').length > 1,
    line: 'only the first directory is used',
  },
  {
    name: 'log.cleanup.policy',
    applies: (text) => text.includes('compact'),
    line: 'logs are not compacted yet: every record is kept',
  },
  {
    name: 'authorizer.class.name',
    applies: isSomething,
    line: 'requests are not authorised: every client may do everything',
  },
  {
    name: 'remote.log.storage.system.enable',
    applies: isTrue,
    line: 'tiered storage is not available: segments stay on the local disk',
  },
  {
    name: 'create.topic.policy.class.name',
    applies: isSomething,
    line: 'the policy is not asked',
  },
  {
    name: 'alter.config.policy.class.name',
    applies: isSomething,
    line: 'the policy is not asked',
  },
  {
    name: 'client.quota.callback.class',
    applies: isSomething,
    line: 'clients are not throttled',
  },
  {
    name: 'replica.selector.class',
    applies: isSomething,
    line: 'consumers read from the leader',
  },
  {
    name: 'config.providers',
    applies: isSomething,
    line: 'values are taken as they are written, without providers',
  },
  {
    name: 'cordoned.log.dirs',
    applies: isSomething,
    line: 'the directory takes new partitions all the same',
  },
];

/** The lines for what was given. */
export function startupWarnings(settings: BrokerSettings): string[] {
  const lines: string[] = [];
  for (const { name, applies, line } of WARNINGS) {
    const text = settings.isGiven(name) ? settings.text(name) : null;
    if (text !== null && applies(text))
      lines.push(`setting ${name}=${text} is not honoured: ${line}`);
  }
  return lines;
}

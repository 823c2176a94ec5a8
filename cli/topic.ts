/**
 * `millrace topic`: topics through the admin API. Each subcommand says what it did, or fails with the broker's own
 * reason; with several names it goes on after a failure and reports it at the end.
 *
 * Main thread.
 */

import { Admin, type ConfigEntry } from '../client/admin.ts';
import { errorCodeOf } from '../client/client-error.ts';
import type { TopicInfo } from '../client/metadata.ts';
import type { PartitionOffset } from '../client/offsets.ts';
import { ErrorCode } from '../engine/base/error-codes.ts';
import { failureLine, UsageError } from './failure.ts';
import { formatCount } from './progress.ts';
import { type BrokerOption, withClient } from './shared-options.ts';
import { formatTable } from './table.ts';
import { parseCount, parsePairs } from './values.ts';

interface CreateOptions extends BrokerOption {
  readonly partitions?: string;
  readonly replicationFactor?: string;
  readonly config?: readonly string[];
  readonly ifNotExists?: boolean;
}

interface AlterOptions extends BrokerOption {
  readonly partitions?: string;
  readonly config?: readonly string[];
  readonly unset?: readonly string[];
}

const INT16_MAX = 32_767;

export async function createTopics(
  names: readonly string[],
  options: CreateOptions,
): Promise<void> {
  const partitions =
    options.partitions === undefined
      ? undefined
      : parseCount(options.partitions, '--partitions', 1);
  const replicationFactor =
    options.replicationFactor === undefined
      ? undefined
      : parseCount(options.replicationFactor, '--replication-factor', 1);
  if (replicationFactor !== undefined && replicationFactor > INT16_MAX) {
    throw new UsageError(`--replication-factor: at most ${INT16_MAX} is possible`);
  }
  const configs = parsePairs(options.config ?? [], '--config');
  await withClient(options, async (client) => {
    const admin = new Admin(client);
    await forEach(names, async (name) => {
      try {
        await admin.createTopic({
          name,
          configs,
          ...(partitions === undefined ? {} : { partitions }),
          ...(replicationFactor === undefined ? {} : { replicationFactor }),
        });
        say(`created topic ${name}`);
      } catch (error) {
        const exists = errorCodeOf(error) === ErrorCode.TOPIC_ALREADY_EXISTS;
        if (!exists || !options.ifNotExists) throw error;
        say(`topic ${name} exists already`);
      }
    });
  });
}

export async function listTopics(
  options: BrokerOption & { readonly internal?: boolean; readonly json?: boolean },
): Promise<void> {
  await withClient(options, async (client) => {
    const all = await new Admin(client).listTopics();
    const topics = all.filter((topic) => options.internal || !topic.isInternal);
    if (options.json) {
      const rows = topics.map(({ name, topicId, partitions, isInternal }) => ({
        name,
        topicId,
        partitions: partitions.length,
        isInternal,
      }));
      say(JSON.stringify(rows, null, 2));
    } else for (const { name } of topics) say(name);
  });
}

export async function describeTopics(
  names: readonly string[],
  options: BrokerOption & { readonly allConfigs?: boolean; readonly json?: boolean },
): Promise<void> {
  await withClient(options, async (client) => {
    const admin = new Admin(client);
    const described: object[] = [];
    await forEach(names, async (name) => {
      const info = await admin.describeTopic(name);
      const [configs, begins, ends] = await Promise.all([
        admin.describeConfigs({ topic: name }),
        admin.listOffsets(name, 'beginning'),
        admin.listOffsets(name, 'end'),
      ]);
      const shown = configs.filter((config) => options.allConfigs || config.source === 'topic');
      if (options.json) described.push(asJson(info, shown, begins, ends));
      else process.stdout.write(asText(info, shown, begins, ends));
    });
    if (options.json) say(JSON.stringify(described, null, 2));
  });
}

export async function alterTopic(name: string, options: AlterOptions): Promise<void> {
  const partitions =
    options.partitions === undefined
      ? undefined
      : parseCount(options.partitions, '--partitions', 1);
  const configs: Record<string, string | null> = parsePairs(options.config ?? [], '--config');
  for (const unset of options.unset ?? []) configs[unset] = null;
  if (partitions === undefined && Object.keys(configs).length === 0) {
    throw new UsageError('nothing to alter: give --partitions, --config or --unset');
  }
  await withClient(options, async (client) => {
    const admin = new Admin(client);
    if (Object.keys(configs).length > 0) {
      await admin.alterConfigs({ topic: name }, configs);
      say(`altered configs of topic ${name}: ${Object.keys(configs).join(', ')}`);
    }
    if (partitions !== undefined) {
      await admin.setPartitionCount(name, partitions);
      say(`topic ${name} has ${partitions} partitions`);
    }
  });
}

export async function deleteTopics(
  names: readonly string[],
  options: BrokerOption & { readonly ifExists?: boolean },
): Promise<void> {
  await withClient(options, async (client) => {
    const admin = new Admin(client);
    await forEach(names, async (name) => {
      try {
        await admin.deleteTopic(name);
        say(`deleted topic ${name}`);
      } catch (error) {
        const isMissing = errorCodeOf(error) === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        if (!isMissing || !options.ifExists) throw error;
        say(`there is no topic ${name}`);
      }
    });
  });
}

/** Runs `work` for every name; what failed is reported and makes the command fail, the rest is done. */
async function forEach(
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<void> {
  for (const [index, name] of names.entries()) {
    try {
      await work(name);
    } catch (error) {
      if (index === names.length - 1 && process.exitCode === undefined) throw error;
      process.stderr.write(`${failureLine(error)}\n`);
      process.exitCode = 1;
    }
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function asJson(
  info: TopicInfo,
  configs: readonly ConfigEntry[],
  begins: readonly PartitionOffset[],
  ends: readonly PartitionOffset[],
): object {
  return {
    name: info.name,
    topicId: info.topicId,
    isInternal: info.isInternal,
    configs: Object.fromEntries(configs.map(({ name, value }) => [name, value])),
    partitions: info.partitions.map((each, index) => ({
      partition: each.partition,
      leader: each.leaderId,
      leaderEpoch: each.leaderEpoch,
      replicas: each.replicas,
      inSyncReplicas: each.inSyncReplicas,
      beginOffset: begins[index]?.offset ?? null,
      endOffset: ends[index]?.offset ?? null,
    })),
  };
}

function asText(
  info: TopicInfo,
  configs: readonly ConfigEntry[],
  begins: readonly PartitionOffset[],
  ends: readonly PartitionOffset[],
): string {
  const total = ends.reduce(
    (sum, end, index) => sum + (end.offset ?? 0) - (begins[index]?.offset ?? 0),
    0,
  );
  const facts = [
    `topic ${info.name}`,
    `  id          ${info.topicId ?? 'none'}${info.isInternal ? ' (internal)' : ''}`,
    `  partitions  ${info.partitions.length}`,
    `  offsets     ${formatCount(total)} from beginning to end`,
    ...configs.map(({ name, value }) => `  config      ${name}=${value ?? '(hidden)'}`),
  ];
  const rows = info.partitions.map((each, index) => [
    String(each.partition),
    each.leaderId < 0 ? 'none' : String(each.leaderId),
    each.replicas.join(','),
    each.inSyncReplicas.join(','),
    String(begins[index]?.offset ?? '?'),
    String(ends[index]?.offset ?? '?'),
  ]);
  const header = ['partition', 'leader', 'replicas', 'in sync', 'begin', 'end'];
  const table = formatTable(header, rows);
  return `${facts.join('\n')}\n${table.replace(/^/gm, '  ').trimEnd()}\n\n`;
}

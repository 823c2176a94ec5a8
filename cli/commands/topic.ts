/** `millrace topic ...`: its options and help. */

import type { Command } from 'commander';
import { collect, withBroker } from '../shared-options.ts';

const EXAMPLES = `
Examples:
  $ millrace topic create orders --partitions 12 --config retention.ms=86400000
  $ millrace topic list
  $ millrace topic describe orders                 # partitions, offsets, configs that are not defaults
  $ millrace topic alter orders --partitions 24 --config segment.bytes=268435456 --unset retention.ms
  $ millrace topic delete orders`;

const CREATE_EXAMPLES = `
Examples:
  $ millrace topic create orders
  $ millrace topic create orders --partitions 12 --config cleanup.policy=compact --config segment.ms=3600000
  $ millrace topic create orders --if-not-exists   # exit code 0 also when it is there already`;

const DESCRIBE_EXAMPLES = `
Examples:
  $ millrace topic describe orders payments
  $ millrace topic describe orders --all-configs
  $ millrace topic describe orders --json | jq '.[0].partitions[].endOffset'`;

const ALTER_EXAMPLES = `
Examples:
  $ millrace topic alter orders --partitions 24    # more partitions; fewer is not possible
  $ millrace topic alter orders --config retention.ms=3600000
  $ millrace topic alter orders --unset retention.ms`;

export function define(program: Command): void {
  const topic = program
    .command('topic')
    .summary('create, list, describe, alter, delete topics')
    .description('Create, list, describe, alter and delete topics.')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES);

  withBroker(topic.command('create').description('Create topics.'))
    .argument('<name...>', 'letters, digits, dots, dashes and underscores')
    .option('-p, --partitions <count>', "number of partitions (default: the broker's)")
    .option('-r, --replication-factor <count>', "copies of each partition (default: the broker's)")
    .option('-c, --config <name=value>', 'a topic config; may be repeated', collect)
    .option('--if-not-exists', 'do nothing when it exists')
    .addHelpText('after', CREATE_EXAMPLES)
    .action(async (names, options) => (await import('../topic.ts')).createTopics(names, options));

  withBroker(topic.command('list').description('List topics, one a line.'))
    .option('--internal', 'internal topics as well')
    .option('--json', 'as JSON, with partition counts and ids')
    .action(async (options) => (await import('../topic.ts')).listTopics(options));

  withBroker(topic.command('describe').description('Show partitions, offsets and configs.'))
    .argument('<name...>')
    .option('--all-configs', 'also configs that have their default value')
    .option('--json', 'as JSON')
    .addHelpText('after', DESCRIBE_EXAMPLES)
    .action(async (names, options) => (await import('../topic.ts')).describeTopics(names, options));

  withBroker(topic.command('alter').description('Add partitions or change configs.'))
    .argument('<name>')
    .option(
      '-p, --partitions <count>',
      'new number of partitions; records with keys go elsewhere afterwards',
    )
    .option('-c, --config <name=value>', 'set a config; may be repeated', collect)
    .option('-u, --unset <name>', 'take a config back to its default; may be repeated', collect)
    .addHelpText('after', ALTER_EXAMPLES)
    .action(async (name, options) => (await import('../topic.ts')).alterTopic(name, options));

  withBroker(topic.command('delete').description('Delete topics with all their records.'))
    .argument('<name...>')
    .option('--if-exists', 'do nothing when it does not exist')
    .action(async (names, options) => (await import('../topic.ts')).deleteTopics(names, options));
}

/** `millrace start`: its options and help. */

import type { Command } from 'commander';
import { collect } from '../shared-options.ts';

const EXAMPLES = `
Examples:
  $ millrace start                                    # 127.0.0.1:9092, data in ./data
  $ millrace start --data-dir /var/lib/millrace --listen 0.0.0.0:9092
  $ millrace start --set num.partitions=12 --set log.retention.hours=24
  $ millrace start --config broker.properties         # Kafka's own names; log.dirs, listeners, ...
  $ MILLRACE_LOG_RETENTION_HOURS=24 millrace start    # settings from the environment

Settings have Kafka's names where Kafka has them. --set wins over the environment, the environment over
--config. Ctrl-C or SIGTERM stops the broker cleanly (exit code 0); a second Ctrl-C ends it at once.
Exit codes: 1 the port or the data directory is in use, 2 a setting is wrong.`;

export function define(program: Command): void {
  program
    .command('start')
    .summary('run a broker')
    .description(
      'Run a broker. An empty directory is enough; topics are created when they are first used.',
    )
    .option(
      '-d, --data-dir <dir>',
      'where records are kept; created when missing (default: log.dirs, or ./data)',
    )
    .option(
      '-l, --listen <host:port>',
      'where to listen (default: listeners, or 127.0.0.1:9092); port 0 takes a free one',
    )
    .option('-c, --config <file>', 'settings in Java properties syntax, as Kafka has them')
    .option('-s, --set <name=value>', 'one setting; may be repeated', collect)
    .option('--log-format <format>', 'plain, or json: one pino object per line', 'plain')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .addHelpText('after', EXAMPLES)
    .action(async (options) => {
      const { start } = await import('../start.ts');
      await start(options);
    });
}

/** `millrace dump`: its options and help. */

import type { Command } from 'commander';

const EXAMPLES = `
Examples:
  $ millrace dump data/orders-0/00000000000000000000.log
  $ millrace dump --records data/orders-0/*.log
  $ millrace dump data/orders-0/00000000000000000000.index
  $ millrace dump /var/lib/kafka/orders-0/00000000000000000000.timeindex     # Kafka's files as well

Every batch's checksum is verified, and the end of a log file is explained: a whole batch, space that was
reserved and not written yet, a batch that was cut off, or damage and at which position. Index entries are
compared with the log beside them. The broker need not run; a file of a running broker may grow meanwhile.
Exit codes: 0 all is well, 1 a file is damaged or cut off.`;

export function define(program: Command): void {
  program
    .command('dump')
    .summary('show what is in segment and index files')
    .description(
      'Show what is in .log, .index, .timeindex and .snapshot files, and whether it is intact.',
    )
    .argument('<file...>')
    .option('-r, --records', 'also the records in each batch')
    .option('-q, --quiet', 'only the verdict of each file')
    .addHelpText('after', EXAMPLES)
    .action(async (files, options) => {
      const { dump } = await import('../dump.ts');
      await dump(files, options);
    });
}

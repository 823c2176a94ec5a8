/** `millrace consume`: its options and help. */

import type { Command } from 'commander';
import { withBroker } from '../shared-options.ts';

const EXAMPLES = `
Examples:
  $ millrace consume greetings                          # everything there is now, one value a line
  $ millrace consume greetings --follow                 # and what comes later, until Ctrl-C
  $ millrace consume orders --from end --follow         # only what comes later
  $ millrace consume orders --from -10                  # the last 10 of each partition
  $ millrace consume orders --from 15m                  # of the last 15 minutes
  $ millrace consume orders --from 2026-01-31T14:00 --to 2026-01-31T15:00 --partition 0,4-7
  $ millrace consume orders --format '%p %o %T %k=%s\\n'
  $ millrace consume orders --format json | jq .value
  $ millrace consume orders --max 1

Formats: value (default), json, or a text in which
  %s or %v  value         %S  its size in bytes, -1 for null     %t  topic
  %k        key           %K  its size in bytes, -1 for null     %p  partition
  %h        headers       %T  timestamp in ms since 1970         %o  offset
  %%        a percent sign; \\n, \\t, \\0, \\xHH work as in C
A format text ends its records itself; value and json end each with a line end.

Places (--from, --to): beginning, end, an offset, -N (N before the end), a time in ISO form (local unless it
has a zone), 90s / 15m / 6h / 2d (that long ago), @1769868000000 (ms since 1970). --to is not included.
Exit codes: 0 done, 1 failed, 2 wrong use. Ctrl-C ends with 0 when following, 130 otherwise.`;

export function define(program: Command): void {
  withBroker(program.command('consume'))
    .summary('write the records of a topic to stdout')
    .description('Write the records of a topic to stdout, ordered within each partition.')
    .argument('<topic>')
    .option('--from <place>', 'where to start', 'beginning')
    .option('--to <place>', 'where to end (default: the end as it is at the start)')
    .option('-p, --partition <list>', 'only these partitions, such as 0,2-4')
    .option('-f, --format <format>', 'value, json or a text with %-codes; see below', 'value')
    .option('-o, --offsets', 'put partition:offset and a tab before each record')
    .option('-n, --max <count>', 'end after this many records')
    .option('-F, --follow', 'do not end: wait for more records')
    .option('-D, --delimiter <text>', 'what ends a record with --format value (default: \\n)')
    .option('--null <text>', 'printed for null values and keys', '')
    .option('--timeout <seconds>', 'how long to try to reach the broker again', '30')
    .option('-s, --summary', 'counts and rate on stderr at the end')
    .addHelpText('after', EXAMPLES)
    .action(async (topic, options) => {
      const { consume } = await import('../consume.ts');
      await consume(topic, options);
    });
}

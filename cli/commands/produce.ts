/** `millrace produce`: its options and help. */

import type { Command } from 'commander';
import { collect, withBroker } from '../shared-options.ts';

const EXAMPLES = `
Examples:
  $ echo hello | millrace produce greetings
  $ millrace produce access-log /var/log/nginx/*.log --codec zstd
  $ tail -F app.log | millrace produce app --linger 50
  $ printf 'eva:1\\nada:2\\n' | millrace produce users --key-separator :
  $ millrace produce users --key-separator : --null-value '' < tombstones.txt
  $ find . -print0 | millrace produce files --delimiter '\\0'

Every line becomes one record, byte for byte, without its line end. Lines with the same key go to the same
partition (Kafka's own hash); lines without one fill one partition's batch after the other.
Exit codes: 0 every record is acknowledged, 1 some are not, 2 wrong use, 130 interrupted.`;

export function define(program: Command): void {
  withBroker(program.command('produce'))
    .summary('write lines from stdin or files to a topic')
    .description('Write lines from files, or from stdin, to a topic.')
    .argument('<topic>', "created with the broker's defaults when it does not exist")
    .argument('[file...]', 'files to read; - or none: stdin')
    .option(
      '-k, --key-separator <text>',
      'the part of a line before the first <text> is the key (\\t, \\x1f, ... work)',
    )
    .option('-p, --partition <number>', 'send everything to this partition')
    .option('-z, --codec <name>', 'none, gzip, snappy, lz4 or zstd', 'none')
    .option('--codec-level <number>', "compression level on the codec's own scale")
    .option('-a, --acks <who>', 'all, 1 (leader only) or 0 (nobody)', 'all')
    .option('-i, --idempotent', 'no duplicates through retries (default with --acks all)')
    .option('--no-idempotent', 'retries may write a record twice')
    .option(
      '-n, --null-value <text>',
      'values that equal <text> are null: tombstones in compacted topics',
    )
    .option('-H, --header <name=value>', 'add a header to every record; may be repeated', collect)
    .option('-D, --delimiter <text>', 'what ends a record (default: \\n)')
    .option('--batch-size <bytes>', 'largest batch before compression', '512k')
    .option('--linger <ms>', 'how long a batch may wait for more lines', '5')
    .option('--buffer <bytes>', 'lines read but not acknowledged yet', '32m')
    .option('--timeout <seconds>', 'give up on a record after this long', '120')
    .option('--no-create', 'fail when the topic does not exist')
    .option('-q, --quiet', 'no progress and no summary')
    .addHelpText('after', EXAMPLES)
    .action(async (topic, files, options) => {
      const { produce } = await import('../produce.ts');
      await produce(topic, files, options);
    });
}

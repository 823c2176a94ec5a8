/**
 * The commands of `millrace` and how each ends: the definition of a command (its options and help) is loaded when
 * it is named, its work when it runs. Every failure becomes one line on stderr and an exit code.
 *
 * Main thread.
 */

import { Command, CommanderError } from 'commander';
import { exitCodeOf, failureLine } from './failure.ts';
import { versionText } from './version.ts';

type Define = (program: Command) => void;

/** In the order in which help lists them. */
const commands: Readonly<Record<string, () => Promise<{ readonly define: Define }>>> = {
  start: () => import('./commands/start.ts'),
  topic: () => import('./commands/topic.ts'),
  produce: () => import('./commands/produce.ts'),
  consume: () => import('./commands/consume.ts'),
  dump: () => import('./commands/dump.ts'),
};

const DESCRIPTION = `Event streaming on Node.js: a broker that speaks the Apache Kafka protocol, and the tools to try it.`;

const EXAMPLES = `
Try it:
  $ millrace start                                   # a broker on 127.0.0.1:9092, data in ./data
  $ echo hello | millrace produce greetings          # in a second terminal
  $ millrace consume greetings

  $ millrace <command> --help                        # each command explains itself with examples

Any Kafka client works too: point its bootstrap servers at 127.0.0.1:9092. The commands above also work
against Apache Kafka: --broker HOST:PORT, or the environment variable MILLRACE_BROKER.`;

/** Runs one command line and sets the process's exit code. Never throws. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    const program = await buildProgram(args);
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed the reason or the help already. Asking for help is no mistake.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`${failureLine(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('millrace');
  program
    .description(DESCRIPTION)
    .version(versionText(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'millrace: ')),
    })
    .exitOverride();
  const named = args.find((arg) => commands[arg] !== undefined);
  const isHelp = args[0] === 'help' || named === undefined || args[0] !== named;
  const wanted = isHelp ? Object.values(commands) : [commands[named]!];
  for (const load of wanted) (await load()).define(program);
  if (isHelp) program.command('version').description('print the version').action(printVersion);
  return program;
}

function printVersion(): void {
  process.stdout.write(`${versionText()}\n`);
}

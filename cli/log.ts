/**
 * The broker's log on stderr: plain lines for people, or pino's JSON lines for machines. pino is loaded only for
 * the latter.
 *
 * Main thread.
 */

import { UsageError } from './failure.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof levels)[number];
export type Log = (line: string, level: LogLevel) => void;

/** A log of the given format that drops what is below `level`. Throws `UsageError` for unknown names. */
export async function createLog(format: string, level: string): Promise<Log> {
  const least = levels.indexOf(level as LogLevel);
  if (least < 0)
    throw new UsageError(`--log-level: ${levels.join(', ')} are possible, not '${level}'`);
  if (format === 'json') {
    const { pino } = await import('pino');
    const logger = pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
    return (line, lineLevel) => logger[lineLevel](line);
  }
  if (format !== 'plain') {
    throw new UsageError(`--log-format: plain or json is possible, not '${format}'`);
  }
  return (line, lineLevel) => {
    if (levels.indexOf(lineLevel) < least) return;
    process.stderr.write(
      `${new Date().toISOString()} ${lineLevel.toUpperCase().padEnd(5)} ${line}\n`,
    );
  };
}

/**
 * The one place of the command line that ends the process by force: a read of stdin that was begun cannot be
 * taken back and would keep a failed command alive until somebody types or closes the pipe.
 */

/** Ends the process now. Everything for stdout must have been flushed. */
export function endWith(exitCode: number): never {
  process.exit(exitCode);
}

/**
 * Ctrl-C and SIGTERM. The first one asks a command to finish what it has begun. After it the system's own
 * behaviour is back, so a second one ends the process at once, whatever it is doing.
 *
 * Main thread.
 */

const signals = ['SIGINT', 'SIGTERM'] as const;

/** Resolves with the name of the first signal that asks the process to end. */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      for (const each of signals) process.off(each, onSignal);
      resolve(signal);
    };
    for (const each of signals) process.on(each, onSignal);
  });
}

/** Lets the signal do what it does to programs that ignore it not: the parent then sees why this one ended. */
export function dieOf(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal);
}

/**
 * Runs the `millrace` command as a child process, as a shell would, and makes line streams that are the same in
 * every run. For the tests of the command line.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Prng } from '../../engine/base/prng.ts';

const entry = join(resolve(fileURLToPath(import.meta.url), '..', '..', '..'), 'cli', 'bin.mjs');

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A command that runs; its output so far can be looked at. */
export class Command {
  readonly child: ChildProcess;
  readonly #stdout: Buffer[] = [];
  #stderr = '';
  readonly done: Promise<CommandResult>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [entry, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, MILLRACE_BROKER: '', ...env },
    });
    this.child.stdout!.on('data', (piece: Buffer) => this.#stdout.push(piece));
    this.child.stderr!.on('data', (piece: Buffer) => {
      this.#stderr += piece.toString();
    });
    // A command that ends before it has read its input closes the pipe: its exit code tells why.
    this.child.stdin!.on('error', () => this.child.stdin!.destroy());
    this.done = new Promise((settle) => {
      this.child.once('close', (exitCode, signal) =>
        settle({ exitCode, signal, stdout: this.stdout, stderr: this.#stderr }),
      );
    });
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  get stderr(): string {
    return this.#stderr;
  }
}

/** Runs a command to its end. */
export function run(
  args: readonly string[],
  options: { readonly stdin?: Uint8Array | string; readonly env?: Record<string, string> } = {},
): Promise<CommandResult> {
  const command = new Command(args, options.env);
  command.child.stdin!.end(options.stdin ?? '');
  return command.done;
}

/** Lines of any bytes but line ends, some empty, some long, the same for a seed. */
export function randomLines(seed: number, count: number): Buffer[] {
  const prng = new Prng(seed);
  return Array.from({ length: count }, () => {
    const kind = prng.below(20);
    const length = kind === 0 ? 0 : kind === 1 ? prng.below(20_000) : prng.below(200);
    const line = Buffer.alloc(length);
    prng.fill(line);
    for (let at = 0; at < length; at++) if (line[at] === 10) line[at] = 0;
    return line;
  });
}

/** Each line with a line end behind it. */
export function joinLines(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
}

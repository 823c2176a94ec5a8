/**
 * The frame of the foreign-client scripts: named checks that run one after another, each with a
 * line of its own, a clear line for what is skipped, and a last line `N passed, N failed` that
 * `.ci/run` adds up. Also the running of commands with a time limit.
 */

import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';

export class Checks {
  readonly #area: string;
  passed = 0;
  failed = 0;
  skipped = 0;

  constructor(area: string) {
    this.#area = area;
  }

  async check(
    what: string,
    run: () => Promise<string | undefined> | string | undefined,
  ): Promise<boolean> {
    const startedAt = performance.now();
    try {
      const note = await run();
      this.passed++;
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`ok      ${this.#area}: ${what}${note ? ` (${note})` : ''} ${seconds} s`);
      return true;
    } catch (error) {
      this.failed++;
      const words = error instanceof Error ? error.message : String(error);
      console.log(
        `FAILED  ${this.#area}: ${what}\n        ${words.replaceAll('\n', '\n        ')}`,
      );
      return false;
    }
  }

  skip(what: string, reason: string): void {
    this.skipped++;
    console.log(`SKIPPED ${this.#area}: ${what}: ${reason}`);
  }

  /** Prints the last line; the exit code for it. */
  end(): number {
    const skipped = this.skipped > 0 ? `, ${this.skipped} skipped` : '';
    console.log(`${this.#area}: ${this.passed} passed, ${this.failed} failed${skipped}`);
    return this.failed > 0 ? 1 : 0;
  }
}

export function same<T>(actual: T, expected: T, what: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}

export function holds(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  /** Bytes for the command's stdin, or a file to stream into it. Default: no stdin. */
  readonly input?: Uint8Array | { readonly file: string };
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The exit code is the caller's business. */
  readonly mayFail?: boolean;
}

/** Runs a command to its end. Throws, with its last words, when it fails or takes too long. */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  return new Promise((settle, fail) => {
    const child = spawn(command, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      detached: true,
    });
    const stdout: Buffer[] = [];
    let stderr = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, options.timeoutMs ?? 60_000);
    child.stdout?.on('data', (piece: Buffer) => stdout.push(piece));
    child.stderr?.on('data', (piece: Buffer) => {
      stderr = (stderr + piece.toString()).slice(-8000);
    });
    child.once('error', fail);
    if (options.input !== undefined && child.stdin !== null) {
      // A command that ends before it has read everything closes its stdin: its exit code tells why.
      child.stdin.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') fail(error);
      });
      if (options.input instanceof Uint8Array) child.stdin.end(options.input);
      else createReadStream(options.input.file).pipe(child.stdin);
    }
    child.once('close', (code) => {
      clearTimeout(timer);
      const ran = { code, stdout: Buffer.concat(stdout), stderr };
      const shown = `${command.split('/').at(-1)} ${args.join(' ')}`.slice(0, 200);
      if (isLate)
        fail(
          new Error(
            `${shown}: no end after ${(options.timeoutMs ?? 60_000) / 1000} s\n${stderr.slice(-500)}`,
          ),
        );
      else if (code !== 0 && options.mayFail !== true) {
        fail(
          new Error(
            `${shown}: exit ${code}\n${(stderr || ran.stdout.toString()).trim().slice(-800)}`,
          ),
        );
      } else settle(ran);
    });
  });
}

/**
 * A real broker in a process of its own, for the checks that need one: foreign clients, kill -9,
 * memory of the whole process. Started on a port that was free a moment ago, watched until it
 * accepts connections, and gone when the checking process ends, whatever happens.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '..', '..');
const living = new Set<ChildProcess>();

process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export interface BrokerProcessOptions {
  /** Kept when given; else a fresh directory that `stop` removes. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Broker settings, as `--set name=value`. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly startTimeoutMs?: number;
  /** Flags of node itself. */
  readonly nodeFlags?: readonly string[];
  /** It may open so many files and sockets. */
  readonly openFilesMax?: number;
  /** Another entry, such as that of an installed package. Default: the command of this checkout. */
  readonly entry?: string;
}

export interface ProcessMemory {
  readonly residentMb: number;
  readonly proportionalMb: number;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', () => settle(false));
    server.listen(port, '127.0.0.1', () => server.close(() => settle(true)));
  });
}

/** Below the ports that the system gives to outgoing connections: one that is free now stays free over a restart. */
const PORT_FIRST = 20_000;
const PORT_COUNT = 10_000;

/** The first of `count` neighbouring ports of the loopback interface that nothing listens on now. */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const port = PORT_FIRST + randomInt(PORT_COUNT);
    const free = await Promise.all(Array.from({ length: count }, (_, at) => isFree(port + at)));
    if (free.every(Boolean)) return port;
  }
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      settle(true);
    });
    socket.once('error', () => settle(false));
  });
}

export const pause = (ms: number): Promise<void> =>
  new Promise((settle) => {
    setTimeout(settle, ms);
  });

/** Polls until the condition holds; false when the time is over first. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 5,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    if (await condition()) return true;
    await pause(everyMs);
  }
  return false;
}

export class BrokerProcess {
  readonly port: number;
  readonly dataDir: string;
  /** `performance.now()` of the last launch. */
  launchedAt = 0;
  #child: ChildProcess | null = null;
  #output = '';
  #isExpectedToEnd = false;
  readonly #isDirectoryOurs: boolean;
  readonly #options: BrokerProcessOptions;

  private constructor(options: BrokerProcessOptions, port: number) {
    this.#options = options;
    this.port = port;
    this.#isDirectoryOurs = options.dataDir === undefined;
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'millrace-'));
  }

  static async start(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
    const broker = new BrokerProcess(options, options.port ?? (await freePort()));
    await broker.restart();
    return broker;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the broker does not run');
    return pid;
  }

  /** What the process has printed since its last launch. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process without waiting for it. */
  launch(): void {
    if (this.isRunning) throw new Error('the broker runs already');
    const entry = this.#options.entry ?? join(root, 'cli', 'bin.mjs');
    const args = [
      ...(this.#options.nodeFlags ?? []),
      entry,
      'start',
      '--data-dir',
      this.dataDir,
      '--listen',
      this.address,
      ...Object.entries(this.#options.settings ?? {}).flatMap(([name, value]) => [
        '--set',
        `${name}=${value}`,
      ]),
    ];
    this.#output = '';
    this.launchedAt = performance.now();
    const { openFilesMax } = this.#options;
    const [command, ...before] =
      openFilesMax === undefined
        ? [process.execPath]
        : ['sh', '-c', `ulimit -n ${openFilesMax} && exec "$0" "$@"`, process.execPath];
    const child = spawn(command, [...before, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (piece: Buffer): void => {
      this.#output = (this.#output + piece.toString()).slice(-100_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    living.add(child);
    child.once('exit', (code, signal) => {
      living.delete(child);
      if (this.#isExpectedToEnd) return;
      process.stderr.write(
        `the broker ended by itself (${signal ?? `exit ${code}`}):\n${this.#output.slice(-3000)}\n`,
      );
    });
    this.#isExpectedToEnd = false;
    this.#child = child;
  }

  /** Starts the process and waits until its port accepts connections. */
  async restart(): Promise<void> {
    this.launch();
    const isUp = await until(async () => {
      if (!this.isRunning) throw new Error(`the broker ended at its start:\n${this.#output}`);
      return accepts(this.port);
    }, this.#options.startTimeoutMs ?? 30_000);
    if (!isUp) throw new Error(`the broker does not listen on ${this.address}:\n${this.#output}`);
  }

  async #end(signal: NodeJS.Signals, timeoutMs: number): Promise<number | null> {
    const child = this.#child;
    if (child === null || !this.isRunning) return child?.exitCode ?? null;
    this.#isExpectedToEnd = true;
    const ended = new Promise<number | null>((settle) => {
      child.once('exit', (code) => settle(code));
    });
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const code = await ended;
    clearTimeout(timer);
    return code;
  }

  /** `kill -9`: the data directory stays. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', 10_000);
  }

  /** The ordinary end, as Ctrl-C brings it; the exit code. The directory goes if it was made here. */
  async stop(): Promise<number | null> {
    const code = await this.#end('SIGINT', 30_000);
    if (this.#isDirectoryOurs) rmSync(this.dataDir, { recursive: true, force: true });
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Linux only; zeros elsewhere. */
  memory(): ProcessMemory {
    const read = (file: string, key: string): number => {
      try {
        const line = readFileSync(`/proc/${this.pid}/${file}`, 'utf8')
          .split('\n')
          .find((text) => text.startsWith(`${key}:`));
        return Number(line?.split(/\s+/)[1] ?? 0) / 1024;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error;
        return 0;
      }
    };
    return { residentMb: read('status', 'VmRSS'), proportionalMb: read('smaps_rollup', 'Pss') };
  }
}

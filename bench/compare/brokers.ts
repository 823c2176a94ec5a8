/**
 * The two brokers of a comparison, driven through the scripts of bench/peers. While one is measured
 * the other is stopped in its tracks (SIGSTOP), so that neither pays for the other's idle work.
 * Everything started here is stopped here, also after Ctrl-C, and its data goes away.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { node, peers, workDirectory } from '../toolchain.ts';
import type { MeasuredRun, Plan } from './rows.ts';

export type PeerName = 'millrace' | 'kafka';

const names: readonly PeerName[] = ['millrace', 'kafka'];
const scripts: Record<PeerName, string> = {
  millrace: peers.millraceScript,
  kafka: peers.kafkaScript,
};

/** Deleted topics really go at once; a Kafka that was stopped in its tracks keeps its session. */
const baseProps: Record<PeerName, string> = {
  millrace: 'log.segment.delete.delay.ms=100',
  kafka: 'log.segment.delete.delay.ms=100',
};
const pausedProps: Record<PeerName, string> = {
  millrace: '',
  kafka: 'broker.session.timeout.ms=3600000',
};

export class Brokers {
  #ports: Record<PeerName, number>;
  #running = new Set<PeerName>();
  #measuring: { pid: number } | null = null;

  constructor(firstPort: number) {
    this.#ports = { millrace: firstPort, kafka: firstPort + 10 };
  }

  dataDirectory(peer: PeerName): string {
    return join(workDirectory, peer, `run-${this.#ports[peer]}`, 'data');
  }

  #script(peer: PeerName, args: readonly string[]): string {
    const done = spawnSync(scripts[peer], args, {
      encoding: 'utf8',
      env: { ...process.env, WORK: workDirectory },
    });
    if (done.status !== 0) {
      throw new Error(`${peer} ${args[0]}: ${done.stderr.trim() || done.stdout.trim()}`);
    }
    return done.stdout.trim();
  }

  start(peer: PeerName): void {
    const props = `${baseProps[peer]} ${pausedProps[peer]}`.trim().split(' ');
    this.#running.add(peer);
    this.#script(peer, [
      'start',
      '--port',
      String(this.#ports[peer]),
      '--fresh',
      '--props',
      ...props,
    ]);
  }

  #pid(peer: PeerName): number {
    return Number(this.#script(peer, ['pid', '--port', String(this.#ports[peer])]));
  }

  /** Lets one broker run and stops the other in its tracks. */
  wake(only: PeerName): void {
    for (const peer of names) {
      if (this.#running.has(peer)) {
        process.kill(this.#pid(peer), peer === only ? 'SIGCONT' : 'SIGSTOP');
      }
    }
  }

  stop(peer: PeerName): void {
    if (!this.#running.delete(peer)) return;
    const pidFile = join(workDirectory, peer, `run-${this.#ports[peer]}`, 'pid');
    if (existsSync(pidFile)) {
      try {
        process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGCONT');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
      this.#script(peer, ['stop', '--port', String(this.#ports[peer])]);
    }
    rmSync(this.dataDirectory(peer), { recursive: true, force: true });
  }

  stopAll(): void {
    if (this.#measuring !== null) {
      try {
        process.kill(-this.#measuring.pid, 'SIGTERM');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    for (const peer of names) this.stop(peer);
  }

  /** One pass of measure.sh over the metrics of a plan; its lines, stamped with the broker. */
  async measure(
    plan: Plan,
    peer: PeerName,
    environment: Readonly<Record<string, string>>,
  ): Promise<MeasuredRun[]> {
    const out = join(workDirectory, `compare-${process.pid}.part`);
    rmSync(out, { force: true });
    if (plan.brokers === 'own') this.#running.add(peer);
    const [command, args] =
      plan.script === undefined
        ? [peers.measureScript, plan.metrics]
        : [node, [join(import.meta.dirname, plan.script)]];
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        WORK: workDirectory,
        PEER: scripts[peer],
        PORT: String(this.#ports[peer]),
        DATA: this.dataDirectory(peer),
        OUT: out,
        RUNS: '1',
        BASE_PROPS: `${baseProps[peer]} ${plan.props?.[peer] ?? ''}`.trim(),
        ...plan.environment,
        ...environment,
      },
    });
    this.#measuring = { pid: child.pid as number };
    let words = '';
    child.stderr.on('data', (piece: Buffer) => {
      words = (words + piece.toString()).slice(-2000);
    });
    await new Promise<void>((resolve) => child.once('close', () => resolve()));
    this.#measuring = null;
    if (plan.brokers === 'own') this.stop(peer);
    if (!existsSync(out))
      throw new Error(`${plan.name} on ${peer} measured nothing: ${words.trim()}`);
    const runs: MeasuredRun[] = [];
    for (const line of readFileSync(out, 'utf8').split('\n')) {
      if (line.trim() === '') continue;
      try {
        runs.push({ ...(JSON.parse(line) as MeasuredRun), peer });
      } catch (error) {
        // The load program died without its line of JSON: the run counts as failed, with its words.
        if (!(error instanceof SyntaxError)) throw error;
        const metric = /"metric":"([^"]+)"/.exec(line)?.[1] ?? plan.name;
        runs.push({ metric, peer, load: { failed: 1 }, cpu: { rc: 1 } });
        process.stderr.write(`${peer} ${metric}: ${words.trim().slice(-300)}\n`);
      }
    }
    rmSync(out, { force: true });
    return runs;
  }
}

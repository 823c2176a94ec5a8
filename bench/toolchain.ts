/**
 * Where the foreign tools are: the scripts of bench/peers, what they have built under the work
 * directory, and which of them this machine lacks. The comparison and the foreign-client checks ask
 * here, so that both skip with the same line. Nothing here starts or installs anything.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const peersDirectory: string = join(root, 'bench', 'peers');

/** WORK moves everything the peer scripts fetch and build; the default is git-ignored. */
export const workDirectory: string = resolve(process.env.WORK ?? join(root, 'bench', 'work'));

/** The Node that runs this is the Node that runs the broker. */
export const node: string = process.execPath;

/** Full path of a command on PATH, or null. */
export function which(command: string): string | null {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    if (directory === '') continue;
    const path = join(directory, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }
  return null;
}

export interface Peers {
  readonly rdload: string;
  readonly rdkafkaPerformance: string;
  readonly testRunner: string;
  readonly kafkaScript: string;
  readonly millraceScript: string;
  readonly measureScript: string;
}

export const peers: Peers = {
  rdload: join(workDirectory, 'rdload'),
  rdkafkaPerformance: join(workDirectory, 'librdkafka', 'examples', 'rdkafka_performance'),
  testRunner: join(workDirectory, 'librdkafka', 'tests', 'test-runner'),
  kafkaScript: join(peersDirectory, 'kafka.sh'),
  millraceScript: join(peersDirectory, 'millrace.sh'),
  measureScript: join(peersDirectory, 'measure.sh'),
};

function isJavaNewEnough(): boolean {
  const java = which('java');
  if (java === null) return false;
  const answer = spawnSync(java, ['-version'], { encoding: 'utf8' });
  const version = /version "(\d+)/.exec(`${answer.stderr}${answer.stdout}`)?.[1];
  return version !== undefined && Number(version) >= 17;
}

function hasKafkaLibraries(): boolean {
  const libraries = join(workDirectory, 'kafka', 'libs');
  return existsSync(libraries) && readdirSync(libraries).some((name) => name.startsWith('kafka_'));
}

/** What keeps the real Kafka and its tools from running here, or null when nothing does. */
export function whyNoKafka(options: { mayFetch: boolean }): string | null {
  if (!isJavaNewEnough()) return 'Java 17 or newer is missing';
  if (hasKafkaLibraries()) return null;
  if (which('mvn') === null) return 'Maven is missing';
  return options.mayFetch ? null : "Kafka's jars are missing (bench/peers/kafka.sh get)";
}

/** What keeps the C client and load programs from running here, or null when nothing does. */
export function whyNoLibrdkafka(options: { mayFetch: boolean; file?: string }): string | null {
  if (existsSync(options.file ?? peers.rdload)) return null;
  for (const tool of ['gcc', 'g++', 'make', 'python3', 'npm']) {
    if (which(tool) === null) return `${tool} is missing`;
  }
  return options.mayFetch
    ? null
    : 'librdkafka is not built (bench/peers/librdkafka.sh get --tests)';
}

/** Runs the `get` of a peer script; throws with its last words when it fails. */
export function fetchPeer(
  script: 'kafka.sh' | 'librdkafka.sh',
  args: readonly string[] = [],
): void {
  const done = spawnSync(join(peersDirectory, script), ['get', ...args], {
    encoding: 'utf8',
    env: { ...process.env, WORK: workDirectory },
    timeout: 900_000,
  });
  if (done.status !== 0) {
    throw new Error(`${script} get failed: ${`${done.stderr}${done.stdout}`.trim().slice(-400)}`);
  }
}

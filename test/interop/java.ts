/**
 * The Java client of Apache Kafka 4.3 against a broker, through its own command-line tools: console
 * producer and consumer with every codec, idempotent, the performance tools that need no consumer
 * group, and the admin tools. What Java produces is read by kcat and the other way round, compared
 * by checksum.
 *
 * `node test/interop/java.ts [--kafka | --bootstrap host:port]`
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchPeer, peers, which, whyNoKafka, workDirectory } from '../../bench/toolchain.ts';
import { Checks, holds, run, same } from './checks.ts';
import { checksum, joined, keyedLines } from './sample-text.ts';
import { targetFromArguments } from './target.ts';

const checks = new Checks('java');
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

async function everything(address: string, folder: string): Promise<void> {
  const tool = (name: string, args: readonly string[], input?: { file: string }) =>
    run(peers.kafkaScript, ['tool', name, ...args], {
      env: { WORK: workDirectory },
      ...(input === undefined ? {} : { input }),
      timeoutMs: 90_000,
    });
  const text = async (name: string, args: readonly string[]): Promise<string> =>
    (await tool(name, args)).stdout.toString();
  const server = ['--bootstrap-server', address];
  const lines = keyedLines(20_000, 23);
  const file = join(folder, 'lines');
  writeFileSync(file, joined(lines));
  const expected = checksum(joined(lines));
  const keyed = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:'];

  const consume = async (topic: string): Promise<Buffer> =>
    (
      await tool('console-consumer', [
        ...server,
        ...['--topic', topic, '--partition', '0', '--offset', 'earliest'],
        ...['--max-messages', String(lines.length), '--timeout-ms', '20000'],
        ...['--formatter-property', 'print.key=true', '--formatter-property', 'key.separator=:'],
      ])
    ).stdout;
  const kcat = which('kcat');

  for (const codec of codecs) {
    const topic = `java-${codec}`;
    await checks.check(`console producer with ${codec}, idempotent, console consumer`, async () => {
      await text('topics', [...server, '--create', '--topic', topic, '--partitions', '1']);
      await tool(
        'console-producer',
        [
          ...server,
          ...['--topic', topic, '--compression-codec', codec],
          ...['--command-property', 'enable.idempotence=true', '--command-property', 'acks=all'],
          ...keyed,
        ],
        { file },
      );
      same(checksum(await consume(topic)), expected, 'checksum');
      return `${lines.length} records`;
    });
    if (kcat !== null) {
      await checks.check(`what Java produced with ${codec}, consumed by kcat`, async () => {
        const { stdout } = await run(kcat, [
          ...['-b', address, '-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q'],
          ...['-f', '%k:%s\n'],
        ]);
        same(checksum(stdout), expected, 'checksum');
      });
      await checks.check(`what kcat produced with ${codec}, consumed by Java`, async () => {
        const other = `kcat-for-java-${codec}`;
        await run(kcat, [
          '-b',
          address,
          '-P',
          '-t',
          other,
          '-p',
          '0',
          '-z',
          codec,
          '-K',
          ':',
          '-l',
          file,
        ]);
        same(checksum(await consume(other)), expected, 'checksum');
      });
    }
  }

  for (const codec of codecs) {
    await checks.check(`producer performance tool with ${codec}`, async () => {
      const said = await text('ProducerPerformance', [
        ...['--topic', `perf-${codec}`, '--num-records', '100000', '--record-size', '500'],
        ...['--throughput', '-1', '--bootstrap-server', address],
        ...['--command-property', `compression.type=${codec}`],
      ]);
      holds(said.includes('100000 records sent'), said.slice(-300));
      return /\(([\d.]+ MB\/sec)\)/.exec(said.trim().split('\n').at(-1) ?? '')?.[1] ?? '';
    });
  }
  await checks.check('offsets of what was produced', async () => {
    const said = await text('org.apache.kafka.tools.GetOffsetShell', [
      ...server,
      '--topic',
      'perf-lz4',
    ]);
    const sum = said
      .trim()
      .split('\n')
      .reduce((total, line) => total + Number(line.split(':').at(-1)), 0);
    same(sum, 100_000, 'records over all partitions');
  });
  checks.skip('end to end latency tool', 'it commits offsets, and groups are not served yet');
  checks.skip('consumer performance tool', 'it subscribes, and groups are not served yet');

  await checks.check('topics: create, describe, alter, list, delete', async () => {
    const topic = 'java-admin';
    await text('topics', [
      ...server,
      ...['--create', '--topic', topic, '--partitions', '3', '--config', 'retention.ms=3600000'],
    ]);
    await text('topics', [...server, '--alter', '--topic', topic, '--partitions', '5']);
    const described = await text('topics', [...server, '--describe', '--topic', topic]);
    holds(/PartitionCount: 5\s+ReplicationFactor: 1/.test(described), described);
    holds(/retention\.ms=3600000/.test(described), described);
    holds((await text('topics', [...server, '--list'])).split('\n').includes(topic), 'not listed');
    await text('topics', [...server, '--delete', '--topic', topic]);
    holds(
      !(await text('topics', [...server, '--list'])).split('\n').includes(topic),
      'still listed',
    );
  });
  await checks.check('configs: alter, describe, delete', async () => {
    const entity = [...server, '--entity-type', 'topics', '--entity-name', 'java-none'];
    await text('configs', [
      ...entity,
      '--alter',
      '--add-config',
      'segment.bytes=2097152,flush.ms=500',
    ]);
    const described = await text('configs', [...entity, '--describe']);
    holds(
      described.includes('segment.bytes=2097152') && described.includes('flush.ms=500'),
      described,
    );
    await text('configs', [...entity, '--alter', '--delete-config', 'flush.ms']);
    const after = await text('configs', [...entity, '--describe']);
    holds(!after.includes('flush.ms=500'), after);
    const versions = await text('BrokerApiVersionsCommand', server);
    const id = /\(id: (\d+)/.exec(versions)?.[1] ?? 'none';
    const broker = await text('configs', [
      ...server,
      ...['--entity-type', 'brokers', '--entity-name', id],
      ...['--describe', '--all'],
    ]);
    holds(broker.includes('log.retention.hours'), broker.slice(0, 300));
  });
  await checks.check('delete records, log directories, API versions', async () => {
    const offsets = join(folder, 'offsets.json');
    writeFileSync(
      offsets,
      '{"partitions":[{"topic":"java-gzip","partition":0,"offset":5000}],"version":1}',
    );
    const deleted = await text('DeleteRecordsCommand', [...server, '--offset-json-file', offsets]);
    holds(/low_watermark: 5000/.test(deleted), deleted);
    const directories = await text('LogDirsCommand', [
      ...server,
      '--describe',
      '--topic-list',
      'java-lz4',
    ]);
    holds(directories.includes('java-lz4-0'), directories.slice(-300));
    const versions = await text('BrokerApiVersionsCommand', server);
    holds(/Produce\(0\): \d+ to 13/.test(versions), versions.slice(0, 400));
  });
}

const reason = whyNoKafka({ mayFetch: true });
if (reason !== null) {
  checks.skip('everything', reason);
} else {
  if (whyNoKafka({ mayFetch: false }) !== null) fetchPeer('kafka.sh');
  if (which('kcat') === null) checks.skip('crossing over with kcat', 'kcat is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'millrace-java-'));
  const target = await targetFromArguments();
  try {
    await everything(target.address, folder);
  } finally {
    await target.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exitCode = checks.end();

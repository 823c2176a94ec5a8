import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BROKER_CONFIGS } from './broker-configs.ts';
import { type BrokerSettings, ConfigSource, loadSettings } from './broker-settings.ts';
import { parseValue } from './config-definition.ts';
import { toLogConfig } from './topic-configs.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-settings-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(text: string): string {
  const path = join(directory, 'server.properties');
  writeFileSync(path, text);
  return path;
}

const withFlags = (...flags: string[]): BrokerSettings => loadSettings({ flags });
const problemOf = (load: () => unknown): string => {
  try {
    load();
  } catch (error) {
    expect(error).toMatchObject({ code: 'setting' });
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};

describe('broker settings', () => {
  test('every default is a value that its setting takes', () => {
    for (const definition of BROKER_CONFIGS.values()) {
      if (definition.defaultText === null) continue;
      expect(parseValue(definition, definition.defaultText), definition.name).toMatchObject({
        ok: true,
      });
    }
  });

  test('nothing given: the defaults of Kafka, and our own where they differ', () => {
    const { values, warnings } = loadSettings();
    expect(values).toMatchObject({
      nodeId: -1,
      listeners: [{ name: 'PLAINTEXT', host: '', port: 9092, securityProtocol: 'PLAINTEXT' }],
      advertisedListeners: [],
      logDirs: ['./data'],
      numPartitions: 1,
      autoCreateTopicsEnable: true,
      messageMaxBytes: 1_048_588,
      socketRequestMaxBytes: 104_857_600,
      flushTailBytes: 64 * 1024 * 1024,
      recordValidation: 'header',
    });
    expect(warnings).toEqual([]);
  });

  test('flags win over the environment, the environment over the file, the file over defaults', () => {
    const sources = {
      file: fileOf('num.partitions=2\nlog.retention.hours=2\nmax.connections=2\n'),
      env: { MILLRACE_NUM_PARTITIONS: '3', MILLRACE_LOG_RETENTION_HOURS: '3', PATH: '/bin' },
      flags: ['num.partitions=4'],
    };
    const settings = loadSettings(sources);
    expect(settings.text('num.partitions')).toBe('4');
    expect(settings.text('log.retention.hours')).toBe('3');
    expect(settings.values.maxConnections).toBe(2);
    expect(
      loadSettings({ ...sources, settings: { 'num.partitions': '5' } }).values.numPartitions,
    ).toBe(5);
  });

  test('our own settings go by their short names in the environment', () => {
    const { values } = loadSettings({ env: { MILLRACE_SHARD_THREADS: '2' } });
    expect(values.shardThreads).toBe(2);
  });

  test('what Kubernetes puts into the environment beside a service of our name is not a setting', () => {
    const env = { MILLRACE_SERVICE_HOST: '10.0.0.1', MILLRACE_PORT_9092_TCP_ADDR: '10.0.0.1' };
    expect(loadSettings({ env }).warnings).toEqual([]);
  });

  test.each([
    ['num.partition=3', 'unknown setting num.partition; did you mean num.partitions?'],
    ['LOG_RETENTION_MS=3', 'unknown setting LOG_RETENTION_MS; did you mean log.retention.ms?'],
    ['zzzzzz=3', 'unknown setting zzzzzz'],
    ['num.partitions', '"num.partitions": a setting is given as name=value'],
    ['num.partitions=0', 'num.partitions=0: allowed is a whole number from 1 to 2147483647'],
    ['log.preallocate=x', 'log.preallocate=x: allowed is true or false'],
    [
      'compression.type=foo',
      'compression.type=foo: allowed is uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    ['listeners=foo', 'listeners=foo: allowed is NAME://host:port, separated by commas'],
    [
      'listeners=A://:1',
      'listeners=A://:1: allowed is a name that is a security protocol or has one in listener.security.protocol.map',
    ],
    [
      'listeners=PLAINTEXT://:99999',
      'listeners=PLAINTEXT://:99999: allowed is a port from 0 to 65535',
    ],
    [
      'listeners=SSL://:1',
      'listeners=SSL://:1: allowed is the PLAINTEXT protocol only: SSL is not available in this version',
    ],
    [
      'listeners=PLAINTEXT://:1,PLAINTEXT://:2',
      'listeners=PLAINTEXT://:2: allowed is each listener name once',
    ],
    [
      'max.connections.per.ip.overrides=a',
      'max.connections.per.ip.overrides=a: allowed is host:count, separated by commas',
    ],
  ])('%s is refused in one line', (flag, line) => {
    expect(problemOf(() => withFlags(flag))).toBe(line);
  });

  test('a wrong value says where it stands', () => {
    const file = fileOf('# settings\n\nnum.partitions=x\n');
    expect(problemOf(() => loadSettings({ file }))).toBe(
      `num.partitions=x (${file}:3): allowed is a whole number from 1 to 2147483647`,
    );
    expect(problemOf(() => loadSettings({ env: { MILLRACE_NUM_PARTITIONS: 'x' } }))).toContain(
      '(MILLRACE_NUM_PARTITIONS)',
    );
    expect(problemOf(() => loadSettings({ env: { MILLRACE_NUM_PARTITION: 'x' } }))).toBe(
      'unknown setting num.partition (MILLRACE_NUM_PARTITION); did you mean num.partitions?',
    );
    expect(problemOf(() => loadSettings({ file: '/nowhere/x' }))).toMatch(
      /^settings file \/nowhere\/x cannot be read/,
    );
  });

  test("Kafka's own server.properties is accepted; its controller's listener is left out", () => {
    const file = fileOf(`
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`);
    const { values, warnings } = loadSettings({ file });
    expect(warnings).toEqual([]);
    expect(values.listeners.map(({ name, port }) => `${name}:${port}`)).toEqual(['PLAINTEXT:9092']);
    expect(values.advertisedListeners).toMatchObject([{ host: 'localhost', port: 9092 }]);
    expect(values.nodeId).toBe(1);
    expect(values.logDirs).toEqual(['/tmp/kraft-combined-logs']);
  });

  test('what would be believed in but is not done makes a line', () => {
    const { warnings } = withFlags(
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'log.cleanup.policy=compact',
      'default.replication.factor=3',
    );
    expect(warnings).toHaveLength(3);
    expect(warnings.join('\n')).toContain('authorizer.class.name');
    const { warnings: old } = loadSettings({ file: fileOf('zookeeper.connect=a:2181\n') });
    expect(old).toEqual([
      'setting zookeeper.connect has no effect: it belongs to Kafka before 4.0',
    ]);
  });

  test('IPv6 hosts lose their brackets', () => {
    const { values } = withFlags('listeners=PLAINTEXT://[::1]:9092');
    expect(values.listeners[0]?.host).toBe('::1');
  });

  test('the finer unit wins over the coarser one', () => {
    const retention = (...flags: string[]): number =>
      toLogConfig({}, withFlags(...flags)).retentionMs;
    expect(retention()).toBe(168 * 3_600_000);
    expect(retention('log.retention.hours=1')).toBe(3_600_000);
    expect(retention('log.retention.hours=1', 'log.retention.minutes=2')).toBe(120_000);
    expect(
      retention('log.retention.hours=1', 'log.retention.minutes=2', 'log.retention.ms=3'),
    ).toBe(3);
    expect(retention('log.retention.hours=-1')).toBe(Number.POSITIVE_INFINITY);
    expect(toLogConfig({}, withFlags('log.roll.hours=2')).segmentMs).toBe(7_200_000);
    expect(toLogConfig({}, withFlags('log.roll.hours=2', 'log.roll.ms=5')).segmentMs).toBe(5);
  });

  test('a dynamic setting of the broker wins over one of the cluster, that over the given one', () => {
    const settings = withFlags('log.retention.ms=1');
    settings.applyDynamic('default', new Map([['log.retention.ms', '2']]));
    expect(settings.text('log.retention.ms')).toBe('2');
    settings.applyDynamic('broker', new Map([['log.retention.ms', '3']]));
    expect(settings.places('log.retention.ms')).toEqual([
      { name: 'log.retention.ms', value: '3', source: ConfigSource.DYNAMIC_BROKER },
      { name: 'log.retention.ms', value: '2', source: ConfigSource.DYNAMIC_DEFAULT_BROKER },
      { name: 'log.retention.ms', value: '1', source: ConfigSource.STATIC_BROKER },
      { name: 'log.retention.hours', value: '168', source: ConfigSource.DEFAULT },
    ]);
    expect(toLogConfig({}, settings).retentionMs).toBe(3);
    settings.applyDynamic('broker', new Map());
    expect(toLogConfig({}, settings).retentionMs).toBe(2);
  });
});

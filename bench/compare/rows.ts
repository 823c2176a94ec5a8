/**
 * The questions of the comparison as data: which runs of measure.sh answer them, how a figure is
 * read from one run's line, and what the goal is. A ratio is Millrace divided by Kafka, both from
 * the same session; the rows about growth divide Millrace by itself.
 */

export interface MeasuredRun {
  readonly metric: string;
  readonly peer: 'millrace' | 'kafka';
  readonly load: {
    readonly mb_s?: number;
    readonly req_s?: number;
    readonly rec_s?: number;
    readonly bytes?: number;
    readonly all_bytes?: number;
    readonly records?: number;
    readonly all_requests?: number;
    readonly all_ms?: number;
    readonly failed?: number;
    readonly order_errors?: number;
    readonly lat_us?: { readonly p50: number; readonly p99: number; readonly p999: number };
    readonly ack_us?: { readonly p50: number; readonly p99: number };
    readonly value?: number;
  };
  readonly cpu: {
    readonly pid_cpu_s?: number;
    readonly wall_s?: number;
    readonly rss_mb?: number;
    readonly pss_mb?: number;
    readonly rc?: number;
  };
}

export interface Figure {
  readonly unit: string;
  /** NaN when the run does not tell it. */
  readonly of: (run: MeasuredRun) => number;
}

const bytesOf = (run: MeasuredRun): number => run.load.bytes ?? run.load.all_bytes ?? Number.NaN;

export const figures = {
  cpuPerGb: { unit: 'CPU-s/GB', of: (run) => (run.cpu.pid_cpu_s ?? NaN) / (bytesOf(run) / 1e9) },
  cpuPerUnit: {
    unit: 'CPU us each',
    of: (run) =>
      ((run.cpu.pid_cpu_s ?? NaN) * 1e6) / (run.load.all_requests ?? run.load.records ?? NaN),
  },
  megabytes: { unit: 'MB/s', of: (run) => run.load.mb_s ?? NaN },
  requests: { unit: 'req/s', of: (run) => run.load.req_s ?? NaN },
  p50: { unit: 'p50 us', of: (run) => run.load.lat_us?.p50 ?? NaN },
  p99: { unit: 'p99 us', of: (run) => run.load.lat_us?.p99 ?? NaN },
  ackP99: { unit: 'ack p99 us', of: (run) => run.load.ack_us?.p99 ?? NaN },
  milliseconds: { unit: 'ms', of: (run) => run.load.all_ms ?? NaN },
  resident: { unit: 'MB RSS', of: (run) => run.cpu.rss_mb ?? NaN },
  cores: {
    unit: '% of a core',
    of: (run) => (100 * (run.cpu.pid_cpu_s ?? NaN)) / (run.cpu.wall_s ?? NaN),
  },
  own: { unit: '', of: (run) => run.load.value ?? NaN },
} as const satisfies Record<string, Figure>;

export interface Goal {
  readonly is: 'at most' | 'at least';
  readonly goal: number;
  readonly stretch?: number;
}

const atMost = (goal: number, stretch?: number): Goal =>
  stretch === undefined ? { is: 'at most', goal } : { is: 'at most', goal, stretch };
const atLeast = (goal: number, stretch?: number): Goal =>
  stretch === undefined ? { is: 'at least', goal } : { is: 'at least', goal, stretch };

export interface Row {
  readonly number: number;
  readonly what: string;
  readonly metric: string;
  readonly figure: Figure;
  readonly goal: Goal;
  /** `kafka`: divided by Kafka's; a metric name: divided by Millrace's own; `absolute`: as it is. */
  readonly against: 'kafka' | 'absolute' | { readonly ownMetric: string };
}

const row = (
  number: number,
  what: string,
  metric: string,
  figure: Figure,
  goal: Goal,
  against: Row['against'] = 'kafka',
): Row => ({ number, what, metric, figure, goal, against });

const { cpuPerGb, cpuPerUnit, megabytes, requests, p50, p99, ackP99, milliseconds, resident } =
  figures;

export const rows: readonly Row[] = [
  row(1, 'produce, 64 KB batches, 1 partition', 'p64k-1p-pinned', cpuPerGb, atMost(0.3, 0.2)),
  row(1, 'produce, 64 KB batches, 6 partitions', 'p64k-6p-pinned', cpuPerGb, atMost(0.3, 0.2)),
  row(2, 'produce, 1 MB batches, 1 partition', 'p1m-1p-pinned', cpuPerGb, atMost(0.4, 0.3)),
  row(2, 'produce, 1 MB batches, 6 partitions', 'p1m-6p-pinned', cpuPerGb, atMost(0.4, 0.3)),
  row(
    3,
    'raw 64 KB requests, broker on one core',
    'raw64k-1p-pinned',
    megabytes,
    atLeast(2.5, 3.5),
  ),
  row(
    3,
    'the same, 6 connections and partitions',
    'raw64k-6p-pinned',
    megabytes,
    atLeast(2.5, 3.5),
  ),
  row(4, '100 B records', 'small100-pinned', cpuPerUnit, atMost(0.3, 0.2)),
  row(5, 'one-record requests, 1 connection', 'tinyraw-c1-w1-pinned', p50, atMost(0.9, 0.6)),
  row(
    5,
    'one-record requests, 1 connection',
    'tinyraw-c1-w1-pinned',
    cpuPerUnit,
    atMost(0.75, 0.45),
  ),
  row(5, 'the same, 5 in flight', 'tinyraw-c1-w5-pinned', requests, atLeast(3, 6)),
  row(6, 'one-record requests, 50 connections', 'tinyraw-c50-w1-pinned', requests, atLeast(2, 4)),
  row(6, 'one-record requests, 50 connections', 'tinyraw-c50-w1-pinned', p99, atMost(0.5, 0.25)),
  row(7, 'consume from page cache, 1 partition', 'consume-1p-pinned', cpuPerGb, atMost(1, 0.8)),
  row(7, 'consume from page cache, 1 partition', 'consume-1p-pinned', megabytes, atLeast(1, 1.3)),
  row(7, 'consume from page cache, 6 partitions', 'consume-6p-pinned', cpuPerGb, atMost(1, 0.8)),
  row(7, 'consume from page cache, 6 partitions', 'consume-6p-pinned', megabytes, atLeast(1, 1.3)),
  row(8, 'fan-out to 5 consumers', 'fan5-pinned', cpuPerGb, atMost(1, 0.7)),
  row(9, 'lz4 batches, GB before compression', 'codec-lz4-pinned', cpuPerGb, atMost(0.2, 0.1)),
  row(9, 'zstd batches, GB before compression', 'codec-zstd-pinned', cpuPerGb, atMost(0.2, 0.1)),
  ...[1000, 5000, 20000].flatMap((rate) => [
    row(10, `end to end, ${rate} records/s`, `e2eraw-${rate}-acks1`, p50, atMost(0.5, 0.35)),
    row(10, `end to end, ${rate} records/s`, `e2eraw-${rate}-acks1`, p99, atMost(0.4, 0.2)),
  ]),
  row(
    11,
    'flush.messages=1, 50 connections, 1 partition',
    'durable-c50-1p',
    requests,
    atLeast(8, 15),
  ),
  row(
    11,
    'flush.messages=1, 50 connections, 50 partitions',
    'durable-c50-50p',
    requests,
    atLeast(2, 5),
  ),
  row(12, '1,000 partitions', 'parts1000-pinned', cpuPerGb, atMost(0.35, 0.2)),
  row(
    12,
    '1,000 partitions created, each took a record',
    'create1000',
    milliseconds,
    atMost(0.1, 0.05),
  ),
  row(13, '10,000 partitions against own 1,000', 'parts10000-pinned', cpuPerGb, atMost(1.5, 1.2), {
    ownMetric: 'parts1000-pinned',
  }),
  row(13, '10,000 partitions, idle', 'idle10000', figures.cores, atMost(1), 'absolute'),
  row(14, 'memory fresh', 'startup', resident, atMost(0.25, 0.18)),
  row(14, 'memory after load', 'idle', resident, atMost(0.2, 0.12)),
  row(
    15,
    'launch on an empty directory to the first record',
    'startup',
    milliseconds,
    atMost(0.1, 0.06),
  ),
  row(
    16,
    'restart after kill -9, 2 GB in 1 partition',
    'recover-kill-1p',
    milliseconds,
    atMost(0.1, 0.05),
  ),
  row(
    16,
    'restart after kill -9, 2 GB in 100 partitions',
    'recover-kill-100p',
    milliseconds,
    atMost(0.1, 0.05),
  ),
  ...['append', 'tail read', 'random read'].map((kind) =>
    row(
      17,
      `1 TB of log against own 1 GB: ${kind}`,
      `terabyte-${kind.replace(' ', '-')}`,
      figures.own,
      atLeast(0.95, 1),
      {
        ownMetric: `gigabyte-${kind.replace(' ', '-')}`,
      },
    ),
  ),
  row(
    17,
    '1 TB of log against own 1 GB: start-up',
    'terabyte-startup',
    milliseconds,
    atMost(1.05, 1),
    {
      ownMetric: 'gigabyte-startup',
    },
  ),
  row(
    18,
    'cold reader beside a producer, against without',
    'cold-beside',
    ackP99,
    atMost(1.5, 1.1),
    {
      ownMetric: 'cold-alone',
    },
  ),
];

export interface Plan {
  readonly name: string;
  /** Names measure.sh knows. */
  readonly metrics: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Run instead of measure.sh; it starts its own brokers. */
  readonly script?: string;
  /** `shared`: both brokers stay up, the other one stopped in its tracks. `own`: starts and stops its broker. */
  readonly brokers: 'shared' | 'own';
  readonly peers: readonly ('millrace' | 'kafka')[];
  readonly isQuick: boolean;
  readonly props?: Readonly<Partial<Record<'millrace' | 'kafka', string>>>;
}

const both = ['millrace', 'kafka'] as const;
const plan = (
  name: string,
  environment: Readonly<Record<string, string>>,
  more: Partial<Plan> = {},
): Plan => ({
  name,
  metrics: [name],
  environment,
  brokers: 'shared',
  peers: both,
  isQuick: false,
  ...more,
});

const pinned = { MODES: 'pinned' };

export const plans: readonly Plan[] = [
  plan('p64k', pinned, { isQuick: true }),
  plan('p1m', pinned),
  plan('rawbig', pinned, { isQuick: true }),
  plan('small', pinned),
  plan('tiny', { ...pinned, TLIB: '0' }, { isQuick: true }),
  plan('consume', pinned, { isQuick: true }),
  plan('codec', {}),
  plan('e2eraw', { ACKS: '1' }, { isQuick: true }),
  plan('durable', {}),
  plan('cold', {}, { peers: ['millrace'] }),
  plan('idle', {}, { isQuick: true }),
  plan('parts', pinned),
  plan('parts10k', pinned, { peers: ['millrace'] }),
  plan('terabyte', {}, { brokers: 'own', peers: ['millrace'], script: 'terabyte.ts' }),
  plan('startup', { SRUNS: '1' }, { brokers: 'own', isQuick: true }),
  plan(
    'recovery',
    {},
    {
      brokers: 'own',
      // A Kafka that was killed waits for its own old session: with a second of it the rest shows.
      props: { kafka: 'broker.session.timeout.ms=1000 broker.heartbeat.interval.ms=300' },
    },
  ),
];

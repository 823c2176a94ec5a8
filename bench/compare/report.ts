/**
 * From measured runs to the table: medians and ranges per broker, ratios, and whether the goal is
 * met. Runs whose load program failed do not count and are named, so that a wrong answer can never
 * look like a fast one. Pure: strings and numbers only.
 */

import type { MeasuredRun, Row } from './rows.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

export function spread(values: readonly number[]): Spread | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return null;
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
  return { median, min, max, count: sorted.length };
}

/** True when the load program checked what it did and found nothing wrong. */
export function isSound(run: MeasuredRun): boolean {
  return (
    (run.load.failed ?? 0) === 0 && (run.load.order_errors ?? 0) === 0 && (run.cpu.rc ?? 0) === 0
  );
}

const plain = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

const shown = (found: Spread | null): string =>
  found === null
    ? '–'
    : found.count === 1
      ? plain(found.median)
      : `${plain(found.median)} [${plain(found.min)}..${plain(found.max)}]`;

export interface Line {
  readonly row: Row;
  readonly millrace: Spread | null;
  readonly base: Spread | null;
  /** The n-th run of one divided by the n-th of the other; the median is of the medians. */
  readonly ratio: Spread | null;
  readonly verdict: 'stretch' | 'met' | 'missed' | 'not measured';
}

function valuesOf(runs: readonly MeasuredRun[], peer: string, metric: string, row: Row): number[] {
  return runs
    .filter((run) => run.peer === peer && run.metric === metric && isSound(run))
    .map((run) => row.figure.of(run));
}

export function judge(row: Row, runs: readonly MeasuredRun[]): Line {
  const own = valuesOf(runs, 'millrace', row.metric, row);
  const others =
    row.against === 'kafka'
      ? valuesOf(runs, 'kafka', row.metric, row)
      : row.against === 'absolute'
        ? own.map(() => 1)
        : valuesOf(runs, 'millrace', row.against.ownMetric, row);
  const millrace = spread(own);
  const base = spread(others);
  if (millrace === null || base === null) {
    return { row, millrace, base, ratio: null, verdict: 'not measured' };
  }
  const pairs = own.map((value, index) => value / (others[index] ?? Number.NaN));
  const range = spread(pairs) ?? { min: Number.NaN, max: Number.NaN, count: 0, median: 0 };
  const ratio = { ...range, median: millrace.median / base.median };
  const isMet = (goal: number): boolean =>
    row.goal.is === 'at most' ? ratio.median <= goal : ratio.median >= goal;
  const verdict =
    row.goal.stretch !== undefined && isMet(row.goal.stretch)
      ? 'stretch'
      : isMet(row.goal.goal)
        ? 'met'
        : 'missed';
  return { row, millrace, base, ratio, verdict };
}

/** The table as Markdown; rows without any figure appear too, as not measured. */
export function table(rows: readonly Row[], runs: readonly MeasuredRun[]): string {
  const out = [
    '| # | what | figure | Millrace | Kafka (or own base) | ratio | goal | stretch | met? |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const row of rows) {
    const line = judge(row, runs);
    const sign = row.goal.is === 'at most' ? '≤' : '≥';
    const stretch = row.goal.stretch === undefined ? '' : `${sign} ${row.goal.stretch}`;
    out.push(
      `| ${row.number} | ${row.what} | ${row.figure.unit} | ${shown(line.millrace)} | ${row.against === 'absolute' ? '' : shown(line.base)} | ${shown(line.ratio)} | ${sign} ${row.goal.goal} | ${stretch} | ${line.verdict} |`,
    );
  }
  const unsound = runs.filter((run) => !isSound(run));
  if (unsound.length > 0) {
    const names = [...new Set(unsound.map((run) => `${run.peer} ${run.metric}`))];
    out.push('', `Left out, because the load program reported an error: ${names.join(', ')}.`);
  }
  return out.join('\n');
}

/** One run in a few words, for the progress line. */
export function inShort(run: MeasuredRun): string {
  const parts: string[] = [];
  const add = (value: number | undefined, unit: string): void => {
    if (value !== undefined && Number.isFinite(value)) parts.push(`${plain(value)} ${unit}`);
  };
  add(run.load.mb_s, 'MB/s');
  add(run.load.req_s, 'req/s');
  const bytes = run.load.bytes ?? run.load.all_bytes;
  if (bytes !== undefined && run.cpu.pid_cpu_s !== undefined) {
    add(run.cpu.pid_cpu_s / (bytes / 1e9), 'CPU-s/GB');
  }
  add(run.load.lat_us?.p50, 'us p50');
  add(run.load.lat_us?.p99, 'us p99');
  add(run.load.all_ms, 'ms');
  add(run.load.value, '');
  add(run.cpu.rss_mb, 'MB RSS');
  if (!isSound(run)) parts.push('FAILED CHECK');
  return parts.join(', ');
}

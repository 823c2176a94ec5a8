/**
 * How a long transfer shows that it moves: a bar that is drawn over on a terminal, a plain line now and then
 * elsewhere. It asks for the numbers when it draws; the work itself is not touched.
 *
 * Main thread; writes to stderr only.
 */

export interface ProgressState {
  readonly records: number;
  readonly bytes: number;
  /** What `bytes` will be at the end; null: unknown. */
  readonly totalBytes: number | null;
}

const BAR_INTERVAL_MS = 150;
const LINE_INTERVAL_MS = 5000;
/** Few enough that the whole line fits a terminal of 80 columns. */
const BAR_CELLS = 12;

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #output: ProgressOutput;
  readonly #ask: () => ProgressState;
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #hasBar = false;
  #lastMs = this.#startedMs;
  #lastBytes = 0;

  constructor(output: ProgressOutput, ask: () => ProgressState) {
    this.#output = output;
    this.#ask = ask;
    this.#timer = setInterval(
      () => this.#draw(),
      output.isTTY ? BAR_INTERVAL_MS : LINE_INTERVAL_MS,
    );
    this.#timer.unref();
  }

  /** Milliseconds since the start. */
  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Takes the bar away, so that something else can be printed. */
  clear(): void {
    if (this.#hasBar) this.#output.write('\r\x1b[K');
    this.#hasBar = false;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  #draw(): void {
    const state = this.#ask();
    const nowMs = performance.now();
    const rate = ((state.bytes - this.#lastBytes) * 1000) / Math.max(1, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.#lastBytes = state.bytes;
    if (!this.#output.isTTY) {
      this.#output.write(`${progressText(state, rate)}\n`);
      return;
    }
    const text = `${progressBar(state)}${progressText(state, rate)}`;
    this.#output.write(`\r${text.slice(0, (this.#output.columns ?? 80) - 1)}\x1b[K`);
    this.#hasBar = true;
  }
}

/** `[######------] ` with as much filled as is done; empty when the end is unknown. */
export function progressBar({ bytes, totalBytes }: ProgressState): string {
  if (totalBytes === null || totalBytes === 0) return '';
  const filled = Math.min(BAR_CELLS, Math.floor((bytes / totalBytes) * BAR_CELLS));
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_CELLS - filled)}] `;
}

/** `45 %  1.2 GB of 2.6 GB  12.3 M records  312 MB/s  5.0 s left`, `rate` in bytes per second. */
export function progressText({ bytes, totalBytes, records }: ProgressState, rate: number): string {
  const parts: string[] = [];
  if (totalBytes !== null && totalBytes > 0) {
    parts.push(`${Math.min(100, Math.floor((bytes * 100) / totalBytes))} %`);
    parts.push(`${formatBytes(bytes)} of ${formatBytes(totalBytes)}`);
  } else parts.push(formatBytes(bytes));
  parts.push(`${formatRoughly(records)} records`, `${formatBytes(rate)}/s`);
  if (totalBytes !== null && rate > 0 && bytes < totalBytes) {
    parts.push(`${formatDuration(((totalBytes - bytes) * 1000) / rate)} left`);
  }
  return parts.join('  ');
}

/** `1.24 GB`: powers of ten, three digits. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** `12.3 M`: three digits. */
export function formatRoughly(count: number): string {
  if (count < 10_000) return String(count);
  const isMillions = count >= 999_500;
  return `${Number((count / (isMillions ? 1e6 : 1000)).toPrecision(3))} ${isMillions ? 'M' : 'k'}`;
}

/** `12,345,678` */
export function formatCount(count: number): string {
  // Not `toLocaleString`: the first call loads the tables of all languages, some 30 ms.
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `850 ms`, `4.1 s`, `3 min 12 s`, `2 h 5 min` */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

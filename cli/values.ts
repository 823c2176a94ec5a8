/**
 * The values that options take: numbers, sizes, positions, lists of partitions, characters with escapes. Each
 * parser throws `UsageError` with one line that says what is allowed.
 *
 * Any thread; pure but for the clock, which is handed in.
 */

import type { Position } from '../client/positions.ts';
import { UsageError } from './failure.ts';

/** A whole number of at least `min`. */
export function parseCount(text: string, what: string, min = 0): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min) {
    throw new UsageError(`${what}: a whole number of at least ${min} is needed, not '${text}'`);
  }
  return value;
}

const sizeUnits: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** A number of bytes: `65536`, `64k`, `1m`. */
export function parseSize(text: string, what: string): number {
  const match = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text);
  if (match === null) {
    throw new UsageError(`${what}: a size such as 65536, 64k or 1m is needed, not '${text}'`);
  }
  return Number(match[1]) * sizeUnits[match[2]!.toLowerCase()]!;
}

/** `0,2-4`: ascending, without repeats. */
export function parsePartitions(text: string): number[] {
  const partitions = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first || last - first > 1_000_000) {
      throw new UsageError(`--partition: a list such as 0,2-4 is needed, not '${text}'`);
    }
    for (let partition = first; partition <= last; partition++) partitions.add(partition);
  }
  return [...partitions].sort((a, b) => a - b);
}

const agoUnits: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A place in a log: `beginning`, `end`, an offset, `-100` (that many before the end), a time (`2026-01-31`,
 * `2026-01-31T14:00`, with a zone or in local time), `15m` (that long ago), `@1769868000000` (epoch ms).
 */
export function parsePosition(text: string, what: string, nowMs: number): Position {
  if (/^(beginning|start|earliest)$/.test(text)) return 'beginning';
  if (/^(end|latest)$/.test(text)) return 'end';
  if (/^-?\d{1,16}$/.test(text)) return { offset: Number(text) };
  if (/^@\d{1,15}$/.test(text)) return { timestampMs: Number(text.slice(1)) };
  const ago = /^(\d{1,9})([smhd])$/.exec(text);
  if (ago !== null) return { timestampMs: nowMs - Number(ago[1]) * agoUnits[ago[2]!]! };
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const timestampMs = parseTime(text);
    if (!Number.isNaN(timestampMs)) return { timestampMs };
  }
  throw new UsageError(
    `${what}: beginning, end, an offset, -N (N before the end), a time such as 2026-01-31T14:00 or 15m (ago) is needed, not '${text}'`,
  );
}

/** A time in ISO form; a bare date, too, is in local time, as a time of day is. */
function parseTime(text: string): number {
  return Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text.replace(' ', 'T'));
}

/** `name=value` pairs; `what` names the option. */
export function parsePairs(texts: readonly string[], what: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new UsageError(`${what}: name=value is needed, not '${text}'`);
    pairs[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return pairs;
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  0: '\0',
  '\\': '\\',
};

/** Bytes of a text in which \n, \t, \r, \0, \\ and \xHH stand for what they do in C. */
export function parseEscaped(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const match of text.matchAll(/\\x([0-9a-fA-F]{2})|\\(.)|([^\\]+)|\\$/gsu)) {
    const [whole, hex, letter, plain] = match;
    if (hex !== undefined) parts.push(Buffer.from(hex, 'hex'));
    else if (letter !== undefined) parts.push(Buffer.from(escapes[letter] ?? whole));
    else parts.push(Buffer.from(plain ?? whole));
  }
  return Buffer.concat(parts);
}

/**
 * Deterministic text for the foreign-client checks: lines of words with keys, the same for the same
 * seed on every machine, and the checksum they are compared by.
 */

import { createHash } from 'node:crypto';

const words = (
  'order payment shipped customer invoice pending region amount retry status update stream shard ' +
  'offset größe naïve 数据 emoji-🚀 tab\\t quote" brace{} semi; pipe|'
).split(' ');

/** A xorshift generator: its numbers are the same everywhere. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

export interface KeyedLine {
  readonly key: string;
  readonly value: string;
}

/** Lines that are never empty and hold no line break. */
export function keyedLines(count: number, seed: number): KeyedLine[] {
  const next = randomNumbers(seed);
  const lines: KeyedLine[] = [];
  for (let index = 0; index < count; index++) {
    const length = 1 + (next() % 24);
    const parts = [`${index}`];
    for (let word = 0; word < length; word++) parts.push(words[next() % words.length] as string);
    lines.push({ key: `k${next() % 1000}`, value: parts.join(' ') });
  }
  return lines;
}

export const joined = (lines: readonly KeyedLine[]): Buffer =>
  Buffer.from(lines.map((line) => `${line.key}:${line.value}\n`).join(''));

export const valuesOnly = (lines: readonly KeyedLine[]): Buffer =>
  Buffer.from(lines.map((line) => `${line.value}\n`).join(''));

export const checksum = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 16);

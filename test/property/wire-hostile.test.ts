/**
 * Hostile input to the wire codec: golden messages torn at every length, counts and lengths that claim the sky, and a short
 * fuzz run from a fresh seed. Nothing may crash, hang, or allocate out of proportion to the input.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { run } from '../../fuzz/wire.ts';
import { Reader } from '../../net/wire/reader.ts';
import { allMessages } from '../../net/wire/registry.ts';
import { WireError } from '../../net/wire/wire-error.ts';
import { GOLDEN_FILE, parseGolden } from '../interop/golden-messages.ts';

const messages = await allMessages();
const byName = new Map(messages.map((message) => [message.name, message]));
const golden = parseGolden(readFileSync(GOLDEN_FILE, 'utf8'));

function isRefused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof WireError && error.code === 'malformed') return true;
    throw error;
  }
}

describe('hostile input to the wire codec', () => {
  test('a golden message torn anywhere is malformed, and nothing else', () => {
    const reader = new Reader();
    for (const { name, version, hex } of golden) {
      const bytes = Buffer.from(hex, 'hex');
      const step = Math.max(1, Math.floor(bytes.length / 50));
      for (let end = bytes.length - 1; end >= 0; end -= step) {
        const refused = isRefused(() => {
          reader.reset(bytes, 0, end);
          byName.get(name)!.read(reader, version);
        });
        expect(refused, `${name} v${version} cut to ${end} of ${bytes.length}`).toBe(true);
      }
    }
  });

  test('a megabyte of any one byte decodes or fails at once, whatever message it is taken for', () => {
    const reader = new Reader();
    for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
      const bytes = Buffer.alloc(1 << 20, value);
      for (const message of messages) {
        const started = performance.now();
        isRefused(() => {
          reader.reset(bytes);
          message.read(reader, message.versions[1]);
        });
        expect(performance.now() - started, message.name).toBeLessThan(2000);
      }
    }
  });

  test('counts of two billion do not reserve memory for them', () => {
    const reader = new Reader();
    const bomb = Buffer.alloc(4096);
    for (let at = 0; at < bomb.length; at += 4) bomb.writeInt32BE(0x7fffffff, at);
    const before = process.memoryUsage();
    for (const message of messages) {
      for (let version = message.versions[0]; version <= message.versions[1]; version++) {
        isRefused(() => {
          reader.reset(bomb);
          message.read(reader, version);
        });
      }
    }
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16 << 20);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(64 << 20);
  });

  test('a short fuzz run finds nothing', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`fuzz/wire.ts, seed ${seed}: npm run fuzz -- wire ${seed}`);
    await run({ seed, eventsMax: 1500 });
  });

  test('a fuzz run with a planted defect finds it', async () => {
    await expect(run({ seed: 1, eventsMax: 10, isCanary: true })).rejects.toMatchObject({
      code: 'assertion',
    });
  });
});

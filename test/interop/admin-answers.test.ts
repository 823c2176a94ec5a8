/**
 * Puts the questions of `golden/admin-answers.tsv` to the administrative API, in order, and compares each answer with the
 * one that Apache Kafka 4.3.1 gave: error codes, sentences, configs with their sources and synonyms. A line holds title,
 * API key, version, request, response; both as JSON, the request without what has its default.
 *
 * The answers were recorded from a fresh broker with node id 1. Left out are what must differ: ids, sizes of the volume,
 * two configs (`preallocate`, on here; `min.insync.replicas`, which Kafka keeps as a dynamic setting of the cluster) and,
 * in CreateTopics, configs that are defaults. Rows are compared without regard to their order, which Kafka shuffles.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ZERO_UUID } from '../../engine/base/uuid.ts';
import { Reader } from '../../net/wire/reader.ts';
import { type Api, apiByKey } from '../../net/wire/registry.ts';
import { Writer } from '../../net/wire/writer.ts';
import { openAdmin } from '../cluster/open-admin.ts';

const lines = readFileSync(new URL('./golden/admin-answers.tsv', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const [title, apiKey, version, request, response] = line.split('\t');
    return {
      title: title!,
      apiKey: Number(apiKey),
      version: Number(version),
      request: request!,
      response: response!,
    };
  });

const GONE_ID = 'AAAAAAAAAAAAAAAAAAAAEA';
const CREATE_TOPICS = 19;
const TOPIC_SOURCE = 1;
const DIFFERENT_CONFIGS = new Set(['min.insync.replicas', 'preallocate']);

interface Named {
  readonly name?: string;
  readonly configSource?: number;
}

/** What of an answer is compared, in an order of its own. */
function comparable(answer: unknown, apiKey: number): unknown {
  return JSON.parse(JSON.stringify(answer), (key, value: unknown) => {
    if (key === 'topicId' && value !== ZERO_UUID && !String(value).startsWith('qqqqqqq'))
      return 'ID';
    if (key === 'logDir') return 'DIR';
    if (key === 'documentation') return value === null ? null : 'string';
    if (key === 'producerId' && Number(value) >= 0) return 'PID';
    if (!Array.isArray(value) || key === 'synonyms') return value;
    const rows = key === 'configs' ? value.filter((row) => isCompared(row, apiKey)) : value;
    return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  });
}

function isCompared({ name, configSource }: Named, apiKey: number): boolean {
  if (DIFFERENT_CONFIGS.has(name ?? '')) return false;
  return apiKey !== CREATE_TOPICS || configSource === TOPIC_SOURCE;
}

/** The bytes and back: fills in defaults, drops what the version does not have. */
function throughWire(codec: Api['request'], value: unknown, version: number): unknown {
  const writer = new Writer();
  codec.write(writer, value, version);
  return codec.read(new Reader(writer.bytes, 0, writer.size), version);
}

describe('administrative answers are those of Kafka', async () => {
  const { admin, controller } = await openAdmin();
  for (const { title, apiKey, version, request, response } of lines) {
    test(`${title} (API ${apiKey}, version ${version})`, async () => {
      const api = await apiByKey(apiKey);
      // Deleting by id: the one that topic has here; once it is gone, one that nobody has.
      const topicId = controller.topic('x4')?.record.id ?? GONE_ID;
      const asked = JSON.parse(request.replaceAll('$x4', topicId));
      const body = throughWire(api.request, asked, version);
      const context = { clientId: 'test', listener: 'PLAINTEXT' };
      const answer = await admin.handle(apiKey, version, body, context);
      const read = throughWire(api.response, answer, version) as object;
      const expected = JSON.parse(response) as object;
      expect(comparable(pick(read, expected), apiKey)).toEqual(comparable(expected, apiKey));
    });
  }
});

/** Kafka's answer holds only the fields of its version; a decoded one holds all. */
function pick(read: unknown, expected: unknown): unknown {
  if (Array.isArray(read)) {
    const sample = Array.isArray(expected) ? expected[0] : undefined;
    return sample === undefined ? read : read.map((row) => pick(row, sample));
  }
  if (typeof read !== 'object' || read === null || typeof expected !== 'object') return read;
  const fields = Object.entries(expected ?? {});
  return Object.fromEntries(
    fields.map(([name, value]) => [name, pick((read as Record<string, unknown>)[name], value)]),
  );
}

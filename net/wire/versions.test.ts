import { describe, expect, test } from 'vitest';
import { allMessages, apiByKey, loadedApi } from './registry.ts';
import { ADVERTISED_APIS, ApiKey, apiOf, isServed, KAFKA_APIS, SERVED_APIS } from './versions.ts';

describe('versions', () => {
  test('agree with the schemas of every API', async () => {
    for (const { key, name, versionMin, versionMax, flexibleFrom } of KAFKA_APIS) {
      const { request, response } = await apiByKey(key);
      for (const [message, kind] of [
        [request, 'Request'],
        [response, 'Response'],
      ] as const) {
        expect(message.name).toBe(name + kind);
        expect(message.apiKey).toBe(key);
        expect(message.versions[0]).toBeLessThanOrEqual(versionMin);
        expect(message.versions[1]).toBeGreaterThanOrEqual(versionMax);
        expect(Math.max(message.flexibleFrom, versionMin)).toBe(flexibleFrom);
      }
      expect(ApiKey[name as keyof typeof ApiKey]).toBe(key);
      expect(loadedApi(key)).toEqual({ request, response });
    }
  });

  test('a key without an API is unknown everywhere', async () => {
    for (const key of [-1, 4, 7, 93, 32767]) {
      expect(apiOf(key)).toBe(undefined);
      expect(loadedApi(key)).toBe(undefined);
      expect(isServed(key, 0)).toBe(false);
      await expect(apiByKey(key)).rejects.toThrow(`there is no API ${key}`);
    }
  });

  test('what is served is what Kafka serves of it, no version more or less', () => {
    for (const { key, versionMin, versionMax } of SERVED_APIS) {
      expect(isServed(key, versionMin)).toBe(true);
      expect(isServed(key, versionMax)).toBe(true);
      expect(isServed(key, versionMin - 1)).toBe(false);
      expect(isServed(key, versionMax + 1)).toBe(false);
      expect(isServed(key, Number.NaN)).toBe(false);
    }
    expect(isServed(ApiKey.JoinGroup, 0)).toBe(false);
  });

  test('Produce is advertised from version 0 on, all else as it is served', () => {
    for (const { apiKey, minVersion, maxVersion } of ADVERTISED_APIS) {
      expect(isServed(apiKey, maxVersion)).toBe(true);
      if (apiKey === ApiKey.Produce) expect([minVersion, maxVersion]).toEqual([0, 13]);
      else expect(isServed(apiKey, minVersion)).toBe(true);
    }
    expect(ADVERTISED_APIS.map(({ apiKey }) => apiKey)).toEqual(
      SERVED_APIS.map(({ key }) => key).toSorted((a, b) => a - b),
    );
  });
});

describe('registry', () => {
  test('names every message once', async () => {
    const names = (await allMessages()).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('RequestHeader');
    expect(names).toContain('EndTxnMarker');
    expect(names).toContain('OffsetCommitKey');
    expect(names.length).toBe(240);
  });
});

import { describe, expect, test } from 'vitest';
import {
  readRequestHeader,
  readResponseHeader,
  requestHeader,
  requestHeaderVersion,
  responseHeader,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
} from './header.ts';
import { readRequestHead } from './hot/request-head.ts';
import { putFrameSize, putResponseHead, responseHeadBytes } from './hot/response-head.ts';
import { Reader } from './reader.ts';
import { ApiKey, KAFKA_APIS } from './versions.ts';
import { Writer } from './writer.ts';

const VERSIONS = KAFKA_APIS.flatMap(({ key, versionMin, versionMax }) =>
  Array.from(
    { length: versionMax - versionMin + 1 },
    (_, index) => [key, versionMin + index] as const,
  ),
);

describe('headers', () => {
  test('flexible versions have tagged headers, but an ApiVersions response never has', () => {
    expect(requestHeaderVersion(ApiKey.Produce, 8)).toBe(1);
    expect(requestHeaderVersion(ApiKey.Produce, 9)).toBe(2);
    expect(responseHeaderVersion(ApiKey.Produce, 9)).toBe(1);
    expect(requestHeaderVersion(ApiKey.ApiVersions, 3)).toBe(2);
    expect(requestHeaderVersion(ApiKey.ApiVersions, 99)).toBe(2);
    expect(responseHeaderVersion(ApiKey.ApiVersions, 3)).toBe(0);
    expect(requestHeaderVersion(ApiKey.SaslHandshake, 1)).toBe(1);
    expect(requestHeaderVersion(4, 7)).toBe(1);
    expect(requestHeaderVersion(-1, 0)).toBe(1);
    expect(responseHeaderVersion(1000, 0)).toBe(0);
  });

  test('the three ways to read and the two to write a request header agree for every API', () => {
    for (const [apiKey, apiVersion] of VERSIONS) {
      for (const clientId of [null, '', 'rdkafka', 'größer']) {
        const header = { apiKey, apiVersion, correlationId: -5, clientId };
        const writer = new Writer();
        writeRequestHeader(writer, header);
        const bytes = writer.copy();

        const reader = new Reader(bytes);
        const read = { apiKey: 0, apiVersion: 0, correlationId: 0, clientId: '' };
        readRequestHeader(reader, read);
        expect(read).toEqual(header);
        expect(reader.remaining).toBe(0);

        const version = requestHeaderVersion(apiKey, apiVersion);
        reader.reset(bytes);
        expect(requestHeader.read(reader, version)).toEqual({
          requestApiKey: apiKey,
          requestApiVersion: apiVersion,
          correlationId: -5,
          clientId,
        });
        expect(reader.remaining).toBe(0);

        const head = {
          apiKey: 0,
          apiVersion: 0,
          correlationId: 0,
          clientIdAt: 0,
          clientIdSize: 0,
          bodyAt: 0,
        };
        readRequestHead({ bytes }, 0, bytes.length, head);
        expect(head).toMatchObject({ apiKey, apiVersion, correlationId: -5, bodyAt: bytes.length });
        expect(head.clientIdSize).toBe(clientId === null ? -1 : Buffer.byteLength(clientId));
      }
    }
  });

  test('the ways to write a response header agree for every API', () => {
    for (const [apiKey, apiVersion] of VERSIONS) {
      const expected = new Writer();
      responseHeader.write(
        expected,
        { correlationId: 77 },
        responseHeaderVersion(apiKey, apiVersion),
      );
      const writer = new Writer();
      writeResponseHeader(writer, apiKey, apiVersion, 77);
      expect(writer.copy()).toEqual(expected.copy());
      expect(readResponseHeader(new Reader(writer.copy()), apiKey, apiVersion)).toBe(77);

      const bytes = Buffer.alloc(responseHeadBytes(apiKey, apiVersion) + 3);
      const target = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
      const at = putResponseHead(target, 0, { apiKey, apiVersion, correlationId: 77 }, 3);
      expect(at).toBe(bytes.length - 3);
      expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
      expect(bytes.subarray(4, at)).toEqual(expected.copy());
      putFrameSize(target, 0, 4 + 1000);
      expect(bytes.readInt32BE(0)).toBe(1000);
    }
  });

  test('a torn header is malformed in place as it is otherwise', () => {
    const writer = new Writer();
    writeRequestHeader(writer, { apiKey: 0, apiVersion: 9, correlationId: 1, clientId: 'abc' });
    const bytes = writer.copy();
    const malformed = expect.objectContaining({ code: 'malformed' });
    for (let end = 0; end < bytes.length; end++) {
      expect(() => readRequestHead({ bytes }, 0, end, {} as never)).toThrow(malformed);
      expect(() => readRequestHeader(new Reader(bytes, 0, end), {} as never)).toThrow(malformed);
    }
  });
});

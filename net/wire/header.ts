/**
 * What goes before the body of every request and response. Flexible versions of an API use the header version
 * with tagged fields, others the one without; which that is follows from API key and version alone, so both are
 * read before the rest. One exception is left: an ApiVersions response always has header version 0, because a
 * client must be able to read it before it knows what the broker speaks.
 *
 * Any thread. For requests on the hot path, `hot/request-header.ts` reads the same without an allocation.
 */

import { type Infer, message } from './message.ts';
import type { Reader } from './reader.ts';
import { int16, int32, string } from './schema.ts';
import { ApiKey, apiOf } from './versions.ts';
import type { Writer } from './writer.ts';

export const requestHeader = message({
  name: 'RequestHeader',
  versions: [1, 2],
  flexible: 2,
  fields: {
    requestApiKey: int16('0+'),
    requestApiVersion: int16('0+'),
    correlationId: int32('0+'),
    // With its fixed-size length in version 2, too: a broker must get this far before it knows the version.
    clientId: string('1+', { nullable: '1+', neverCompact: true }),
  },
});
export type RequestHeader = Infer<typeof requestHeader>;

export const responseHeader = message({
  name: 'ResponseHeader',
  versions: [0, 1],
  flexible: 1,
  fields: {
    correlationId: int32('0+'),
  },
});
export type ResponseHeader = Infer<typeof responseHeader>;

/** The version of the header before a request; that of an unknown API is taken for one without tags. */
export function requestHeaderVersion(apiKey: number, apiVersion: number): number {
  const api = apiOf(apiKey);
  return api !== undefined && apiVersion >= api.flexibleFrom ? 2 : 1;
}

/** The version of the header before a response. */
export function responseHeaderVersion(apiKey: number, apiVersion: number): number {
  if (apiKey === ApiKey.ApiVersions) return 0;
  const api = apiOf(apiKey);
  return api !== undefined && apiVersion >= api.flexibleFrom ? 1 : 0;
}

/** What `readRequestHeader` fills in. */
export interface RequestHeaderFields {
  apiKey: number;
  apiVersion: number;
  correlationId: number;
  clientId: string | null;
}

/** Reads a request header into `out`; the reader then stands at the body. Throws `WireError` 'malformed'. */
export function readRequestHeader(reader: Reader, out: RequestHeaderFields): void {
  out.apiKey = reader.int16();
  out.apiVersion = reader.int16();
  out.correlationId = reader.int32();
  out.clientId = reader.nullableString();
  if (requestHeaderVersion(out.apiKey, out.apiVersion) === 2) reader.skipTags();
}

/** Writes a request header; the body goes behind it. */
export function writeRequestHeader(writer: Writer, header: Readonly<RequestHeaderFields>): void {
  writer.int16(header.apiKey);
  writer.int16(header.apiVersion);
  writer.int32(header.correlationId);
  writer.nullableString(header.clientId);
  if (requestHeaderVersion(header.apiKey, header.apiVersion) === 2) writer.int8(0);
}

/** Reads a response header and returns the correlation id; the reader then stands at the body. */
export function readResponseHeader(reader: Reader, apiKey: number, apiVersion: number): number {
  const correlationId = reader.int32();
  if (responseHeaderVersion(apiKey, apiVersion) === 1) reader.skipTags();
  return correlationId;
}

/** Writes a response header; the body goes behind it. */
export function writeResponseHeader(
  writer: Writer,
  apiKey: number,
  apiVersion: number,
  correlationId: number,
): void {
  writer.int32(correlationId);
  if (responseHeaderVersion(apiKey, apiVersion) === 1) writer.int8(0);
}
